/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vGPUs: which types a GPU can take now, where the driver puts one, and the two kernel interfaces
 * that make and delete them. Like mig.c this is written apart from src/layout on purpose.
 */
#include "sim/state/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"

#define TIME_SLICED_MAX 32 /* vGPUs on one GPU (vGPU user guide 17) */
#define FIRST_MADE_UP_TYPE 60000

/* Where a vGPU would go. */
struct seat {
    uint32_t gi_id; /* SIM_NONE: time-sliced */
    uint32_t placement_id;
};

static bool mig_timesliced(const struct sim_host *host, const struct gpu_model *model)
{
    return host->hypervisor_mig_timeslicing && model->mig_timesliced == CAT_YES;
}

/* 0 where the size is not known. */
static uint32_t type_gib(const struct cat_vgpu_type *type)
{
    return type->framebuffer_mib == CAT_UNKNOWN ? 0 : (type->framebuffer_mib + 1023) / 1024;
}

static uint32_t per_gi_max(const struct cat_vgpu_type *type)
{
    return type->max_per_gi == CAT_UNKNOWN ? 1 : type->max_per_gi;
}

/* ---- types ---- */

uint32_t sim_type_id(const struct gpu_model *model, const struct cat_vgpu_type *type)
{
    if (type->type_id != CAT_UNKNOWN) {
        return type->type_id;
    }
    return FIRST_MADE_UP_TYPE + (uint32_t)(type - model->types.items);
}

const struct cat_vgpu_type *sim_type_by_id(const struct gpu_model *model, uint32_t type_id)
{
    for (size_t i = 0; i < model->types.n; i++) {
        if (sim_type_id(model, &model->types.items[i]) == type_id) {
            return &model->types.items[i];
        }
    }
    return NULL;
}

static bool type_fits_profile(const struct cat_vgpu_type *type, const struct cat_profile *profile)
{
    if (type->gi_profile_id != CAT_UNKNOWN) {
        return type->gi_profile_id == profile->id;
    }
    return type->gi_profile != NULL && str_eq(type->gi_profile, profile->name);
}

/* A type with more than one vGPU per GPU instance is hidden while MIG time-slicing is off (nvml.h,
 * NVML_DEVICE_VGPU_CAP_MIG_TIMESLICING_ENABLED). */
static bool supported(const struct sim_host *host, const struct gpu_model *model,
                      const struct cat_vgpu_type *type)
{
    if (!host->vgpu_host) {
        return false;
    }
    for (size_t i = 0; type->mig_backed && i < model->profiles.n; i++) {
        const struct cat_profile *profile = &model->profiles.items[i];
        if (type_fits_profile(type, profile) &&
            !sim_driver_has_profile(host, profile->nvml_profile)) {
            return false;
        }
    }
    return !type->mig_backed || per_gi_max(type) <= 1 || mig_timesliced(host, model);
}

typedef bool type_filter(struct sim_host *host, struct sim_gpu *gpu,
                         const struct cat_vgpu_type *type);

/* The types that pass, by ascending id as the driver lists them. */
static uint32_t collect(struct sim_host *host, struct sim_gpu *gpu, type_filter *filter,
                        const struct cat_vgpu_type **ret_types, uint32_t max)
{
    const struct gpu_model *model = gpu->model;
    uint32_t n = 0;
    for (size_t i = 0; i < model->types.n; i++) {
        const struct cat_vgpu_type *type = &model->types.items[i];
        if (n == max || !filter(host, gpu, type)) {
            continue;
        }
        uint32_t at = n++;
        while (at > 0 && sim_type_id(model, ret_types[at - 1]) > sim_type_id(model, type)) {
            ret_types[at] = ret_types[at - 1];
            at--;
        }
        ret_types[at] = type;
    }
    return n;
}

static bool is_supported(struct sim_host *host, struct sim_gpu *gpu,
                         const struct cat_vgpu_type *type)
{
    return supported(host, gpu->model, type);
}

uint32_t sim_supported_types(struct sim_host *host, struct sim_gpu *gpu,
                             const struct cat_vgpu_type **ret_types, uint32_t max)
{
    return collect(host, gpu, is_supported, ret_types, max);
}

/* ---- placement on the whole GPU ---- */

static const struct cat_mixed_row *mixed_row(const struct gpu_model *model,
                                             const struct cat_vgpu_type *type)
{
    for (size_t i = 0; i < model->mixed.n; i++) {
        if (model->mixed.items[i].framebuffer_mib == type->framebuffer_mib) {
            return &model->mixed.items[i];
        }
    }
    return NULL;
}

