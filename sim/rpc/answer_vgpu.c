/* SPDX-License-Identifier: Apache-2.0 */
/* vGPU types, placements, instances and the modes that govern them. */
#include <string.h>

#include "base/str.h"
#include "nvml/abi.h"
#include "sim/rpc/handlers.h"
#include "sim/rpc/lookup.h"
#include "sim/rpc/telemetry.h"

#define MIB_PER_GIB 1024u

/* A board that can host vGPUs now. */
static int vgpu_gpu_of(struct sim_host *host, uint32_t number, struct sim_gpu **ret_gpu)
{
    int r = rpc_gpu_of(host, number, ret_gpu);
    if (r != NVML_SUCCESS) {
        return r;
    }
    bool able = host->vgpu_host && (*ret_gpu)->model->types.n > 0;
    return able ? NVML_SUCCESS : NVML_ERROR_NOT_SUPPORTED;
}

/* The GI that `id` names, or NULL for RPC_NONE. */
static int optional_gi(struct sim_gpu *gpu, uint32_t id, struct sim_gi **ret_gi)
{
    *ret_gi = NULL;
    if (id == RPC_NONE) {
        return NVML_SUCCESS;
    }
    *ret_gi = sim_find_gi(gpu, id);
    return *ret_gi != NULL ? NVML_SUCCESS : NVML_ERROR_INVALID_ARGUMENT;
}

static bool in_gi(const struct sim_vgpu *vgpu, const struct sim_gi *gi)
{
    return vgpu->gi_id == (gi != NULL ? gi->id : SIM_NONE);
}

/* What the GPU can still take, seen from one GI: its profile, room, and one size unless mixed. */
static bool gi_takes(struct sim_gpu *gpu, const struct sim_gi *gi, const struct cat_vgpu_type *type)
{
    if (!type->mig_backed || type->gi_profile_id != gi->profile->id) {
        return false;
    }
    uint32_t limit = type->max_per_gi == CAT_UNKNOWN ? 1 : type->max_per_gi;
    uint32_t n = 0;
    uint32_t cursor = 0;
    struct sim_vf *vf = NULL;
    for (struct sim_vgpu *vgpu = sim_next_vgpu(gpu, &cursor, &vf); vgpu != NULL;
         vgpu = sim_next_vgpu(gpu, &cursor, &vf)) {
        if (!in_gi(vgpu, gi)) {
            continue;
        }
        if (vgpu->type->framebuffer_mib != type->framebuffer_mib && !gi->heterogeneous) {
            return false;
        }
        n++;
    }
    return n < limit;
}

int rpc_do_TYPES(struct sim_host *host, const uint32_t a[RPC_MAX_ARGS], struct rpc_types *out)
{
    struct sim_gpu *gpu = NULL;
    struct sim_gi *gi = NULL;
    int r = vgpu_gpu_of(host, a[0], &gpu);
    if (r == NVML_SUCCESS) {
        r = optional_gi(gpu, a[2], &gi);
    }
    if (r != NVML_SUCCESS) {
        return r;
    }
    const struct cat_vgpu_type *types[RPC_MAX_TYPES];
    uint32_t n = a[1] == RPC_CREATABLE ? sim_creatable_types(host, gpu, types, RPC_MAX_TYPES)
                                       : sim_supported_types(host, gpu, types, RPC_MAX_TYPES);
    for (uint32_t i = 0; i < n; i++) {
        if (gi == NULL || gi_takes(gpu, gi, types[i])) {
            out->ids[out->n++] = sim_type_id(gpu->model, types[i]);
        }
    }
    return NVML_SUCCESS;
}

