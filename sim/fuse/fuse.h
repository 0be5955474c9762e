/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's files of the simulated host, by FUSE, in the daemon's process. `mount_dir` looks
 * like /sys, so that every symbolic link resolves inside it; sim/run binds these trees over the
 * real paths: devices/            → parts of /sys/devices   (PCI functions, mdevs) bus/pci,
 * bus/mdev   → /sys/bus/… class/mdev_bus      → /sys/class/mdev_bus kernel/iommu_groups →
 * /sys/kernel/iommu_groups module/             → /sys/module/{nvidia,vfio_pci,…} proc/driver/nvidia
 * → /proc/driver/nvidia dev/vfio            → /dev/vfio               (plain files: vfio, one per
 * group, devices/vfioN)
 */
#ifndef SIM_FUSE_FUSE_H
#define SIM_FUSE_FUSE_H

#include "sim/state/state.h"

struct sim_fuse;
int sim_fuse_start(struct sim_host *host, const char *mount_dir, struct sim_fuse **ret_fuse,
                   struct error *err);
void sim_fuse_stop(struct sim_fuse *fuse);

#endif