/* Width of a type in placement units. 2 GB on a 96 GB board takes 3 (open-gpu-kernel-modules
 * 595.45.04, kernel_vgpu_mgr.c). */
static uint32_t unit_size(const struct gpu_model *model, const struct cat_vgpu_type *type)
{
    const struct cat_mixed_row *row = mixed_row(model, type);
    if (row != NULL) {
        return row->placement_size;
    }
    bool wide = model->memory_mib >= 96 * 1024 && type->framebuffer_mib == 2048;
    return wide ? 3 : type_gib(type);
}

static bool seat_is_free(struct sim_gpu *gpu, const struct sim_vgpu *self, uint32_t gi_id,
                         uint32_t start, uint32_t size)
{
    uint32_t cursor = 0;
    for (struct sim_vgpu *other = sim_next_vgpu(gpu, &cursor, NULL); other != NULL;
         other = sim_next_vgpu(gpu, &cursor, NULL)) {
        if (other == self || other->gi_id != gi_id || other->placement_id == SIM_NONE) {
            continue;
        }
        uint32_t width =
            gi_id == SIM_NONE ? unit_size(gpu->model, other->type) : type_gib(other->type);
        if (start < other->placement_id + width && other->placement_id < start + size) {
            return false;
        }
    }
    return true;
}

/* The placement ids that the GPU's mode allows the type: the table's in mixed-size mode, multiples
 * of the size otherwise (and where no table is published). */
static uint32_t allowed_ids(const struct sim_gpu *gpu, const struct cat_vgpu_type *type,
                            uint32_t ret_ids[64])
{
    const struct cat_mixed_row *row = mixed_row(gpu->model, type);
    uint32_t n = 0;
    if (gpu->heterogeneous && gpu->model->mixed.n > 0) {
        for (uint32_t i = 0; row != NULL && i < row->n_placement_ids && n < 64; i++) {
            ret_ids[n++] = row->placement_ids[i];
        }
        return n;
    }
    uint32_t size = unit_size(gpu->model, type);
    uint32_t max = TIME_SLICED_MAX;
    if (type->max_per_gpu != CAT_UNKNOWN && type->max_per_gpu < max) {
        max = type->max_per_gpu;
    }
    /* Sizes are nominal: the largest may seem to exceed the memory (GB200-189C of 186 GB). */
    for (uint32_t id = 0; n < max && (n == 0 || id + size <= gpu->model->memory_mib / 1024);
         id += size) {
        ret_ids[n++] = id;
    }
    return n;
}

static bool id_allowed(struct sim_gpu *gpu, const struct sim_vgpu *self,
                       const struct cat_vgpu_type *type, uint32_t id)
{
    uint32_t ids[64];
    uint32_t n = allowed_ids(gpu, type, ids);
    for (uint32_t i = 0; i < n; i++) {
        if (ids[i] == id) {
            return seat_is_free(gpu, self, SIM_NONE, id, unit_size(gpu->model, type));
        }
    }
    return false;
}

static bool seat_time_sliced(struct sim_gpu *gpu, const struct cat_vgpu_type *type, uint32_t wanted,
                             struct seat *ret_seat)
{
    uint32_t n_vgpus = 0;
    uint32_t cursor = 0;
    for (struct sim_vgpu *other = sim_next_vgpu(gpu, &cursor, NULL); other != NULL;
         other = sim_next_vgpu(gpu, &cursor, NULL)) {
        if (!gpu->heterogeneous && other->type->framebuffer_mib != type->framebuffer_mib) {
            return false;
        }
        n_vgpus++;
    }
    if (n_vgpus >= TIME_SLICED_MAX) {
        return false;
    }
    uint32_t ids[64];
    uint32_t n_ids = allowed_ids(gpu, type, ids);
    if (!gpu->heterogeneous && n_vgpus >= n_ids) {
        return false;
    }
    *ret_seat = (struct seat){.gi_id = SIM_NONE, .placement_id = SIM_NONE};
    if (wanted != SIM_NONE && id_allowed(gpu, NULL, type, wanted)) {
        ret_seat->placement_id = wanted;
        return true;
    }
    for (uint32_t i = 0; i < n_ids; i++) {
        if (seat_is_free(gpu, NULL, SIM_NONE, ids[i], unit_size(gpu->model, type))) {
            ret_seat->placement_id = ids[i];
            return true;
        }
    }
    return false;
}

/* ---- placement in a GPU instance ---- */

