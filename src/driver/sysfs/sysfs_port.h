/* SPDX-License-Identifier: Apache-2.0 */
/* pci_port over /sys, with NVIDIA's sriov-manage for virtual functions. */
#ifndef DRIVER_SYSFS_SYSFS_PORT_H
#define DRIVER_SYSFS_SYSFS_PORT_H

#include "port/pci_port.h"

/* `root` is put in front of every path ("" for the real machine), for captured hosts. `others`: PCI
 * vendors besides NVIDIA whose GPUs may be passed through; NULL: none. */
struct pci_port *sysfs_port_new(const char *root, const struct pci_vendors *others);

#endif
