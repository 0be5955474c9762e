/* SPDX-License-Identifier: Apache-2.0 */
/* GPUs of which the same is true for any claim: one board, one state, the same contents. Private to
 * src/plan. */
#ifndef PLAN_ALIKE_H
#define PLAN_ALIKE_H

#include "plan/work.h"

/* Is there nothing by which a claim would find one of them another than the other, but its address?
 * False where that takes more than a look. */
bool alike_are(const struct gpu_work *a, const struct gpu_work *b);

#endif
