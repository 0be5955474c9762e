/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way out of quarantine: the GPU is reset, or taken off the bus and looked for again when it
 * does not answer there; then its claims' devices are made again. Nothing happens while a VM runs
 * with it, and nothing where the platform knows no reset.
 */
#ifndef PLAN_RECOVER_H
#define PLAN_RECOVER_H

#include "plan/planner.h"

/* gpu: as host_find_gpu() takes it, or address or UUID of one that has left the bus. The plan is
 * not undone: what failed is reported, and the GPU stays quarantined. -IN_USE names the VMs;
 * -CONFLICT when the GPU is well; -UNSUPPORTED when only a reboot helps. Caller frees. */
int planner_recover(const struct planner *planner, const char *gpu, const char *author,
                    struct plan **ret_plan, struct error *err);
/* All steps of such a plan are done, and the host was looked at since: what the GPU should carry
 * and still does not is appended as steps, for a GPU that was off the bus could not be planned for,
 * and no driver promises to have done as it was asked. Without new steps `ret_why` says what can't
 * be brought back (reason NONE: nothing is missing), and the result is true if that may pass. */
bool recover_settle(const struct planner *planner, struct plan *plan, struct error *ret_why);
/* The step of such a plan that is about the GPU itself; NULL: it is no such plan. */
const struct step *recover_step(const struct plan *plan);

#endif
