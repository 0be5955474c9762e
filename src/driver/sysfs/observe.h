/* SPDX-License-Identifier: Apache-2.0 */
/* What sysfs shows of the host's NVIDIA GPUs. */
#ifndef DRIVER_SYSFS_OBSERVE_H
#define DRIVER_SYSFS_OBSERVE_H

#include "driver/sysfs/sysfs.h"
#include "model/host.h"

/* Names of vGPU types by id and board, learned from what VFs offer: a VF with a vGPU offers
 * nothing, and a full GPU has no other VF that does. */
struct type_name {
    uint32_t pci_id;
    uint32_t type_id;
    char name[NAME_SIZE];
};
struct type_names {
    struct type_name *items;
    size_t n;
    size_t cap;
};

/* Learns from what a GPU's function offers now. */
void observe_names(const struct sysfs *sys, struct type_names *names, const struct pci_addr *gpu,
                   const struct pci_addr *function);
/* Moves what `from` has to `names`; `from` is empty then. */
void observe_learn(struct type_names *names, struct type_names *from);
/* Adds all GPUs to `host`; host->pci_problem when /sys/bus/pci cannot be read, or
 * written. */
void observe_host(const struct sysfs *sys, struct type_names *names, struct host *host);

#endif
