/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MIG: mode, GPU instances, compute instances. The placement rules here are written down on their
 * own, not shared with src/layout, so that the simulated driver is an independent judge of cleave's
 * plans.
 */
#include "sim/state/internal.h"

#include <stdio.h>
#include <string.h>

/* nvml.h, nvmlDeviceSetMigMode: the call succeeds although the mode could not be activated; the
 * activation status then says why, and pending differs from current. Virtual functions and GPU
 * instances count as use ("In use by another client", bigstack-oss/cubecos PR#1223). */
int sim_set_mig_mode(struct sim_host *host, struct sim_gpu *gpu, bool on, int *ret_activation)
{
    *ret_activation = SIM_NVML_OK;
    if (!sim_nvml_reaches(gpu)) {
        return SIM_NVML_GPU_IS_LOST;
    }
    if (gpu->model->profiles.n == 0) {
        return SIM_NVML_NOT_SUPPORTED;
    }
    if (gpu->mig_current == on) {
        if (gpu->mig_pending != on) {
            gpu->mig_pending = on;
            sim_changed(host);
        }
        return SIM_NVML_OK;
    }
    gpu->mig_pending = on;
    bool held =
        gpu->n_gis > 0 || gpu->n_vfs > 0 || sim_count_vgpus(gpu) > 0 || gpu->holder[0] != '\0';
    if (held) {
        *ret_activation = SIM_NVML_IN_USE;
    } else if (gpu->model->mig_needs_reset && gpu->no_reset) {
        *ret_activation = SIM_NVML_RESET_REQUIRED;
    } else {
        gpu->mig_current = on;
        sim_gpu_forget_volatile(gpu);
    }
    sim_changed(host);
    return SIM_NVML_OK;
}

/* ---- GPU instances ---- */

static uint32_t slices(uint32_t start, uint32_t size)
{
    return (size >= 32 ? UINT32_MAX : (1u << size) - 1) << start;
}

static uint32_t placement_size(const struct cat_profile *profile)
{
    return profile->n_placements > 0 ? profile->placements[0].size : profile->memory_slices;
}

static uint32_t occupied(const struct sim_gpu *gpu)
{
    uint32_t mask = 0;
    for (uint32_t i = 0; i < gpu->n_gis; i++) {
        mask |= slices(gpu->gis[i].start, placement_size(gpu->gis[i].profile));
    }
    return mask;
}

static bool owns_profile(const struct gpu_model *model, const struct cat_profile *profile)
{
    return profile >= model->profiles.items && profile < model->profiles.items + model->profiles.n;
}

static bool placement_exists(const struct cat_profile *profile, uint32_t start)
{
    for (uint32_t i = 0; i < profile->n_placements; i++) {
        if (profile->placements[i].start == start) {
            return true;
        }
    }
    return false;
}

/* Counts that placements do not show: instances of the profile, of the GPU, media engines. An
 * all-engines instance excludes every profile but those without engines (nvml.h comments). */
static bool counts_allow(const struct sim_gpu *gpu, const struct cat_profile *profile)
{
    uint32_t same = 0;
    uint32_t with_me = 0;
    uint32_t with_all = 0;
    uint32_t with_any = 0;
    for (uint32_t i = 0; i < gpu->n_gis; i++) {
        const struct cat_profile *other = gpu->gis[i].profile;
        same += other == profile ? 1 : 0;
        with_me += other->media == MEDIA_ME ? 1 : 0;
        with_all += other->media == MEDIA_ALL ? 1 : 0;
        with_any += other->media != MEDIA_NONE ? 1 : 0;
    }
    if (same >= profile->max_instances || gpu->n_gis >= gpu->model->max_gpu_instances ||
        gpu->n_gis >= SIM_MAX_GIS) {
        return false;
    }
    switch (profile->media) {
    case MEDIA_PLAIN:
        return with_all == 0;
    case MEDIA_ME:
        return with_all == 0 && with_me == 0;
    case MEDIA_ALL:
        return with_any == 0;
    case MEDIA_NONE:
        return true;
    }
    return false;
}

