/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduling policy of a GPU's time-sliced vGPUs, as plans keep it. Private to src/plan. */
#ifndef PLAN_WORK_SCHEDULER_H
#define PLAN_WORK_SCHEDULER_H

#include "plan/work.h"

/* Sets it, unless the GPU has it, and no step so far cleared that. */
void work_scheduler(struct gpu_work *work);

/* A GPU instance that is made, and that vGPUs share, gets the GPU's policy, if one was chosen. */
void work_share_instance(const struct gpu_work *work, struct step *step);

#endif
