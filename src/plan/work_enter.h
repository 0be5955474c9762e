/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps from how a GPU is used to a mode: one order for claims, modes by hand and restorations.
 * sriov-manage rebinds the driver and wipes GPU instances, the mixed-size flag and the scheduler
 * (bigstack-oss/cubecos#312), so virtual functions are enabled before anything else is made; MIG
 * mode can't be turned off while they are. Private to src/plan.
 */
#ifndef PLAN_WORK_ENTER_H
#define PLAN_WORK_ENTER_H

#include "plan/work.h"

/* Adds the steps, where the GPU isn't there after those so far; `vfs`: with its virtual functions,
 * if it has any. What stands on the GPU goes if the mode needs that: the caller has asked whether
 * it may. Returns the step that binds the GPU to vfio-pci; NULL: there is none. */
struct step *work_enter(struct gpu_work *work, enum gpu_mode mode, bool vfs);
/* Would entering MIG mode enable virtual functions on a GPU that is in it already, so that its
 * instances are wiped? */
bool work_enter_wipes(const struct gpu_work *work, bool vfs);
/* Does a step so far take vGPUs, instances, the size mode and the scheduler away? */
bool work_is_wiped(const struct gpu_work *work);

#endif
