/* SPDX-License-Identifier: Apache-2.0 */
/* vGPUs that are there, on a function or as a mediated device. */
#ifndef DRIVER_SYSFS_VGPU_READ_H
#define DRIVER_SYSFS_VGPU_READ_H

#include "driver/sysfs/sysfs.h"

/* The vGPU on a VF with vendor VFIO. Returns 0 and type_id 0 when there is none, or -errno when the
 * VF has no such interface. The type's name stays empty: a VF in use lists no types. */
int vgpu_read_vendor(const struct sysfs *sys, const struct pci_addr *vf, struct vgpu *ret_vgpu);
/* The vGPU that is the mdev `uuid`, with its parent and the name of its type. 0 or -errno. */
int vgpu_read_mdev(const struct sysfs *sys, const char *uuid, struct vgpu *ret_vgpu);

#endif
