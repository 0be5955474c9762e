/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a process has a function open through VFIO, and which. The kernel says whether, by EBUSY
 * to who opens the group's node; who it is is looked for in /proc, for the message. To ask it by
 * unbinding would be fatal: a write to vfio-pci's `unbind` asks the user of the device to let it
 * go, upon which QEMU pulls it out of its guest, and waits without end for one that does not
 * (vfio_unregister_group_dev() in Linux drivers/vfio/vfio_main.c; seen on 6.12, test/lab). Where
 * the kernel can't be asked (no right, no groups, no /dev/vfio) the search alone decides.
 */
#ifndef DRIVER_SYSFS_HOLDER_H
#define DRIVER_SYSFS_HOLDER_H

#include "driver/sysfs/sysfs.h"

/* 0, or -REASON_IN_USE naming a process that has the function's group (/dev/vfio/GROUP) or its own
 * node (/dev/vfio/devices/vfioN) open, or -REASON_UNAVAILABLE: the kernel can't be asked, not all
 * processes could be looked at in time, and none of the others has it. */
int holder_check(const struct sysfs *sys, const struct pci_addr *addr, const char *subject,
                 struct error *err);
/* The same of a GPU and its virtual functions, in one search. */
int holder_check_all(const struct sysfs *sys, const struct pci_addr *gpu,
                     const struct sysfs_vfs *vfs, const char *subject, struct error *err);

/* The same of a mediated device, which has a group of its own. */
int holder_check_mdev(const struct sysfs *sys, const char *uuid, const char *subject,
                      struct error *err);

/* The program that has the GPU's node of NVIDIA's driver open: "nvidia-persistenced (PID 812) has",
 * or "a program has" where that can't be seen. Returns out. */
const char *holder_name(const struct sysfs *sys, const struct pci_addr *gpu, char *out,
                        size_t size);

#endif
