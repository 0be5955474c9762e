/* SPDX-License-Identifier: Apache-2.0 */
/* One GPU's part of a plan, solved: the steps for what stays, goes and comes. Private to src/plan.
 */
#ifndef PLAN_WORK_SOLVE_H
#define PLAN_WORK_SOLVE_H

#include "plan/work.h"

/* Solves again; 0 or why it can't be. */
int work_solve(struct gpu_work *work, struct error *err);
/* After a try that failed: the GPU's part as it is without. */
void work_solve_again(struct gpu_work *work);

#endif
