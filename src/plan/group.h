/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IOMMU groups: VFIO gives all of one to one VM, or nothing of it. A group is judged as it will be
 * when the plan is done; what else must be bound to vfio-pci goes along with the GPU, and home with
 * it: other functions of its board, and idle GPUs of the group. Private to src/plan.
 */
#ifndef PLAN_GROUP_H
#define PLAN_GROUP_H

#include "plan/work.h"

/* May the GPU, with the claims that it has and gets, be used so next to the other members of its
 * group? Asked after work_solve(). -CONFLICT or -IN_USE names the member in the way. */
int group_check(const struct gpu_work *work, struct error *err);
/* Could the GPU ever be passed through, were all GPUs of its group free? -CONFLICT names another
 * device of the host's in it that can't go along. */
int group_check_ever(const struct gpu_work *work, struct error *err);
/* How many idle GPUs would have to go along if the GPU were passed through. */
size_t group_count_along(const struct gpu_work *work);
/* Adds the steps that take members along, or give them back. Once, when all claims have their GPUs
 * and every group_check() was passed. */
void group_finish(struct gpu_work *works, size_t n);
/* The steps that a GPU which is passed through lacks: itself, if need be, and what must go along.
 * Appends to `work`, which has no claims of its own; or says why it can't be. */
int group_restore(struct gpu_work *work, const char *claim, struct error *err);
/* Does a claim pass another GPU of the group through, so that this one can't be the host's? */
bool group_goes_along(const struct gpu_work *work);

#endif
