/* SPDX-License-Identifier: Apache-2.0 */
/* A vGPU's file vgpu_params, written and read back. */
#ifndef DRIVER_SYSFS_VGPU_WRITE_H
#define DRIVER_SYSFS_VGPU_WRITE_H

#include "driver/sysfs/sysfs.h"
#include "model/plan.h"

/* The vGPU's file has what a VGPU_CREATE step wants when this returns 0: its placement and its
 * parameters. `is_new`: what the file had before is of an earlier vGPU, and goes. A file that says
 * all that already is not written. -IN_USE: the VM runs, and the driver takes no change. */
int vgpu_write_params(const struct sysfs_path *file, const struct step *step, bool is_new,
                      const char *subject, struct error *err);
/* The wanted placement alone, for a vGPU that is still to be made. */
int vgpu_write_placement(const struct sysfs_path *file, const struct step *step,
                         const char *subject, struct error *err);

#endif
