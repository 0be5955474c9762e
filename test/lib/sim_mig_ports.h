/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports straight over the simulated hardware's state, with no file system and no library between:
 * thousands of plans in a second. Of pass-through they know nothing. The simulator chooses GPU
 * instances as its setting says.
 */
#ifndef TEST_LIB_SIM_MIG_PORTS_H
#define TEST_LIB_SIM_MIG_PORTS_H

#include "exec/ports.h"
#include "sim/state/state.h"

/* `host` stays the caller's; the guest port is not given. */
struct gpu_port *sim_gpu_port_new(struct sim_host *host);
struct pci_port *sim_pci_port_new(struct sim_host *host);

#endif
