/* SPDX-License-Identifier: Apache-2.0 */
/* MIG mode, GPU instance profiles and GPU instances. */
#include <stdio.h>
#include <string.h>

#include "sim/nvml/reader.h"
#include "sim/rpc/client.h"

int32_t nvmlDeviceGetMigMode(struct nvml_device *device, uint32_t *current_mode,
                             uint32_t *pending_mode)
{
    struct rpc_gpu gpu;
    int r = device_read(device, pending_mode != NULL ? current_mode : NULL, &gpu);
    if (r == NVML_SUCCESS && !gpu.mig_capable) {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    if (r == NVML_SUCCESS) {
        *current_mode = gpu.mig_current;
        *pending_mode = gpu.mig_pending;
    }
    return r;
}

int32_t nvmlDeviceSetMigMode(struct nvml_device *device, uint32_t mode, int32_t *activation_status)
{
    struct ref ref;
    struct rpc_activation activation;
    int r = board_ref(device, activation_status, &ref);
    if (r == NVML_SUCCESS && mode > NVML_ENABLED) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r == NVML_SUCCESS) {
        r = CALL(SET_MIG, &activation, ref.gpu, mode);
    }
    if (r == NVML_SUCCESS) {
        *activation_status = activation.status;
    }
    return r;
}

/* ---- profiles ---- */

static int read_profile(struct nvml_device *device, enum rpc_key key, uint32_t number,
                        const void *out, struct rpc_profile *ret_profile)
{
    struct ref ref;
    int r = board_ref(device, out, &ref);
    return r == NVML_SUCCESS ? CALL(PROFILE, ret_profile, ref.gpu, key, number) : r;
}

int32_t nvmlDeviceGetGpuInstanceProfileInfo(struct nvml_device *device, uint32_t profile,
                                            struct nvml_gpu_instance_profile_info *info)
{
    struct rpc_profile p;
    int r = read_profile(device, RPC_BY_NUMBER, profile, info, &p);
    if (r == NVML_SUCCESS) {
        *info = (struct nvml_gpu_instance_profile_info){.id = p.id,
                                                        .slice_count = p.compute_slices,
                                                        .instance_count = p.max_instances,
                                                        .multiprocessor_count = p.sm,
                                                        .copy_engine_count = p.copy_engines,
                                                        .decoder_count = p.decoders,
                                                        .encoder_count = p.encoders,
                                                        .jpeg_count = p.jpeg,
                                                        .ofa_count = p.ofa,
                                                        .memory_size_mb = p.memory_mib};
    }
    return r;
}

static void fill_v2(const struct rpc_profile *p, struct nvml_gpu_instance_profile_info_v2 *out)
{
    *out = (struct nvml_gpu_instance_profile_info_v2){.version = out->version,
                                                      .id = p->id,
                                                      .slice_count = p->compute_slices,
                                                      .instance_count = p->max_instances,
                                                      .multiprocessor_count = p->sm,
                                                      .copy_engine_count = p->copy_engines,
                                                      .decoder_count = p->decoders,
                                                      .encoder_count = p->encoders,
                                                      .jpeg_count = p->jpeg,
                                                      .ofa_count = p->ofa,
                                                      .memory_size_mb = p->memory_mib};
    snprintf(out->name, sizeof(out->name), "MIG %s", p->name);
}

static void fill_v3(const struct rpc_profile *p, struct nvml_gpu_instance_profile_info_v3 *out)
{
    *out = (struct nvml_gpu_instance_profile_info_v3){.version = out->version,
                                                      .id = p->id,
                                                      .slice_count = p->compute_slices,
                                                      .instance_count = p->max_instances,
                                                      .multiprocessor_count = p->sm,
                                                      .copy_engine_count = p->copy_engines,
                                                      .decoder_count = p->decoders,
                                                      .encoder_count = p->encoders,
                                                      .jpeg_count = p->jpeg,
                                                      .ofa_count = p->ofa,
                                                      .memory_size_mb = p->memory_mib,
                                                      .capabilities = p->gfx ? NVML_GI_CAP_GFX : 0};
    snprintf(out->name, sizeof(out->name), "MIG %s", p->name);
}

