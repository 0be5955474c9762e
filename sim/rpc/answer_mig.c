/* SPDX-License-Identifier: Apache-2.0 */
/* MIG: mode, profiles, GPU and compute instances. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "nvml/abi.h"
#include "sim/rpc/handlers.h"
#include "sim/rpc/lookup.h"

/* A MIG-capable board in MIG mode; instances are NOT_SUPPORTED in any other. */
static int mig_gpu_of(struct sim_host *host, uint32_t number, struct sim_gpu **ret_gpu)
{
    int r = rpc_gpu_of(host, number, ret_gpu);
    if (r != NVML_SUCCESS) {
        return r;
    }
    return (*ret_gpu)->mig_current ? NVML_SUCCESS : NVML_ERROR_NOT_SUPPORTED;
}

/* A handle to a destroyed instance is an invalid argument (NVML API reference). */
static int gi_of(struct sim_host *host, const uint32_t *a, struct sim_gpu **ret_gpu,
                 struct sim_gi **ret_gi)
{
    int r = mig_gpu_of(host, a[0], ret_gpu);
    if (r != NVML_SUCCESS) {
        return r;
    }
    *ret_gi = sim_find_gi(*ret_gpu, a[1]);
    return *ret_gi != NULL ? NVML_SUCCESS : NVML_ERROR_INVALID_ARGUMENT;
}

static const struct cat_profile *find_profile(const struct gpu_model *model, uint32_t key,
                                              uint32_t number)
{
    for (vec_each(&model->profiles, profile)) {
        if ((key == RPC_BY_ID ? profile->id : profile->nvml_profile) == number) {
            return profile;
        }
    }
    return NULL;
}

static uint32_t known_or_zero(uint32_t value)
{
    return value == CAT_UNKNOWN ? 0 : value;
}

int rpc_do_PROFILE(struct sim_host *host, const uint32_t a[RPC_MAX_ARGS], struct rpc_profile *out)
{
    struct sim_gpu *gpu = NULL;
    int r = rpc_gpu_of(host, a[0], &gpu);
    if (r != NVML_SUCCESS) {
        return r;
    }
    const struct cat_profile *profile = find_profile(gpu->model, a[1], a[2]);
    if (profile != NULL && !sim_driver_has_profile(host, profile->nvml_profile)) {
        return NVML_ERROR_INVALID_ARGUMENT;
    }
    if (profile == NULL) {
        bool known = a[1] == RPC_BY_NUMBER && a[2] < NVML_GI_PROFILE_COUNT &&
                     sim_driver_has_profile(host, a[2]);
        return known ? NVML_ERROR_NOT_SUPPORTED : NVML_ERROR_INVALID_ARGUMENT;
    }
    STR_SET(out->name, profile->name);
    out->id = profile->id;
    out->number = profile->nvml_profile;
    out->compute_slices = profile->compute_slices;
    out->memory_slices = profile->memory_slices;
    out->max_instances = profile->max_instances;
    out->remaining = sim_gi_remaining(gpu, profile);
    out->sm = known_or_zero(profile->sm);
    out->copy_engines = known_or_zero(profile->copy_engines);
    out->decoders = known_or_zero(profile->decoders);
    out->encoders = known_or_zero(profile->encoders);
    out->jpeg = known_or_zero(profile->jpeg);
    out->ofa = known_or_zero(profile->ofa);
    out->gfx = profile->gfx;
    out->memory_mib =
        profile->memory_mib != CAT_UNKNOWN
            ? profile->memory_mib
            : (uint64_t)sim_memory_mib(gpu) * profile->memory_slices / gpu->model->memory_slices;
    for (uint32_t i = 0; i < profile->n_placements && i < RPC_MAX_PLACEMENTS; i++) {
        out->placements[i] = (struct rpc_placement){.start = profile->placements[i].start,
                                                    .size = profile->placements[i].size};
        out->n_placements++;
    }
    return NVML_SUCCESS;
}

static void fill_instance(const struct sim_gi *gi, struct rpc_instance *out)
{
    const struct cat_profile *profile = gi->profile;
    uint32_t size =
        profile->n_placements > 0 ? profile->placements[0].size : profile->memory_slices;
    out->id = gi->id;
    out->profile_id = profile->id;
    out->placement = (struct rpc_placement){.start = gi->start, .size = size};
    out->mixed = gi->heterogeneous;
    out->scheduler.policy = gi->scheduler.policy;
    out->scheduler.arr = gi->scheduler.arr;
    out->scheduler.avg_factor = gi->scheduler.avg_factor;
    out->scheduler.frequency = gi->scheduler.frequency;
    out->scheduler.timeslice_ns = gi->scheduler.timeslice_ns;
    for (uint32_t i = 0; i < gi->n_cis && i < RPC_MAX_COMPUTE; i++) {
        const struct sim_ci *ci = &gi->cis[i];
        struct rpc_compute *compute = &out->compute[out->n_compute++];
        *compute = (struct rpc_compute){
            .id = ci->id, .profile = ci->profile, .start = ci->start, .size = ci->size};
        STR_SET(compute->uuid, ci->uuid);
    }
}