/* Memory of an instance that vGPUs share, in GiB: that of its largest type. */
static uint32_t gi_room_gib(const struct gpu_model *model, const struct cat_profile *profile)
{
    uint32_t most = 0;
    for (size_t i = 0; i < model->types.n; i++) {
        const struct cat_vgpu_type *type = &model->types.items[i];
        if (type->mig_backed && type_fits_profile(type, profile) && type_gib(type) > most) {
            most = type_gib(type);
        }
    }
    return most;
}

static bool seat_in_gi(struct sim_host *host, struct sim_gpu *gpu, const struct sim_gi *gi,
                       const struct cat_vgpu_type *type, struct seat *ret_seat)
{
    if (!type_fits_profile(type, gi->profile)) {
        return false;
    }
    uint32_t size = type_gib(type);
    uint32_t room = gi_room_gib(gpu->model, gi->profile);
    uint32_t max = 1;
    if (mig_timesliced(host, gpu->model) && size > 0) {
        /* Where no maximum is published, as many as there is memory for. */
        max = type->max_per_gi != CAT_UNKNOWN ? type->max_per_gi : room / size;
    }
    uint32_t n_all = 0;
    uint32_t n_same_size = 0;
    uint32_t cursor = 0;
    for (struct sim_vgpu *other = sim_next_vgpu(gpu, &cursor, NULL); other != NULL;
         other = sim_next_vgpu(gpu, &cursor, NULL)) {
        if (other->gi_id == gi->id) {
            n_all++;
            n_same_size += other->type->framebuffer_mib == type->framebuffer_mib ? 1 : 0;
        }
    }
    if (n_same_size >= max || (!gi->heterogeneous && n_same_size != n_all)) {
        return false;
    }
    *ret_seat = (struct seat){.gi_id = gi->id, .placement_id = 0};
    if (max == 1) {
        return n_all == 0;
    }
    uint32_t step = gi->heterogeneous ? 1 : size; /* no table of mixed sizes in a GI is published */
    for (uint32_t at = 0; at + size <= room; at += step) {
        if (seat_is_free(gpu, NULL, gi->id, at, size)) {
            ret_seat->placement_id = at;
            return true;
        }
    }
    return false;
}

/* The driver's choice of GPU instance among those that have room. */
static bool seat_mig(struct sim_host *host, struct sim_gpu *gpu, const struct cat_vgpu_type *type,
                     struct seat *ret_seat)
{
    bool found = false;
    uint64_t best = 0;
    for (uint32_t i = 0; i < gpu->n_gis; i++) {
        struct seat seat;
        if (!seat_in_gi(host, gpu, &gpu->gis[i], type, &seat)) {
            continue;
        }
        uint64_t rank = sim_choice_rank(host, gpu, &gpu->gis[i]);
        if (!found || rank < best) {
            found = true;
            best = rank;
            *ret_seat = seat;
        }
    }
    return found;
}

static bool find_seat(struct sim_host *host, struct sim_gpu *gpu, const struct cat_vgpu_type *type,
                      uint32_t wanted, struct seat *ret_seat)
{
    if (gpu->lost || gpu->wedged || !supported(host, gpu->model, type) ||
        type->mig_backed != gpu->mig_current || (!type->mig_backed && type_gib(type) == 0)) {
        return false;
    }
    return type->mig_backed ? seat_mig(host, gpu, type, ret_seat)
                            : seat_time_sliced(gpu, type, wanted, ret_seat);
}

static bool is_creatable(struct sim_host *host, struct sim_gpu *gpu,
                         const struct cat_vgpu_type *type)
{
    struct seat seat;
    return find_seat(host, gpu, type, SIM_NONE, &seat);
}

uint32_t sim_creatable_types(struct sim_host *host, struct sim_gpu *gpu,
                             const struct cat_vgpu_type **ret_types, uint32_t max)
{
    return collect(host, gpu, is_creatable, ret_types, max);
}

/* What the kernel's files list. MIG-backed types are not filtered by size: each that fits the
 * profile of an instance with room is shown, and a write of the wrong size fails
 * (bigstack-oss/cubecos PR#1223). */
static bool is_listed(struct sim_host *host, struct sim_gpu *gpu, const struct cat_vgpu_type *type)
{
    if (is_creatable(host, gpu, type)) {
        return true;
    }
    if (gpu->lost || gpu->wedged || !type->mig_backed || !gpu->mig_current ||
        !supported(host, gpu->model, type)) {
        return false;
    }
    for (uint32_t i = 0; i < gpu->n_gis; i++) {
        const struct sim_gi *gi = &gpu->gis[i];
        if (!type_fits_profile(type, gi->profile)) {
            continue;
        }
        uint32_t cursor = 0;
        struct sim_vgpu *there = sim_next_vgpu(gpu, &cursor, NULL);
        while (there != NULL && there->gi_id != gi->id) {
            there = sim_next_vgpu(gpu, &cursor, NULL);
        }
        struct seat seat;
        if (there != NULL && seat_in_gi(host, gpu, gi, there->type, &seat)) {
            return true;
        }
    }
    return false;
}

