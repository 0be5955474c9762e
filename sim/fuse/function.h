/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One PCI function of the simulated host, whatever it is: a GPU, a virtual function of one, or
 * another function that the host file puts into a GPU's IOMMU group.
 */
#ifndef SIM_FUSE_FUNCTION_H
#define SIM_FUSE_FUNCTION_H

#include "sim/state/state.h"

#define ROOT_NAME_SIZE 24

/* Borrowed from the host, valid under its lock. Exactly one of gpu (with or without vf) and extra.
 */
struct function {
    struct sim_gpu *gpu;
    struct sim_vf *vf; /* NULL: the GPU itself */
    struct sim_extra *extra;
    uint32_t serial; /* unique on the host and stable: vfio0, vfio1, … */
};

/* Every function in turn: start with *cursor = 0. */
bool function_next(struct sim_host *host, uint32_t *cursor, struct function *ret_fn);
bool function_find(struct sim_host *host, const struct pci_addr *addr, struct function *ret_fn);
/* By "0000:41:00.4" exactly as the kernel spells it. */
bool function_find_name(struct sim_host *host, const char *bdf, struct function *ret_fn);

const struct pci_addr *function_addr(const struct function *fn);
const char *function_bdf(const struct function *fn, char out[BDF_SIZE]);
const char *function_driver(const struct function *fn);
const char *function_override(const struct function *fn);
uint32_t function_group(const struct function *fn);
uint32_t function_vendor(const struct function *fn);
uint32_t function_device(const struct function *fn);
uint32_t function_class(const struct function *fn);
uint32_t function_subvendor(const struct function *fn);
uint32_t function_subdevice(const struct function *fn);
int32_t function_numa(const struct function *fn);
bool function_is_gpu(const struct function *fn); /* the GPU itself, no VF */
bool function_is_bridge(const struct function *fn);
bool function_bound_to(const struct function *fn, const char *driver);
/* Does a VM have the whole of it? */
bool function_is_held(const struct function *fn);
/* Has it been unbound under a VM, which still has it? */
bool function_is_leaving(const struct function *fn);
struct sim_knobs *function_knobs(const struct function *fn);
/* May /dev/vfio open it? Bound to vfio-pci, or a VF whose vGPU is a VFIO device itself. */
bool function_is_vfio(const struct sim_host *host, const struct function *fn);
/* Does it carry mdev types? */
bool function_has_mdev_types(const struct sim_host *host, const struct function *fn);

/* "pci0000:40", the root it hangs below: one per bus, so that no bridge has to be made up. */
const char *function_root(const struct function *fn, char out[ROOT_NAME_SIZE]);

#endif