/* Type ids are NVIDIA's and name one type on every board; without a board, any that has it. */
static int type_of(struct sim_host *host, uint32_t gpu_number, uint32_t type_id,
                   struct sim_gpu **ret_gpu, const struct cat_vgpu_type **ret_type)
{
    if (!host->vgpu_host) {
        return NVML_ERROR_NOT_SUPPORTED;
    }
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        if (gpu_number != RPC_NONE && gpu_number != i) {
            continue;
        }
        *ret_gpu = &host->gpus[i];
        *ret_type = sim_type_by_id(host->gpus[i].model, type_id);
        if (*ret_type != NULL) {
            return NVML_SUCCESS;
        }
    }
    return NVML_ERROR_INVALID_ARGUMENT;
}

/* Where no source tells how many there can be, memory does (a driver always has a number). */
#define MOST_PER_GPU 32u

static uint32_t most_per_gpu(const struct gpu_model *model, const struct cat_vgpu_type *type)
{
    uint32_t each = rpc_framebuffer_mib(type);
    if (type->max_per_gpu != CAT_UNKNOWN || each == 0 || model->memory_mib == CAT_UNKNOWN) {
        return type->max_per_gpu;
    }
    uint32_t fit = model->memory_mib / each;
    return fit < MOST_PER_GPU ? fit : MOST_PER_GPU;
}

int rpc_do_TYPE(struct sim_host *host, const uint32_t a[RPC_MAX_ARGS], struct rpc_type *out)
{
    struct sim_gpu *gpu = NULL;
    const struct cat_vgpu_type *type = NULL;
    int r = type_of(host, a[0], a[1], &gpu, &type);
    if (r != NVML_SUCCESS) {
        return r;
    }
    STR_SET(out->name, type->full_name);
    out->series = type->series;
    out->id = a[1];
    out->pci_id = gpu->pci_device << 16 | PCI_VENDOR_NVIDIA;
    out->pci_subsystem =
        type->subsystem_id == CAT_UNKNOWN ? 0 : type->subsystem_id << 16 | PCI_VENDOR_NVIDIA;
    out->framebuffer_mib = rpc_framebuffer_mib(type);
    out->mig_backed = type->mig_backed;
    out->gi_profile_id = type->mig_backed ? type->gi_profile_id : RPC_NONE;
    out->max_per_gpu = most_per_gpu(gpu->model, type);
    out->max_per_gi = type->max_per_gi == CAT_UNKNOWN ? 1 : type->max_per_gi;
    return NVML_SUCCESS;
}

static const struct cat_mixed_row *mixed_row(const struct gpu_model *model,
                                             const struct cat_vgpu_type *type)
{
    for (vec_each(&model->mixed, row)) {
        if (row->framebuffer_mib == type->framebuffer_mib) {
            return row;
        }
    }
    return NULL;
}

/* Places taken by a neighbour on the same board or GI. */
static bool place_is_taken(struct sim_gpu *gpu, const struct sim_gi *gi, uint32_t id, uint32_t size)
{
    uint32_t cursor = 0;
    struct sim_vf *vf = NULL;
    for (struct sim_vgpu *vgpu = sim_next_vgpu(gpu, &cursor, &vf); vgpu != NULL;
         vgpu = sim_next_vgpu(gpu, &cursor, &vf)) {
        if (!in_gi(vgpu, gi) || vgpu->placement_id == SIM_NONE) {
            continue;
        }
        const struct cat_mixed_row *row = mixed_row(gpu->model, vgpu->type);
        uint32_t other =
            row != NULL ? row->placement_size : vgpu->type->framebuffer_mib / MIB_PER_GIB;
        if (vgpu->placement_id < id + size && id < vgpu->placement_id + other) {
            return true;
        }
    }
    return false;
}

/* Mixed sizes: the published table. Equal sizes, and inside a GI: multiples of the type's size
 * (open-gpu-kernel-modules 595.45.04, kernel_vgpu_mgr.c). */