uint32_t sim_vf_creatable(struct sim_host *host, struct sim_gpu *gpu, struct sim_vf *vf,
                          const struct cat_vgpu_type **ret_types, uint32_t max)
{
    if (vf->vgpu.exists || !sim_bound_to(vf->driver, "nvidia")) {
        return 0;
    }
    return collect(host, gpu, is_listed, ret_types, max);
}

/* ---- making and deleting ---- */

void sim_vgpu_clear(struct sim_vgpu *vgpu)
{
    *vgpu = (struct sim_vgpu){.gi_id = SIM_NONE, .placement_id = SIM_NONE};
}

static void vgpu_make(struct sim_host *host, struct sim_vgpu *vgpu,
                      const struct cat_vgpu_type *type, const struct seat *seat, const char *uuid)
{
    vgpu->exists = true;
    vgpu->type = type;
    vgpu->instance = host->next_vgpu_instance++;
    host->choices++;
    vgpu->gi_id = seat->gi_id;
    vgpu->placement_id = seat->placement_id;
    if (uuid != NULL) {
        STR_SET(vgpu->uuid, uuid);
    } else {
        char name[128];
        snprintf(name, sizeof(name), "%s/vgpu/%u", host->name, vgpu->instance);
        sim_stable_uuid(name, vgpu->uuid);
    }
}

int sim_vf_set_type(struct sim_host *host, struct sim_gpu *gpu, struct sim_vf *vf, uint32_t type_id)
{
    if (host->iface != SIM_VENDOR_VFIO || !sim_bound_to(vf->driver, "nvidia")) {
        return -ENODEV;
    }
    if (vf->vgpu.opener != 0) {
        return -EBUSY;
    }
    if (gpu->lost || gpu->wedged) {
        return -EIO;
    }
    if (type_id == 0) {
        if (vf->vgpu.exists) {
            sim_vgpu_clear(&vf->vgpu);
            vf->wanted_placement = SIM_NONE;
            sim_changed(host);
        }
        return 0;
    }
    if (vf->vgpu.exists) {
        return -EBUSY;
    }
    const struct cat_vgpu_type *type = sim_type_by_id(gpu->model, type_id);
    if (type == NULL) {
        return -EINVAL;
    }
    /* No GPU instance, no room, another size, wrong mode: all EIO (dmesg: "Failed to add vgpu
     * create request: 0x38", bigstack-oss/cubecos). */
    struct seat seat;
    if (!find_seat(host, gpu, type, vf->wanted_placement, &seat)) {
        return -EIO;
    }
    vgpu_make(host, &vf->vgpu, type, &seat, NULL);
    sim_changed(host);
    return 0;
}

int sim_vgpu_set_params(struct sim_host *host, struct sim_gpu *gpu, struct sim_vgpu *vgpu,
                        const char *params)
{
    char text[sizeof(vgpu->params)];
    if (!STR_SET(text, params)) {
        return -E2BIG;
    }
    char *clean = str_trim(text);
    if (!str_is_clean(clean)) {
        return -EINVAL; /* the state file takes no such text */
    }
    if (vgpu->opener != 0) {
        return -EPERM; /* vgpu_params_store() of nvidia-vgpu-vfio, 460.73.01 */
    }
    STR_SET(vgpu->params, clean);
    uint32_t wanted = sim_params_placement(clean);
    /* A placement that cannot be is found out when the VM starts (vGPU user guide 17). */
    if (vgpu->exists && vgpu->gi_id == SIM_NONE && wanted != SIM_NONE &&
        id_allowed(gpu, vgpu, vgpu->type, wanted)) {
        vgpu->placement_id = wanted;
    }
    sim_changed(host);
    return 0;
}

bool sim_vgpu_placement_ok(const struct sim_vgpu *vgpu)
{
    uint32_t wanted = sim_params_placement(vgpu->params);
    return wanted == SIM_NONE || vgpu->gi_id != SIM_NONE || wanted == vgpu->placement_id;
}