/* The caller's version word picks the layout: both have one size, so v2's type carries either. */
static int profile_v(struct nvml_device *device, enum rpc_key key, uint32_t number,
                     struct nvml_gpu_instance_profile_info_v2 *info)
{
    struct rpc_profile profile;
    int r = session_check();
    if (r != NVML_SUCCESS || info == NULL) {
        return r != NVML_SUCCESS ? r : NVML_ERROR_INVALID_ARGUMENT;
    }
    bool v2 = info->version == NVML_VERSION(struct nvml_gpu_instance_profile_info_v2, 2);
    bool v3 = info->version == NVML_VERSION(struct nvml_gpu_instance_profile_info_v3, 3);
    if (!v2 && !v3) {
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    r = read_profile(device, key, number, info, &profile);
    if (r == NVML_SUCCESS && v2) {
        fill_v2(&profile, info);
    }
    if (r == NVML_SUCCESS && v3) {
        fill_v3(&profile, (struct nvml_gpu_instance_profile_info_v3 *)(void *)info);
    }
    return r;
}

int32_t nvmlDeviceGetGpuInstanceProfileInfoV(struct nvml_device *device, uint32_t profile,
                                             struct nvml_gpu_instance_profile_info_v2 *info)
{
    return profile_v(device, RPC_BY_NUMBER, profile, info);
}

int32_t nvmlDeviceGetGpuInstanceProfileInfoByIdV(struct nvml_device *device, uint32_t profile_id,
                                                 struct nvml_gpu_instance_profile_info_v2 *info)
{
    return profile_v(device, RPC_BY_ID, profile_id, info);
}

/* All of them, whatever stands on the GPU now; the count alone when `placements` is NULL. */
int32_t
nvmlDeviceGetGpuInstancePossiblePlacements_v2(struct nvml_device *device, uint32_t profile_id,
                                              struct nvml_gpu_instance_placement *placements,
                                              uint32_t *count)
{
    struct rpc_profile profile;
    int r = read_profile(device, RPC_BY_ID, profile_id, count, &profile);
    if (r != NVML_SUCCESS) {
        return r;
    }
    uint32_t room = *count;
    *count = profile.n_placements;
    if (placements == NULL) {
        return NVML_SUCCESS;
    }
    if (room < profile.n_placements) {
        return NVML_ERROR_INSUFFICIENT_SIZE;
    }
    for (uint32_t i = 0; i < profile.n_placements; i++) {
        placements[i] = (struct nvml_gpu_instance_placement){.start = profile.placements[i].start,
                                                             .size = profile.placements[i].size};
    }
    return NVML_SUCCESS;
}

int32_t nvmlDeviceGetGpuInstancePossiblePlacements(struct nvml_device *device, uint32_t profile_id,
                                                   struct nvml_gpu_instance_placement *placements,
                                                   uint32_t *count)
{
    return nvmlDeviceGetGpuInstancePossiblePlacements_v2(device, profile_id, placements, count);
}

/* With MIG off, too, though nvml.h says otherwise: nvidia-smi mig -lgip of an H100 under driver 580
 * lists all as free (starkdrift/prickle-exporter, testdata/h100-default-20260729). Boards whose
 * mode changes by a reset have none before that: public outputs of A100s without instances say 0/7.
 */
int32_t nvmlDeviceGetGpuInstanceRemainingCapacity(struct nvml_device *device, uint32_t profile_id,
                                                  uint32_t *count)
{
    struct rpc_profile profile;
    int r = read_profile(device, RPC_BY_ID, profile_id, count, &profile);
    if (r == NVML_SUCCESS) {
        *count = profile.remaining;
    }
    return r;
}

/* ---- instances ---- */

static int create(struct nvml_device *device, uint32_t profile_id, uint32_t start,
                  struct nvml_gpu_instance **gpu_instance)
{
    struct ref ref;
    struct rpc_id made;
    int r = board_ref(device, gpu_instance, &ref);
    if (r == NVML_SUCCESS) {
        r = CALL(GI_CREATE, &made, ref.gpu, profile_id, start);
    }
    if (r == NVML_SUCCESS) {
        *gpu_instance = handle_gi((struct ref){.gpu = ref.gpu, .gi = made.id, .ci = RPC_NONE});
    }
    return r;
}

int32_t nvmlDeviceCreateGpuInstance(struct nvml_device *device, uint32_t profile_id,
                                    struct nvml_gpu_instance **gpu_instance)
{
    return create(device, profile_id, RPC_NONE, gpu_instance);
}

int32_t
nvmlDeviceCreateGpuInstanceWithPlacement(struct nvml_device *device, uint32_t profile_id,
                                         const struct nvml_gpu_instance_placement *placement,
                                         struct nvml_gpu_instance **gpu_instance)
{
    struct rpc_profile profile;
    int r = read_profile(device, RPC_BY_ID, profile_id, placement, &profile);
    for (uint32_t i = 0; r == NVML_SUCCESS && i < profile.n_placements; i++) {
        if (profile.placements[i].start == placement->start &&
            profile.placements[i].size == placement->size) {
            return create(device, profile_id, placement->start, gpu_instance);
        }
    }
    return r == NVML_SUCCESS ? NVML_ERROR_INVALID_ARGUMENT : r;
}

int32_t nvmlDeviceGetGpuInstances(struct nvml_device *device, uint32_t profile_id,
                                  struct nvml_gpu_instance **gpu_instances, uint32_t *count)
{
    struct ref ref;
    struct rpc_instances all;
    int r = board_ref(device, count, &ref);
    if (r == NVML_SUCCESS && gpu_instances == NULL) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r == NVML_SUCCESS) {
        r = CALL(INSTANCES, &all, ref.gpu);
    }
    if (r != NVML_SUCCESS) {
        return r;
    }
    *count = 0;
    for (uint32_t i = 0; i < all.n; i++) {
        if (all.items[i].profile_id == profile_id) {
            gpu_instances[(*count)++] =
                handle_gi((struct ref){.gpu = ref.gpu, .gi = all.items[i].id, .ci = RPC_NONE});
        }
    }
    return NVML_SUCCESS;
}

