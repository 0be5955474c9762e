/* SPDX-License-Identifier: Apache-2.0 */
/* A GPU that is closed, because it does not answer, or by quarantine, cordon or a plan in hand.
 * Private to src/plan.
 */
#ifndef PLAN_GPU_GATE_H
#define PLAN_GPU_GATE_H

#include "plan/plan_request.h"

/* Does the GPU answer? What it carries can not be seen where it does not: -UNAVAILABLE. */
int gate_check_answers(const struct gpu *gpu, struct error *err);
/* Does a driver of another program's, such as nouveau, have it? No plan takes it from there, as the
 * host may use it: -CONFLICT. */
int gate_check_driver(const struct planner *planner, const struct gpu *gpu, struct error *err);
/* Nothing is planned on a quarantined GPU but its recovery, and taking away: -NO_CAPACITY. */
int gate_check_quarantine(const struct planner *planner, const struct gpu *gpu, struct error *err);
/* No new claim goes to a cordoned one: -NO_CAPACITY. */
int gate_check_cordon(const struct planner *planner, const struct gpu *gpu, struct error *err);
/* Nor to one that a waiting plan has in hand: -UNAVAILABLE. */
int gate_check_held(const struct planner *planner, const struct gpu *gpu, struct error *err);
/* Does the virtual function not let go of its last vGPU? */
bool gate_is_stuck(const struct planner *planner, const struct gpu *gpu, const struct pci_addr *vf);

#endif
