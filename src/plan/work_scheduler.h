/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduling policy of vGPUs that share a GPU's time, or a GPU instance's, as plans keep it:
 * what claims that come ask for, else what was chosen for the GPU. Private to src/plan.
 */
#ifndef PLAN_WORK_SCHEDULER_H
#define PLAN_WORK_SCHEDULER_H

#include "plan/work.h"

/* Has the GPU's driver the policy, and does it say which one it has now? */
int scheduler_check_driver(const struct gpu *gpu, enum scheduler_policy policy, struct error *err);

/* Sets the policy that was chosen for the GPU, unless it has it, and no step so far cleared that.
 */
void work_scheduler(struct gpu_work *work);
/* The same, of a GPU on which `n_there` vGPUs stay and `n_lost` come back that a reboot took, for
 * the claims that come: where their needs ask for a policy, it is that. -CONFLICT where it can't
 * be. */
int work_scheduler_for_added(struct gpu_work *work, size_t n_there, size_t n_lost,
                             struct error *err);

/* A GPU instance that is made, and that vGPUs share, gets this policy; SCHEDULER_UNKNOWN: the
 * GPU's, if one was chosen. */
void work_share_instance(const struct gpu_work *work, enum scheduler_policy policy,
                         struct step *step);
/* The policy that it then has; SCHEDULER_UNKNOWN: the driver's default. */
enum scheduler_policy work_policy_of_new(const struct gpu_work *work, enum scheduler_policy policy);

#endif