static uint32_t free_placements(uint32_t taken, const struct cat_profile *profile)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < profile->n_placements; i++) {
        if ((taken & slices(profile->placements[i].start, profile->placements[i].size)) == 0) {
            n++;
        }
    }
    return n;
}

/* Where the driver puts an instance when the caller does not say: where the most room is left for
 * others, weighted by size; the lowest of equals. NVIDIA's order is not published; its dumps show
 * small instances going to the far end first (MIG User Guide, 1g.5gb at 6). */
static uint32_t choose_start(const struct sim_gpu *gpu, const struct cat_profile *profile)
{
    uint32_t taken = occupied(gpu);
    uint32_t best = SIM_NONE;
    uint32_t best_room = 0;
    for (uint32_t i = 0; i < profile->n_placements; i++) {
        const struct cat_placement *at = &profile->placements[i];
        uint32_t mask = slices(at->start, at->size);
        if ((taken & mask) != 0) {
            continue;
        }
        uint32_t room = 0;
        for (size_t j = 0; j < gpu->model->profiles.n; j++) {
            const struct cat_profile *other = &gpu->model->profiles.items[j];
            room += free_placements(taken | mask, other) * placement_size(other);
        }
        if (best == SIM_NONE || room > best_room) {
            best = at->start;
            best_room = room;
        }
    }
    return best;
}

/* Instance ids are nodes of a halving tree: 0 the whole, 1-2 halves, 3-6 quarters, 7-14 eighths
 * (MIG User Guide and H100 dumps: seven 1g are 7..13, 2g at 4:2 is 5, 3g at 0:4 is 2 and at 4:4 is
 * 1). */
static uint32_t choose_id(struct sim_gpu *gpu, const struct cat_profile *profile, uint32_t start)
{
    uint32_t size = placement_size(profile);
    uint32_t total = gpu->model->memory_slices;
    uint32_t parts = 1;
    while (parts < 8 && size * parts * 2 <= total) {
        parts *= 2;
    }
    uint32_t base = parts - 1;
    uint32_t index = start * parts / total;
    if (parts == 2 && profile->compute_slices == 3) {
        index = 1 - index;
    }
    for (uint32_t i = 0; i < parts; i++) {
        uint32_t id = base + (index + i) % parts;
        if (sim_find_gi(gpu, id) == NULL) {
            return id;
        }
    }
    uint32_t id = 15;
    while (sim_find_gi(gpu, id) != NULL) {
        id++;
    }
    return id;
}

/* NVML API reference, change log; MIG user guide, notes to the tables of profiles (1g+me from R470
 * on, 2g+me and the 1g of double memory from R525 on). */
bool sim_driver_has_profile(const struct sim_host *host, uint32_t number)
{
    static const struct {
        uint32_t branch, first_unknown;
    } known[] = {{595, UINT32_MAX}, {575, 17}, {570, 13}, {525, 10}, {470, 8}, {0, 7}};
    uint32_t branch = sim_driver_branch(host);
    size_t i = 0;
    while (branch < known[i].branch) {
        i++;
    }
    return branch == 0 || number < known[i].first_unknown;
}

int sim_gi_create(struct sim_host *host, struct sim_gpu *gpu, const struct cat_profile *profile,
                  uint32_t start, struct sim_gi **ret_gi)
{
    if (!sim_nvml_reaches(gpu)) {
        return SIM_NVML_GPU_IS_LOST;
    }
    if (!gpu->mig_current) {
        return SIM_NVML_NOT_SUPPORTED;
    }
    if (!owns_profile(gpu->model, profile) ||
        !sim_driver_has_profile(host, profile->nvml_profile) ||
        (start != SIM_NONE && !placement_exists(profile, start))) {
        return SIM_NVML_INVALID_ARGUMENT;
    }
    if (!counts_allow(gpu, profile)) {
        return SIM_NVML_INSUFFICIENT_RESOURCES;
    }
    if (start == SIM_NONE) {
        start = choose_start(gpu, profile);
    }
    if (start == SIM_NONE || (occupied(gpu) & slices(start, placement_size(profile))) != 0) {
        return SIM_NVML_INSUFFICIENT_RESOURCES;
    }
    struct sim_gi *gi = &gpu->gis[gpu->n_gis];
    *gi = (struct sim_gi){.id = choose_id(gpu, profile, start), .profile = profile, .start = start};
    gpu->n_gis++;
    if (ret_gi != NULL) {
        *ret_gi = gi;
    }
    sim_changed(host);
    return SIM_NVML_OK;
}