static int compare_instances(const void *one, const void *other)
{
    const struct rpc_instance *a = one;
    const struct rpc_instance *b = other;
    return (a->id > b->id) - (a->id < b->id);
}

static int compare_computes(const void *one, const void *other)
{
    const struct rpc_compute *a = one;
    const struct rpc_compute *b = other;
    return (a->id > b->id) - (a->id < b->id);
}

/* MIG devices are numbered within their board by the ids of their GPU instance and compute
 * instance, whatever was made first: the MIG user guide's example makes GPU instance 2 before 1,
 * and nvidia-smi lists 1 as device 0. */
static void sort_instances(struct rpc_instances *all)
{
    uint32_t index = 0;
    qsort(all->items, all->n, sizeof(all->items[0]), compare_instances);
    for (uint32_t i = 0; i < all->n; i++) {
        struct rpc_instance *instance = &all->items[i];
        qsort(instance->compute, instance->n_compute, sizeof(instance->compute[0]),
              compare_computes);
        for (uint32_t c = 0; c < instance->n_compute; c++) {
            instance->compute[c].index = index++;
        }
    }
}

int rpc_do_INSTANCES(struct sim_host *host, const uint32_t a[RPC_MAX_ARGS],
                     struct rpc_instances *out)
{
    struct sim_gpu *gpu = NULL;
    int r = mig_gpu_of(host, a[0], &gpu);
    if (r != NVML_SUCCESS) {
        return r;
    }
    for (uint32_t i = 0; i < gpu->n_gis && i < RPC_MAX_INSTANCES; i++) {
        out->items[out->n].busy = sim_gi_is_busy(gpu, &gpu->gis[i]);
        fill_instance(&gpu->gis[i], &out->items[out->n++]);
    }
    sort_instances(out);
    return NVML_SUCCESS;
}

int rpc_do_SET_MIG(struct sim_host *host, const uint32_t a[RPC_MAX_ARGS],
                   struct rpc_activation *out)
{
    struct sim_gpu *gpu = NULL;
    int r = rpc_gpu_of(host, a[0], &gpu);
    if (r != NVML_SUCCESS) {
        return r;
    }
    return sim_set_mig_mode(host, gpu, a[1] != 0, &out->status);
}

int rpc_do_GI_CREATE(struct sim_host *host, const uint32_t a[RPC_MAX_ARGS], struct rpc_id *out)
{
    struct sim_gpu *gpu = NULL;
    int r = mig_gpu_of(host, a[0], &gpu);
    if (r != NVML_SUCCESS) {
        return r;
    }
    const struct cat_profile *profile = find_profile(gpu->model, RPC_BY_ID, a[1]);
    if (profile == NULL) {
        return NVML_ERROR_INVALID_ARGUMENT;
    }
    struct sim_gi *gi = NULL;
    r = sim_gi_create(host, gpu, profile, a[2], &gi);
    if (r == NVML_SUCCESS) {
        out->id = gi->id;
    }
    return r;
}

int rpc_do_GI_DESTROY(struct sim_host *host, const uint32_t a[RPC_MAX_ARGS],
                      struct rpc_nothing *out)
{
    (void)out;
    struct sim_gpu *gpu = NULL;
    struct sim_gi *gi = NULL;
    int r = gi_of(host, a, &gpu, &gi);
    return r == NVML_SUCCESS ? sim_gi_destroy(host, gpu, gi->id) : r;
}

int rpc_do_CI_CREATE(struct sim_host *host, const uint32_t a[RPC_MAX_ARGS], struct rpc_id *out)
{
    struct sim_gpu *gpu = NULL;
    struct sim_gi *gi = NULL;
    int r = gi_of(host, a, &gpu, &gi);
    if (r != NVML_SUCCESS) {
        return r;
    }
    struct sim_ci *ci = NULL;
    r = sim_ci_create_at(host, gpu, gi, a[2], a[3], &ci);
    if (r == NVML_SUCCESS) {
        out->id = ci->id;
    }
    return r;
}

int rpc_do_CI_DESTROY(struct sim_host *host, const uint32_t a[RPC_MAX_ARGS],
                      struct rpc_nothing *out)
{
    (void)out;
    struct sim_gpu *gpu = NULL;
    struct sim_gi *gi = NULL;
    int r = gi_of(host, a, &gpu, &gi);
    if (r != NVML_SUCCESS) {
        return r;
    }
    return sim_find_ci(gi, a[2]) != NULL ? sim_ci_destroy(host, gpu, gi, a[2])
                                         : NVML_ERROR_INVALID_ARGUMENT;
}
