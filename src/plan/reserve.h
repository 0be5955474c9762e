/* SPDX-License-Identifier: Apache-2.0 */
/* On-demand claims that come: which device their VM's definition names until they are allocated.
 * Private to src/plan. */
#ifndef PLAN_RESERVE_H
#define PLAN_RESERVE_H

#include "plan/admit.h"

/* Is the claim, of those that a request adds, one whose device is only reserved? */
bool reserve_is_for(const struct plan_request *request, const struct claim *claim);

/* Adds to the plan: for each of them its entry, with a device of a GPU that may serve it, one that
 * the fewest other claims name; and the step that puts it into the VM's definition. Takes no
 * account of room, for that is known only when the VM starts. */
int reserve_all(const struct planner *planner, const struct plan_request *request,
                struct plan *plan, struct error *err);

#endif