static bool gi_has_vgpu(struct sim_gpu *gpu, uint32_t gi_id)
{
    uint32_t cursor = 0;
    struct sim_vgpu *vgpu = sim_next_vgpu(gpu, &cursor, NULL);
    while (vgpu != NULL) {
        if (vgpu->gi_id == gi_id) {
            return true;
        }
        vgpu = sim_next_vgpu(gpu, &cursor, NULL);
    }
    return false;
}

int sim_gi_destroy(struct sim_host *host, struct sim_gpu *gpu, uint32_t gi_id)
{
    if (!sim_nvml_reaches(gpu)) {
        return SIM_NVML_GPU_IS_LOST;
    }
    struct sim_gi *gi = sim_find_gi(gpu, gi_id);
    if (gi == NULL) {
        return SIM_NVML_INVALID_ARGUMENT;
    }
    if (gi->n_cis > 0 || gi_has_vgpu(gpu, gi_id)) {
        return SIM_NVML_IN_USE;
    }
    size_t index = (size_t)(gi - gpu->gis);
    memmove(gi, gi + 1, (gpu->n_gis - index - 1) * sizeof(*gi));
    gpu->n_gis--;
    memset(&gpu->gis[gpu->n_gis], 0, sizeof(*gi));
    sim_changed(host);
    return SIM_NVML_OK;
}

uint32_t sim_gi_remaining(struct sim_gpu *gpu, const struct cat_profile *profile)
{
    bool counts = gpu->mig_current || !gpu->model->mig_needs_reset;
    if (!counts || !owns_profile(gpu->model, profile)) {
        return 0;
    }
    /* Fill a copy up: free placements may overlap each other, so counting them would be too many.
     */
    struct sim_gpu copy = *gpu;
    uint32_t n = 0;
    while (counts_allow(&copy, profile)) {
        uint32_t start = choose_start(&copy, profile);
        if (start == SIM_NONE) {
            break;
        }
        copy.gis[copy.n_gis] = (struct sim_gi){.id = 100 + n, .profile = profile, .start = start};
        copy.n_gis++;
        n++;
    }
    return n;
}

int sim_gi_set_heterogeneous(struct sim_host *host, struct sim_gpu *gpu, struct sim_gi *gi, bool on)
{
    if (!sim_nvml_reaches(gpu)) {
        return SIM_NVML_GPU_IS_LOST;
    }
    if (!host->vgpu_host || !host->hypervisor_mig_timeslicing ||
        gpu->model->mig_timesliced != CAT_YES) {
        return SIM_NVML_NOT_SUPPORTED;
    }
    if (gi_has_vgpu(gpu, gi->id)) {
        return SIM_NVML_IN_USE;
    }
    gi->heterogeneous = on;
    sim_changed(host);
    return SIM_NVML_OK;
}

/* ---- compute instances ---- */

#define GI_PROFILE_1_SLICE_REV2 9

/* Compute instance profiles (NVML_COMPUTE_INSTANCE_PROFILE_*) by slices; -lcip dumps. A 1g instance
 * with double memory lists its one profile as 1_SLICE_REV1 (GH200 dump). */
static uint32_t ci_slices(const struct cat_profile *gi, uint32_t ci_profile)
{
    static const uint32_t by_profile[] = {
        [0] = 1, [1] = 2, [2] = 3, [3] = 4, [4] = 7, [5] = 8, [6] = 6, [7] = 1,
    };
    if (ci_profile >= sizeof(by_profile) / sizeof(by_profile[0])) {
        return 0;
    }
    if (ci_profile == 7 && gi->nvml_profile != GI_PROFILE_1_SLICE_REV2) {
        return 0;
    }
    uint32_t n = by_profile[ci_profile];
    /* A 4g instance has no 3-slice profile, nor has any the odd 6 or 8. */
    bool listed = n <= gi->compute_slices && (n != 3 || gi->compute_slices != 4) && n < 6;
    return listed || n == gi->compute_slices ? n : 0;
}

