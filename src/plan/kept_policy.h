/* SPDX-License-Identifier: Apache-2.0 */
/* Scheduling policies that claims asked for, and that outlast them. Private to src/plan. */
#ifndef PLAN_KEPT_POLICY_H
#define PLAN_KEPT_POLICY_H

#include "plan/plan_request.h"

/* Adds to plan->warnings which GPUs keep the policy of a claim that goes, and how to set it back.
 */
void kept_policy_note(const struct planner *planner, struct plan *plan);

#endif
