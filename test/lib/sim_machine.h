/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three ports straight over the simulator's state, in one process and without files: as strict
 * as the simulated silicon and kernel are, and fast enough for thousands of plans. VMs are a list:
 * one starts when the simulator lets it open all its devices. One thread.
 */
#ifndef TEST_LIB_SIM_MACHINE_H
#define TEST_LIB_SIM_MACHINE_H

#include "exec/ports.h"
#include "sim/state/state.h"

struct sim_machine {
    struct sim_host *host;
    VEC(struct vm) vms;
};

/* A machine with the boards of `boards` ("board:l40s*2"), or those of a host file; fails the test
 * when there is no such thing. */
void sim_machine_init(struct sim_machine *machine, const char *boards,
                      const struct sim_host_changes *changes, const struct catalog *catalog);
void sim_machine_done(struct sim_machine *machine);
/* Another function in the GPU's IOMMU group, bound to `driver` by the host. */
struct sim_extra *sim_machine_add_extra(struct sim_machine *machine, const struct sim_gpu *gpu,
                                        const char *bdf, uint32_t class, const char *driver);
struct vm *sim_machine_add_vm(struct sim_machine *machine, const char *name);
struct vm_device *sim_machine_define(struct vm *vm, const char *bdf);
/* Opens every device of the VM, as its emulator would: 0, or what it could not open; then the VM is
 * off. libvirt binds what is managed='yes' before. */
int sim_machine_start(struct sim_machine *machine, struct vm *vm, struct error *err);
void sim_machine_stop(struct sim_machine *machine, struct vm *vm);

/* Kernel driver of a GPU or an extra; "" none. */
const char *sim_driver_of(struct sim_host *host, const struct pci_addr *addr);
/* driver_override ("": none), unbind, probe. 0 or -errno. */
int sim_rebind(struct sim_host *host, const struct pci_addr *addr, const char *override);

/* What the driver says that a board can be; the caller's to free. */
void sim_board_says(struct sim_host *host, struct sim_gpu *gpu, struct board *ret_board);

/* Ports over `machine`, which stays the caller's; sim_ports_free() frees. */
struct ports sim_ports_new(struct sim_machine *machine);
void sim_ports_free(struct ports *ports);

#endif
