/* SPDX-License-Identifier: Apache-2.0 */
/* What definitions that people wrote name, and claims may take. Private to src/plan. */
#ifndef PLAN_BARS_H
#define PLAN_BARS_H

#include "plan/plan_request.h"

/* A VM, running or not, whose definition names the device though no claim put it there and none has
 * it; NULL: none. */
const struct vm *bars_find(const struct planner *planner, const struct pci_addr *device);
/* Fills plan->bars from the plan's steps and claims. */
void bars_note(const struct planner *planner, struct plan *plan);
/* Warns of new claims whose VM has another GPU, or a part of one, by hand: it is to have two. */
void bars_note_doubles(const struct planner *planner, struct plan *plan);

#endif
