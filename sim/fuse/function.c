/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/fuse/function.h"

#include <stdio.h>

#include "base/str.h"

#define NVIDIA_VENDOR 0x10de
#define CLASS_3D_CONTROLLER 0x030200 /* what data-centre boards are */
#define CLASS_BRIDGE 0x06

/* Function n of the host, removed ones too; false past the end. */
static bool nth(struct sim_host *host, uint32_t n, struct function *ret_fn)
{
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        struct sim_gpu *gpu = &host->gpus[i];
        if (n <= gpu->n_vfs) {
            *ret_fn = (struct function){
                .gpu = gpu,
                .vf = n == 0 ? NULL : &gpu->vfs[n - 1],
                .serial = i * (SIM_MAX_VFS + 1) + n,
            };
            return true;
        }
        n -= gpu->n_vfs + 1;
    }
    if (n >= host->n_extras) {
        return false;
    }
    *ret_fn = (struct function){
        .extra = &host->extras[n],
        .serial = SIM_MAX_GPUS * (SIM_MAX_VFS + 1) + n,
    };
    return true;
}

static bool is_removed(const struct function *fn)
{
    if (fn->extra != NULL) {
        return fn->extra->removed;
    }
    return fn->vf != NULL ? fn->vf->removed : fn->gpu->removed;
}

bool function_next(struct sim_host *host, uint32_t *cursor, struct function *ret_fn)
{
    while (nth(host, (*cursor)++, ret_fn)) {
        if (!is_removed(ret_fn)) {
            return true;
        }
    }
    return false;
}

bool function_find(struct sim_host *host, const struct pci_addr *addr, struct function *ret_fn)
{
    uint32_t cursor = 0;
    struct function fn;
    while (function_next(host, &cursor, &fn)) {
        if (pci_addr_cmp(function_addr(&fn), addr) == 0) {
            *ret_fn = fn;
            return true;
        }
    }
    return false;
}

bool function_find_name(struct sim_host *host, const char *bdf, struct function *ret_fn)
{
    struct pci_addr addr;
    char canonical[BDF_SIZE];
    return pci_addr_parse(bdf, &addr) && str_eq(pci_addr_format(&addr, canonical), bdf) &&
           function_find(host, &addr, ret_fn);
}

const struct pci_addr *function_addr(const struct function *fn)
{
    if (fn->extra != NULL) {
        return &fn->extra->addr;
    }
    return fn->vf != NULL ? &fn->vf->addr : &fn->gpu->addr;
}

const char *function_bdf(const struct function *fn, char out[BDF_SIZE])
{
    return pci_addr_format(function_addr(fn), out);
}

const char *function_driver(const struct function *fn)
{
    if (fn->extra != NULL) {
        return fn->extra->driver;
    }
    return fn->vf != NULL ? fn->vf->driver : fn->gpu->driver;
}

const char *function_override(const struct function *fn)
{
    if (fn->extra != NULL) {
        return fn->extra->driver_override;
    }
    return fn->vf != NULL ? fn->vf->driver_override : fn->gpu->driver_override;
}

uint32_t function_group(const struct function *fn)
{
    if (fn->extra != NULL) {
        return fn->extra->iommu_group;
    }
    return fn->vf != NULL ? fn->vf->iommu_group : fn->gpu->iommu_group;
}

uint32_t function_vendor(const struct function *fn)
{
    return fn->extra != NULL ? fn->extra->pci_vendor : NVIDIA_VENDOR;
}

uint32_t function_device(const struct function *fn)
{
    return fn->extra != NULL ? fn->extra->pci_device : fn->gpu->pci_device;
}

uint32_t function_class(const struct function *fn)
{
    return fn->extra != NULL ? fn->extra->pci_class : CLASS_3D_CONTROLLER;
}

/* A board of which no source gives the subsystem says that it has none: zero for both (PCI Local
 * Bus 3.0, 6.2.4). */
uint32_t function_subvendor(const struct function *fn)
{
    if (function_is_gpu(fn) && function_subdevice(fn) == 0) {
        return 0;
    }
    return fn->extra != NULL ? fn->extra->pci_vendor : NVIDIA_VENDOR;
}

/* A VF has the subsystem of no board (captured A2 VF of harvester/pcidevices: 0x0000). */
uint32_t function_subdevice(const struct function *fn)
{
    if (fn->extra != NULL || fn->vf != NULL) {
        return 0;
    }
    return fn->gpu->pci_subsystem;
}

int32_t function_numa(const struct function *fn)
{
    return fn->extra != NULL ? -1 : fn->gpu->numa_node;
}

bool function_is_gpu(const struct function *fn)
{
    return fn->gpu != NULL && fn->vf == NULL;
}

bool function_is_bridge(const struct function *fn)
{
    return function_class(fn) >> 16 == CLASS_BRIDGE;
}

bool function_bound_to(const struct function *fn, const char *driver)
{
    return str_eq(function_driver(fn), driver);
}

bool function_is_held(const struct function *fn)
{
    return fn->extra != NULL ? fn->extra->opener != 0 : function_is_gpu(fn) && fn->gpu->opener != 0;
}

bool function_is_leaving(const struct function *fn)
{
    return function_is_held(fn) && function_driver(fn)[0] == '\0';
}

struct sim_knobs *function_knobs(const struct function *fn)
{
    if (fn->extra != NULL) {
        return &fn->extra->knobs;
    }
    return fn->vf != NULL ? &fn->vf->knobs : &fn->gpu->knobs;
}

bool function_is_vfio(const struct sim_host *host, const struct function *fn)
{
    return function_bound_to(fn, "vfio-pci") || function_is_leaving(fn) ||
           (fn->vf != NULL && host->iface == SIM_VENDOR_VFIO && fn->vf->vgpu.exists);
}

bool function_has_mdev_types(const struct sim_host *host, const struct function *fn)
{
    return fn->gpu != NULL && host->iface == SIM_MDEV && host->vgpu_host &&
           function_bound_to(fn, "nvidia") && fn->gpu->model->types.n > 0 &&
           (fn->vf != NULL) == (fn->gpu->vfs_total > 0);
}

const char *function_root(const struct function *fn, char out[ROOT_NAME_SIZE])
{
    const struct pci_addr *addr = fn->gpu != NULL ? &fn->gpu->addr : &fn->extra->addr;
    uint8_t bus = addr->bus;
    if (bus > 0 && !function_is_bridge(fn)) {
        bus--;
    }
    snprintf(out, ROOT_NAME_SIZE, "pci%04x:%02x", addr->domain, bus);
    return out;
}
