/* SPDX-License-Identifier: Apache-2.0 */
/* Claims that leave a GPU, and what they held there. Private to src/plan. */
#ifndef PLAN_WORK_RELEASE_H
#define PLAN_WORK_RELEASE_H

#include "plan/work.h"

/* Steps for all of `gone`. -IN_USE: a VM that runs holds a device of one. */
int work_release(struct gpu_work *work, struct error *err);
/* DETACH of the claim's device, unless its VM is gone or guests are left alone. */
void work_detach(struct gpu_work *work, const struct claim *claim,
                 const struct claim_device *device);
/* VGPU_DELETE of it, as an undo would make it again. */
struct step *work_delete_vgpu(struct gpu_work *work, const struct vgpu *vgpu);

#endif
