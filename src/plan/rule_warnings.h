/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that warn, for the reader of a plan. Private to src/plan. */
#ifndef PLAN_RULE_WARNINGS_H
#define PLAN_RULE_WARNINGS_H

#include "plan/plan_request.h"

/* Adds to plan->warnings what rules say of claims that come, on the GPUs that they will have. */
void rule_warnings_note(const struct planner *planner, struct plan *plan);

#endif