int sim_ci_create(struct sim_host *host, struct sim_gpu *gpu, struct sim_gi *gi,
                  uint32_t ci_profile, struct sim_ci **ret_ci)
{
    return sim_ci_create_at(host, gpu, gi, ci_profile, SIM_NONE, ret_ci);
}

int sim_ci_create_at(struct sim_host *host, struct sim_gpu *gpu, struct sim_gi *gi,
                     uint32_t ci_profile, uint32_t wanted_start, struct sim_ci **ret_ci)
{
    if (!sim_nvml_reaches(gpu)) {
        return SIM_NVML_GPU_IS_LOST;
    }
    uint32_t size = ci_slices(gi->profile, ci_profile);
    if (size == 0) {
        return SIM_NVML_NOT_SUPPORTED;
    }
    uint32_t taken = 0;
    for (uint32_t i = 0; i < gi->n_cis; i++) {
        taken |= slices(gi->cis[i].start, gi->cis[i].size);
    }
    uint32_t start = wanted_start == SIM_NONE ? 0 : wanted_start;
    while (wanted_start == SIM_NONE && start + size <= gi->profile->compute_slices &&
           (taken & slices(start, size)) != 0) {
        start++;
    }
    if (start + size > gi->profile->compute_slices || (taken & slices(start, size)) != 0 ||
        gi->n_cis >= SIM_MAX_CIS) {
        return SIM_NVML_INSUFFICIENT_RESOURCES;
    }
    uint32_t id = 0;
    while (sim_find_ci(gi, id) != NULL) {
        id++;
    }
    struct sim_ci *ci = &gi->cis[gi->n_cis];
    *ci = (struct sim_ci){.id = id, .profile = ci_profile, .start = start, .size = size};
    char name[128];
    snprintf(name, sizeof(name), "%s/%u/%u/%u", gpu->uuid, gi->id, id, gi->profile->id);
    char uuid[37];
    sim_stable_uuid(name, uuid);
    snprintf(ci->uuid, sizeof(ci->uuid), "MIG-%s", uuid);
    gi->n_cis++;
    if (ret_ci != NULL) {
        *ret_ci = ci;
    }
    sim_changed(host);
    return SIM_NVML_OK;
}

bool sim_gi_is_busy(const struct sim_gpu *gpu, const struct sim_gi *gi)
{
    return (gpu->busy >> gi->start & 1) != 0;
}

int sim_ci_destroy(struct sim_host *host, struct sim_gpu *gpu, struct sim_gi *gi, uint32_t ci_id)
{
    if (!sim_nvml_reaches(gpu)) {
        return SIM_NVML_GPU_IS_LOST;
    }
    struct sim_ci *ci = sim_find_ci(gi, ci_id);
    if (ci == NULL) {
        return SIM_NVML_INVALID_ARGUMENT;
    }
    if (gi_has_vgpu(gpu, gi->id) || sim_gi_is_busy(gpu, gi)) {
        return SIM_NVML_IN_USE;
    }
    size_t index = (size_t)(ci - gi->cis);
    memmove(ci, ci + 1, (gi->n_cis - index - 1) * sizeof(*ci));
    gi->n_cis--;
    sim_changed(host);
    return SIM_NVML_OK;
}

/* ---- capabilities: which minor of /dev/nvidia-caps opens what ---- */

/* 1 is the config capability, 2 the monitor's. A GI takes 1 + 8 minors and a GPU has 15 (mig-minors
 * of a real host). */
#define MINOR_FIRST_GI 3
#define MINORS_PER_GI 9
#define MINORS_PER_GPU 135

uint32_t sim_cap_minor(const struct sim_gpu *gpu, const struct sim_gi *gi, const struct sim_ci *ci)
{
    uint32_t own = MINOR_FIRST_GI + gpu->minor * MINORS_PER_GPU + gi->id * MINORS_PER_GI;
    return ci != NULL ? own + 1 + ci->id : own;
}
