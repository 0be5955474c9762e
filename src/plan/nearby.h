/* SPDX-License-Identifier: Apache-2.0 */
/* The nearest to a claim that no GPU can serve: what one of them can serve now, next to what
 * stands there. Private to src/plan. */
#ifndef PLAN_NEARBY_H
#define PLAN_NEARBY_H

#include "plan/work.h"

/* Puts the nearest that fits into the hint of the claim's refusal, before what that says already:
 * the same GPU instance elsewhere, else the type or profile that gives up the least memory, then
 * the least compute, on any GPU that the claim allows; of equal ones on the GPU that suits best.
 * Each was planned like the claim itself, so asking for it works while nothing else changes. */
void nearby_tell(struct works *works, const struct claim *claim, struct error *err);

#endif
