/* SPDX-License-Identifier: Apache-2.0 */
/* The three ports as one: a step goes to the port of its kind. Worker thread only. */
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

/* Asks all three and derives; the caller frees the host. */
int ports_observe(const struct ports *ports, struct host **ret_host, struct error *err);
int ports_check(const struct ports *ports, const struct step *step, struct error *err);
int ports_apply(const struct ports *ports, struct step *step, struct error *err);

#endif
