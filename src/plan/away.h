/* SPDX-License-Identifier: Apache-2.0 */
/* Claims that are not in use and go to other GPUs, where no moves on one GPU make room. Private to
 * src/plan. */
#ifndef PLAN_AWAY_H
#define PLAN_AWAY_H

#include "plan/work.h"

/* Takes the claim in on the GPU of which the fewest idle claims have to go to others for that.
 * False: no such set was found, of a bounded number that is tried, and every GPU's part is what it
 * was. */
bool away_make(struct works *works, const struct claim *claim);

#endif