int sim_vf_set_params(struct sim_host *host, struct sim_gpu *gpu, struct sim_vf *vf,
                      const char *params)
{
    int result = sim_vgpu_set_params(host, gpu, &vf->vgpu, params);
    if (result == 0) {
        vf->wanted_placement = sim_params_placement(params);
    }
    return result;
}

/* ---- mdev ---- */

/* The device that carries mdevs: a VF, or the PF of a board without SR-IOV. */
static bool find_parent(struct sim_host *host, const struct pci_addr *addr,
                        struct sim_gpu **ret_gpu, struct sim_vf **ret_vf)
{
    if (host->iface != SIM_MDEV || !host->vgpu_host) {
        return false;
    }
    *ret_gpu = NULL;
    *ret_vf = sim_find_vf(host, addr, ret_gpu);
    if (*ret_vf != NULL) {
        return sim_bound_to((*ret_vf)->driver, "nvidia");
    }
    *ret_gpu = sim_find_gpu(host, addr);
    return *ret_gpu != NULL && (*ret_gpu)->vfs_total == 0 &&
           sim_bound_to((*ret_gpu)->driver, "nvidia");
}

static struct sim_vgpu *free_pf_slot(struct sim_gpu *gpu)
{
    for (size_t i = 0; i < SIM_MAX_MDEVS; i++) {
        if (!gpu->pf_vgpus[i].exists) {
            return &gpu->pf_vgpus[i];
        }
    }
    return NULL;
}

static uint32_t free_group(struct sim_host *host)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        struct sim_gpu *gpu = &host->gpus[i];
        uint32_t last_vf = gpu->vf_group_base + gpu->vfs_total;
        next = gpu->iommu_group >= next ? gpu->iommu_group + 1 : next;
        next = last_vf > next ? last_vf : next;
        uint32_t cursor = 0;
        struct sim_vgpu *vgpu = sim_next_vgpu(gpu, &cursor, NULL);
        while (vgpu != NULL) {
            next = vgpu->iommu_group >= next ? vgpu->iommu_group + 1 : next;
            vgpu = sim_next_vgpu(gpu, &cursor, NULL);
        }
    }
    for (uint32_t i = 0; i < host->n_extras; i++) {
        uint32_t group = host->extras[i].iommu_group;
        next = group >= next ? group + 1 : next;
    }
    return next;
}

int sim_mdev_create(struct sim_host *host, const struct pci_addr *parent, uint32_t type_id,
                    const char *uuid)
{
    struct sim_gpu *gpu = NULL;
    struct sim_vf *vf = NULL;
    if (!find_parent(host, parent, &gpu, &vf)) {
        return -ENODEV;
    }
    if (!parse_uuid(uuid)) {
        return -EINVAL;
    }
    if (sim_find_mdev(host, uuid, NULL, NULL) != NULL) {
        return -EEXIST;
    }
    const struct cat_vgpu_type *type = sim_type_by_id(gpu->model, type_id);
    if (type == NULL) {
        return -ENOENT;
    }
    struct sim_vgpu *vgpu = vf != NULL ? &vf->vgpu : free_pf_slot(gpu);
    struct seat seat;
    if (vgpu == NULL || vgpu->exists || !find_seat(host, gpu, type, SIM_NONE, &seat)) {
        return -EIO;
    }
    uint32_t group = free_group(host);
    vgpu_make(host, vgpu, type, &seat, uuid);
    vgpu->iommu_group = group;
    sim_changed(host);
    return 0;
}

int sim_mdev_remove(struct sim_host *host, const char *uuid)
{
    struct sim_gpu *gpu = NULL;
    struct sim_vgpu *vgpu = sim_find_mdev(host, uuid, &gpu, NULL);
    if (vgpu == NULL) {
        return -ENODEV;
    }
    if (vgpu->opener != 0) {
        return -EBUSY;
    }
    if (gpu->lost || gpu->wedged) {
        return -EIO;
    }
    sim_vgpu_clear(vgpu);
    sim_changed(host);
    return 0;
}

uint32_t sim_mdev_available(struct sim_host *host, const struct pci_addr *parent,
                            const struct cat_vgpu_type *type)
{
    struct sim_gpu *gpu = NULL;
    struct sim_vf *vf = NULL;
    if (!find_parent(host, parent, &gpu, &vf)) {
        return 0;
    }
    if (vf != NULL) {
        return !vf->vgpu.exists && is_listed(host, gpu, type) ? 1 : 0;
    }
    if (!is_creatable(host, gpu, type)) {
        return 0;
    }
    uint32_t ids[64];
    return allowed_ids(gpu, type, ids) - sim_count_vgpus(gpu);
}
