/* SPDX-License-Identifier: Apache-2.0 */
/* What the GPUs' parts come to, put into one plan: its claims, and its steps in order. */
#ifndef PLAN_COLLECT_H
#define PLAN_COLLECT_H

#include "plan/work.h"

/* Claims that go without holding anything on a GPU that is here. 0 or -reason. */
int collect_empty(struct plan *plan, const struct planner *planner,
                  const struct plan_request *request, struct error *err);
/* A plan without steps, undone or not as its policy says; author and reason may be NULL. */
struct plan *collect_begin(enum plan_purpose purpose, const char *author, const char *reason);
/* All that the GPUs' parts and the request have: once each part is solved. 0; -IN_USE or
 * -UNAVAILABLE when a step is about a VM that is on, or that can't be reached. */
int collect_steps(struct plan *plan, const struct works *works, const struct plan_request *request,
                  struct error *err);

/* Adds an entry for a claim that comes; the claim learns which VM it is that its name means. */
struct plan_claim *plan_add_claim(struct plan *plan, const struct planner *planner,
                                  enum plan_verb verb, const struct claim *claim);
/* A VM's devices change only while it is off and libvirt answers. */
int plan_check_vm(const struct planner *planner, const struct step *step, struct error *err);

#endif
