/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions about a GPU, as the planner heeds it. Private to src/plan. */
#ifndef PLAN_HEALTH_H
#define PLAN_HEALTH_H

#include "plan/request.h"

/* Nothing is planned on a quarantined GPU but its recovery, and taking away: -NO_CAPACITY. */
int health_check_quarantine(const struct planner *planner, const struct gpu *gpu,
                            struct error *err);
/* No new claim goes to a cordoned one: -NO_CAPACITY. */
int health_check_cordon(const struct planner *planner, const struct gpu *gpu, struct error *err);
/* Nor to one that a waiting plan has in hand: -UNAVAILABLE. */
int health_check_held(const struct planner *planner, const struct gpu *gpu, struct error *err);
/* Does the virtual function not let go of its last vGPU? */
bool health_is_stuck(const struct planner *planner, const struct gpu *gpu,
                     const struct pci_addr *vf);

#endif