int32_t nvmlDeviceGetGpuInstanceById(struct nvml_device *device, uint32_t id,
                                     struct nvml_gpu_instance **gpu_instance)
{
    struct ref ref;
    struct rpc_instance instance;
    int r = board_ref(device, gpu_instance, &ref);
    if (r != NVML_SUCCESS) {
        return r;
    }
    ref.gi = id;
    r = gi_find(ref, &instance, NULL);
    if (r == NVML_SUCCESS) {
        *gpu_instance = handle_gi(ref);
    }
    return r;
}

int32_t nvmlGpuInstanceDestroy(struct nvml_gpu_instance *gpu_instance)
{
    struct ref ref;
    struct rpc_nothing nothing;
    int r = session_check();
    if (r == NVML_SUCCESS && !handle_is_gi(gpu_instance, &ref)) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    return r == NVML_SUCCESS ? CALL(GI_DESTROY, &nothing, ref.gpu, ref.gi) : r;
}

int32_t nvmlGpuInstanceGetInfo(struct nvml_gpu_instance *gpu_instance,
                               struct nvml_gpu_instance_info *info)
{
    struct ref ref;
    struct rpc_instance instance;
    int r = gi_read(gpu_instance, info, &ref, &instance, NULL);
    if (r == NVML_SUCCESS) {
        struct ref parent = {.gpu = ref.gpu, .gi = RPC_NONE, .ci = RPC_NONE};
        *info = (struct nvml_gpu_instance_info){
            .device = handle_device(parent),
            .id = instance.id,
            .profile_id = instance.profile_id,
            .placement = {.start = instance.placement.start, .size = instance.placement.size}};
    }
    return r;
}
