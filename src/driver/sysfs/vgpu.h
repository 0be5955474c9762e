/* SPDX-License-Identifier: Apache-2.0 */
/* Steps that make and remove vGPUs on a function. */
#ifndef DRIVER_SYSFS_VGPU_H
#define DRIVER_SYSFS_VGPU_H

#include "driver/sysfs/sysfs.h"
#include "model/plan.h"

/* STEP_VGPU_CREATE and STEP_VGPU_DELETE. */
int vgpu_check_create(const struct sysfs *sys, const struct step *step, struct error *err);
int vgpu_create(const struct sysfs *sys, struct step *step, struct error *err);
/* STEP_VGPU_PARAMS: of a vGPU that stands, and that no VM has open. */
int vgpu_check_params(const struct sysfs *sys, const struct step *step, struct error *err);
int vgpu_set_params(const struct sysfs *sys, struct step *step, struct error *err);
int vgpu_check_delete(const struct sysfs *sys, const struct step *step, struct error *err);
int vgpu_delete(const struct sysfs *sys, struct step *step, struct error *err);

#endif
