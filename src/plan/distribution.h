/* SPDX-License-Identifier: Apache-2.0 */
/* Claims that come, over all GPUs at once, where one by one they don't all fit. Private to
 * src/plan. */
#ifndef PLAN_DISTRIBUTION_H
#define PLAN_DISTRIBUTION_H

#include "plan/work.h"

/* Takes all of the claims in, without moving any other, where some distribution of them over the
 * GPUs serves them (place/joint.h). False: none was found, and every GPU's part is without claims
 * that come, as it must be before, too; `err`, why one by one they don't fit, gets what that means
 * for all of them. */
bool distribution_make(struct works *works, const struct claim *const *claims, size_t n,
                       struct error *err);
/* Takes all claims that come out of the GPUs' parts again. */
void distribution_take_back(struct works *works);

#endif
