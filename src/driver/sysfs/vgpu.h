/* SPDX-License-Identifier: Apache-2.0 */
/* vGPUs on a function: what is there, and steps that make and remove them. */
#ifndef DRIVER_SYSFS_VGPU_H
#define DRIVER_SYSFS_VGPU_H

#include "driver/sysfs/sysfs.h"
#include "model/plan.h"

/* The vGPU on a VF with vendor VFIO. Returns 0 and type_id 0 when there is none, or -errno when the
 * VF has no such interface. The type's name stays empty: a VF in use lists no types. */
int vgpu_read_vendor(const struct sysfs *sys, const struct pci_addr *vf, struct vgpu *ret_vgpu);
/* The vGPU that is the mdev `uuid`, with its parent and the name of its type. 0 or -errno. */
int vgpu_read_mdev(const struct sysfs *sys, const char *uuid, struct vgpu *ret_vgpu);

/* STEP_VGPU_CREATE and STEP_VGPU_DELETE. */
int vgpu_check_create(const struct sysfs *sys, const struct step *step, struct error *err);
int vgpu_create(const struct sysfs *sys, struct step *step, struct error *err);
int vgpu_check_delete(const struct sysfs *sys, const struct step *step, struct error *err);
int vgpu_delete(const struct sysfs *sys, struct step *step, struct error *err);

#endif