static uint32_t list_places(const struct gpu_model *model, const struct cat_vgpu_type *type,
                            bool equal, uint32_t *ids, uint32_t *ret_size)
{
    const struct cat_mixed_row *row = mixed_row(model, type);
    uint32_t n = 0;
    *ret_size = row != NULL ? row->placement_size : type->framebuffer_mib / MIB_PER_GIB;
    if (!equal && row != NULL) {
        for (; n < row->n_placement_ids && n < RPC_MAX_PLACEMENTS; n++) {
            ids[n] = row->placement_ids[n];
        }
        return n;
    }
    uint32_t max = type->mig_backed ? type->max_per_gi : type->max_per_gpu;
    for (; max != CAT_UNKNOWN && n < max && n < RPC_MAX_PLACEMENTS; n++) {
        ids[n] = n * *ret_size;
    }
    return n;
}

int rpc_do_PLACEMENTS(struct sim_host *host, const uint32_t a[RPC_MAX_ARGS],
                      struct rpc_placements *out)
{
    struct sim_gpu *gpu = NULL;
    struct sim_gi *gi = NULL;
    const struct cat_vgpu_type *type = NULL;
    int r = vgpu_gpu_of(host, a[0], &gpu);
    if (r == NVML_SUCCESS) {
        r = optional_gi(gpu, a[1], &gi);
    }
    if (r == NVML_SUCCESS) {
        r = type_of(host, a[0], a[2], &gpu, &type);
    }
    if (r != NVML_SUCCESS) {
        return r;
    }
    if (type->mig_backed != (gi != NULL) || gpu->mig_current != (gi != NULL)) {
        return NVML_ERROR_NOT_SUPPORTED;
    }
    bool creatable = a[3] != 0;
    uint32_t ids[RPC_MAX_PLACEMENTS];
    uint32_t n = list_places(gpu->model, type, a[4] != 0, ids, &out->size);
    for (uint32_t i = 0; i < n; i++) {
        if (!creatable || !place_is_taken(gpu, gi, ids[i], out->size)) {
            out->ids[out->n++] = ids[i];
        }
    }
    return NVML_SUCCESS;
}

static const uint32_t licence_states[SIM_LICENCE_COUNT] = {
    [SIM_LICENCE_UNRESTRICTED] = NVML_LICENSE_UNLICENSED_UNRESTRICTED,
    [SIM_LICENCE_UNINITIALIZED] = NVML_LICENSE_UNINITIALIZED,
    [SIM_LICENCE_RESTRICTED] = NVML_LICENSE_UNLICENSED_RESTRICTED,
    [SIM_LICENCE_UNLICENSED] = NVML_LICENSE_UNLICENSED,
    [SIM_LICENCE_LICENSED] = NVML_LICENSE_LICENSED,
};

static void fill_vgpu(struct sim_host *host, struct sim_gpu *gpu, const struct sim_vf *vf,
                      const struct sim_vgpu *vgpu, struct rpc_vgpu *out)
{
    const struct pci_addr *addr = vf != NULL ? &vf->addr : &gpu->addr;
    *out = (struct rpc_vgpu){.gpu = (uint32_t)(gpu - host->gpus),
                             .instance = vgpu->instance,
                             .type_id = sim_type_id(gpu->model, vgpu->type),
                             .gi_id = vgpu->gi_id,
                             .placement_id = vgpu->placement_id,
                             .domain = addr->domain,
                             .bus = addr->bus,
                             .device = addr->device,
                             .function = addr->function,
                             .framebuffer_mib = rpc_framebuffer_mib(vgpu->type),
                             .running = vgpu->opener != 0,
                             .unmovable = sim_vgpu_unmovable(vgpu) != NULL,
                             .licence = licence_states[vgpu->licence],
                             .licensed_until_us = vgpu->licensed_until_us};
    if (out->running) {
        telemetry_of_vgpu(host, gpu, vgpu, &out->usage, &out->used_mib);
    }
    STR_SET(out->uuid, vgpu->uuid);
    if (host->iface == SIM_MDEV) {
        STR_SET(out->mdev_uuid, vgpu->uuid);
    }
    STR_SET(out->vm_uuid, vgpu->vm_uuid);
}

