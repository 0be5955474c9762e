/* SPDX-License-Identifier: Apache-2.0 */
/* Why no GPU serves what a claim needs: each GPU's reason, what would fit, and which boards would
 * serve it. Private to src/plan. */
#ifndef PLAN_NEED_REFUSAL_H
#define PLAN_NEED_REFUSAL_H

#include "plan/options.h"
#include "plan/work.h"

/* None of the options can be served, as things stand: says so of each GPU. */
void need_refuse(struct works *works, const struct claim *claim, const struct options *options,
                 struct error *err);
/* Adds which boards of the catalog would serve the claim's need, where none here ever does. */
void need_tell_boards(const struct planner *planner, const struct claim *claim, struct error *err);

#endif
