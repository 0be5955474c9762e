/* SPDX-License-Identifier: Apache-2.0 */
/* The three ports as one: a step goes to the port of its kind. Worker threads only. */
#ifndef EXEC_PORTS_H
#define EXEC_PORTS_H

#include "port/gpu_port.h"
#include "port/guest_port.h"
#include "port/pci_port.h"

struct ports {
    struct gpu_port *gpu;
    struct pci_port *pci;
    struct guest_port *guest;
};

/* A host has two halves that are looked at apart, because libvirt can keep the second waiting as
 * long as any VM's hook script runs: the GPUs, and the VMs. Of the first this is the kernel's part,
 * to which NVML's is added by gpu_port's observe(). The caller frees the host. */
int ports_observe_pci(struct pci_port *port, struct host **ret_host, struct error *err);
int ports_observe_guests(struct guest_port *port, struct host **ret_host, struct error *err);
/* Both, one after the other, derived. */
int ports_observe(const struct ports *ports, struct host **ret_host, struct error *err);
int ports_check(const struct ports *ports, const struct step *step, struct error *err);
/* Is NVML kept closed, and so not asked, while a step of that kind is applied? */
bool ports_needs_quiet(enum step_kind kind);
int ports_apply(const struct ports *ports, struct step *step, struct error *err);

#endif
