/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each mode of a GPU makes of its part of a plan: work_<mode>() fills the steps, and the
 * assignments of the claims that come, or says why not. Private to src/plan.
 */
#ifndef PLAN_WORK_PARTS_H
#define PLAN_WORK_PARTS_H

#include "plan/work.h"

int work_passthrough(struct gpu_work *work, struct error *err);
int work_time_sliced(struct gpu_work *work, struct error *err);
int work_mig(struct gpu_work *work, struct error *err);

#endif
