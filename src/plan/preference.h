/* SPDX-License-Identifier: Apache-2.0 */
/* Which GPU a claim goes to first. Private to src/plan. */
#ifndef PLAN_PREFERENCE_H
#define PLAN_PREFERENCE_H

#include "plan/work.h"

/* How well the GPU suits the claim, next to the others: a higher number is tried first. */
int work_preference(const struct gpu_work *work, const struct claim *claim);

#endif