int rpc_do_VGPUS(struct sim_host *host, const uint32_t a[RPC_MAX_ARGS], struct rpc_vgpus *out)
{
    struct sim_gpu *only = NULL;
    int r = a[0] == RPC_NONE ? NVML_SUCCESS : vgpu_gpu_of(host, a[0], &only);
    if (r != NVML_SUCCESS) {
        return r;
    }
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        struct sim_gpu *gpu = &host->gpus[i];
        uint32_t cursor = 0;
        struct sim_vf *vf = NULL;
        if (only != NULL && only != gpu) {
            continue;
        }
        for (struct sim_vgpu *vgpu = sim_next_vgpu(gpu, &cursor, &vf);
             vgpu != NULL && out->n < RPC_MAX_VGPUS; vgpu = sim_next_vgpu(gpu, &cursor, &vf)) {
            fill_vgpu(host, gpu, vf, vgpu, &out->items[out->n++]);
        }
    }
    return NVML_SUCCESS;
}

int rpc_do_SET_VGPU_VERSIONS(struct sim_host *host, const uint32_t a[RPC_MAX_ARGS],
                             struct rpc_nothing *out)
{
    (void)out;
    return sim_set_vgpu_versions(host, (struct sim_version_range){.oldest = a[0], .newest = a[1]});
}

int rpc_do_SET_MIXED(struct sim_host *host, const uint32_t a[RPC_MAX_ARGS], struct rpc_nothing *out)
{
    (void)out;
    struct sim_gpu *gpu = NULL;
    struct sim_gi *gi = NULL;
    int r = vgpu_gpu_of(host, a[0], &gpu);
    if (r == NVML_SUCCESS) {
        r = optional_gi(gpu, a[1], &gi);
    }
    if (r != NVML_SUCCESS) {
        return r;
    }
    return gi != NULL ? sim_gi_set_heterogeneous(host, gpu, gi, a[2] != 0)
                      : sim_set_heterogeneous(host, gpu, a[2] != 0);
}

int rpc_do_SET_SCHEDULER(struct sim_host *host, const uint32_t a[RPC_MAX_ARGS],
                         struct rpc_nothing *out)
{
    (void)out;
    struct sim_gpu *gpu = NULL;
    int r = vgpu_gpu_of(host, a[0], &gpu);
    if (r == NVML_SUCCESS) {
        r = sim_set_scheduler(host, gpu, a[1]);
    }
    static const enum sim_setting settings[] = {SIM_SET_SCHED_ARR, SIM_SET_SCHED_AVG_FACTOR,
                                                SIM_SET_SCHED_FREQUENCY,
                                                SIM_SET_SCHED_TIMESLICE_NS};
    for (uint32_t i = 0; r == NVML_SUCCESS && i < ARRAY_SIZE(settings); i++) {
        r = sim_set_setting(host, gpu, settings[i], a[2 + i]);
    }
    return r;
}

int rpc_do_GI_SCHEDULER(struct sim_host *host, const uint32_t a[RPC_MAX_ARGS],
                        struct rpc_nothing *out)
{
    (void)out;
    struct sim_gpu *gpu = NULL;
    int r = vgpu_gpu_of(host, a[0], &gpu);
    struct sim_gi *gi = r == NVML_SUCCESS ? sim_find_gi(gpu, a[1]) : NULL;
    if (gi == NULL) {
        return r == NVML_SUCCESS ? NVML_ERROR_INVALID_ARGUMENT : r;
    }
    struct sim_gi_scheduler scheduler = {
        .policy = a[2], .arr = a[3], .avg_factor = a[4], .frequency = a[5], .timeslice_ns = a[6]};
    return sim_gi_set_scheduler(host, gpu, gi, &scheduler);
}
