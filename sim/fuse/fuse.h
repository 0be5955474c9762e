/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's files of the simulated host, by FUSE, in the daemon's process. `mount_dir` looks
 * like /sys, so that every symbolic link resolves inside it; sim/run binds these trees over the
 * real paths:
 * - devices/ over parts of /sys/devices: PCI functions and mdevs
 * - bus/pci, bus/mdev, class/mdev_bus, kernel/iommu_groups, module/NAME below /sys
 * - proc/driver/nvidia, proc/driver/nvidia-caps, proc/modules, proc/devices and
 *   proc/sys/kernel/{osrelease,random/boot_id} (the kernel that the host file names, a boot that is
 *   over with `ctl reboot`) below /
 * - dev/vfio over /dev/vfio: plain files `vfio`, one per group, and devices/vfioN
 * The daemon itself had better not see the mount as its own /sys: a library that opens a file there
 * while a request is served would wait for itself.
 */
#ifndef SIM_FUSE_FUSE_H
#define SIM_FUSE_FUSE_H

#include "sim/state/state.h"

struct sim_fuse;
int sim_fuse_start(struct sim_host *host, const char *mount_dir, struct sim_fuse **ret_fuse,
                   struct error *err);
void sim_fuse_stop(struct sim_fuse *fuse);

#endif
