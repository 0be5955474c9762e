/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's side: PCI functions, IOMMU groups, driver binding, SR-IOV, and vGPUs through mdev or
 * vendor VFIO. Implemented by driver/sysfs. All operations block, maybe for good when a driver
 * hangs. Two threads may use a port: one that observes, and one that checks and applies.
 */
#ifndef PORT_PCI_PORT_H
#define PORT_PCI_PORT_H

#include "base/error.h"
#include "model/host.h"
#include "model/plan.h"

struct pci_port;

/* All mandatory. */
struct pci_port_ops {
    /* Read-only. Adds to `host` the kernel version and, per NVIDIA display function (classes 0300,
     * 0302, 0380, 1200; no VFs; found by PCI address or appended): PCI ids, driver, IOMMU group and
     * its other members, NUMA node, VF counts, VFs with what they offer, vGPUs. */
    int (*observe)(struct pci_port *port, struct host *host, struct error *err);
    /* Read-only. 0 = apply can only fail for a run-time reason. */
    int (*check)(struct pci_port *port, const struct step *step, struct error *err);
    /* Idempotent: a step whose result is already there succeeds. Reads back and compares; a
     * mismatch is an error. Fills step->got_*. */
    int (*apply)(struct pci_port *port, struct step *step, struct error *err);
    void (*free)(struct pci_port *port);
};

/* Implementations embed this first. */
struct pci_port {
    const struct pci_port_ops *ops;
};

#endif
