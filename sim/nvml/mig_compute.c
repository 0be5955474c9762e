/* SPDX-License-Identifier: Apache-2.0 */
/* Compute instances, and the MIG devices that they are to everyone else. */
#include <stdio.h>
#include <string.h>

#include "sim/nvml/reader.h"
#include "sim/rpc/client.h"

/* Slices of a compute instance profile inside a GPU instance, 0 if it has no such profile. A GI of
 * 4 slices takes no 3 (`nvidia-smi mig -lcip` of A100 and A30, published dumps). One of double
 * memory has a profile of its own, which -lcip lists (published dump of a GH200), and takes
 * NVML_CI_1_SLICE, too: NVIDIA/go-nvml's A100 has both, and NVIDIA/mig-parted's shipped labels need
 * it. */
static uint32_t ci_slices(const struct rpc_profile *gi, uint32_t number)
{
    static const uint32_t slices[NVML_CI_PROFILE_COUNT] = {
        [NVML_CI_1_SLICE] = 1, [NVML_CI_2_SLICE] = 2,      [NVML_CI_3_SLICE] = 3,
        [NVML_CI_4_SLICE] = 4, [NVML_CI_7_SLICE] = 7,      [NVML_CI_8_SLICE] = 8,
        [NVML_CI_6_SLICE] = 6, [NVML_CI_1_SLICE_REV1] = 1,
    };
    bool double_memory = gi->number == NVML_GI_1_SLICE_REV2;
    if (number >= NVML_CI_PROFILE_COUNT || slices[number] > gi->compute_slices ||
        (number == NVML_CI_1_SLICE_REV1 && !double_memory) ||
        (double_memory && slices[number] != 1)) {
        return 0;
    }
    return gi->compute_slices == 4 && slices[number] == 3 ? 0 : slices[number];
}

static uint32_t free_slices(const struct rpc_instance *instance, const struct rpc_profile *profile)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < instance->n_compute; i++) {
        used += instance->compute[i].size;
    }
    return used < profile->compute_slices ? profile->compute_slices - used : 0;
}

/* ---- profiles ---- */

/* Everything that the three forms of profile information say. */
static int ci_profile(struct nvml_gpu_instance *gpu_instance, uint32_t number, uint32_t engine,
                      const void *out, struct nvml_compute_instance_profile_info_v3 *ret_info)
{
    struct ref ref;
    struct rpc_instance instance;
    struct rpc_profile gi;
    int r = gi_read(gpu_instance, out, &ref, &instance, &gi);
    if (r != NVML_SUCCESS) {
        return r;
    }
    if (number >= NVML_CI_PROFILE_COUNT || engine != NVML_CI_ENGINE_SHARED) {
        return NVML_ERROR_INVALID_ARGUMENT;
    }
    uint32_t slices = ci_slices(&gi, number);
    if (slices == 0) {
        return NVML_ERROR_NOT_SUPPORTED;
    }
    uint32_t sm = ci_multiprocessors(ref, &gi, number, slices);
    *ret_info =
        (struct nvml_compute_instance_profile_info_v3){.id = number,
                                                       .slice_count = slices,
                                                       .instance_count = gi.compute_slices / slices,
                                                       .multiprocessor_count = sm,
                                                       .shared_copy_engine_count = gi.copy_engines,
                                                       .shared_decoder_count = gi.decoders,
                                                       .shared_encoder_count = gi.encoders,
                                                       .shared_jpeg_count = gi.jpeg,
                                                       .shared_ofa_count = gi.ofa,
                                                       .capabilities = gi.gfx};
    char name[sizeof(ret_info->name) - 4];
    ci_name(&gi, slices, name, sizeof(name));
    snprintf(ret_info->name, sizeof(ret_info->name), "MIG %s", name);
    return NVML_SUCCESS;
}

int32_t
nvmlGpuInstanceGetComputeInstanceProfileInfo(struct nvml_gpu_instance *gpu_instance,
                                             uint32_t profile, uint32_t eng_profile,
                                             struct nvml_compute_instance_profile_info *info)
{
    struct nvml_compute_instance_profile_info_v3 all;
    int r = ci_profile(gpu_instance, profile, eng_profile, info, &all);
    if (r == NVML_SUCCESS) {
        *info = (struct nvml_compute_instance_profile_info){
            .id = all.id,
            .slice_count = all.slice_count,
            .instance_count = all.instance_count,
            .multiprocessor_count = all.multiprocessor_count,
            .shared_copy_engine_count = all.shared_copy_engine_count,
            .shared_decoder_count = all.shared_decoder_count,
            .shared_encoder_count = all.shared_encoder_count,
            .shared_jpeg_count = all.shared_jpeg_count,
            .shared_ofa_count = all.shared_ofa_count};
    }
    return r;
}

/* Version 3 is version 2 and one word more. */
int32_t
nvmlGpuInstanceGetComputeInstanceProfileInfoV(struct nvml_gpu_instance *gpu_instance,
                                              uint32_t profile, uint32_t eng_profile,
                                              struct nvml_compute_instance_profile_info_v2 *info)
{
    struct nvml_compute_instance_profile_info_v3 all;
    int r = ci_profile(gpu_instance, profile, eng_profile, info, &all);
    if (r != NVML_SUCCESS) {
        return r;
    }
    all.version = info->version;
    if (all.version == NVML_VERSION(struct nvml_compute_instance_profile_info_v2, 2)) {
        memcpy(info, &all, sizeof(*info));
        return NVML_SUCCESS;
    }
    if (all.version == NVML_VERSION(struct nvml_compute_instance_profile_info_v3, 3)) {
        memcpy((void *)info, &all, sizeof(all));
        return NVML_SUCCESS;
    }
    return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
}

int32_t nvmlGpuInstanceGetComputeInstanceRemainingCapacity(struct nvml_gpu_instance *gpu_instance,
                                                           uint32_t profile_id, uint32_t *count)
{
    struct ref ref;
    struct rpc_instance instance;
    struct rpc_profile gi;
    int r = gi_read(gpu_instance, count, &ref, &instance, &gi);
    if (r != NVML_SUCCESS) {
        return r;
    }
    uint32_t slices = ci_slices(&gi, profile_id);
    if (slices == 0) {
        return NVML_ERROR_NOT_SUPPORTED;
    }
    *count = free_slices(&instance, &gi) / slices;
    return NVML_SUCCESS;
}

int32_t nvmlGpuInstanceGetComputeInstancePossiblePlacements(
    struct nvml_gpu_instance *gpu_instance, uint32_t profile_id,
    struct nvml_compute_instance_placement *placements, uint32_t *count)
{
    struct ref ref;
    struct rpc_instance instance;
    struct rpc_profile gi;
    int r = gi_read(gpu_instance, count, &ref, &instance, &gi);
    if (r != NVML_SUCCESS) {
        return r;
    }
    uint32_t slices = ci_slices(&gi, profile_id);
    if (slices == 0) {
        return NVML_ERROR_NOT_SUPPORTED;
    }
    uint32_t room = *count;
    *count = gi.compute_slices / slices;
    for (uint32_t i = 0; placements != NULL && i < *count && i < room; i++) {
        placements[i] =
            (struct nvml_compute_instance_placement){.start = i * slices, .size = slices};
    }
    return placements != NULL && room < *count ? NVML_ERROR_INSUFFICIENT_SIZE : NVML_SUCCESS;
}

/* ---- instances ---- */

static int create_ci(struct nvml_gpu_instance *gpu_instance, uint32_t profile_id, uint32_t start,
                     struct nvml_compute_instance **compute_instance)
{
    struct ref ref;
    struct rpc_id made;
    int r = session_check();
    if (r == NVML_SUCCESS && (compute_instance == NULL || !handle_is_gi(gpu_instance, &ref))) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r == NVML_SUCCESS) {
        r = CALL(CI_CREATE, &made, ref.gpu, ref.gi, profile_id, start);
    }
    if (r == NVML_SUCCESS) {
        ref.ci = made.id;
        *compute_instance = handle_ci(ref);
    }
    return r;
}

int32_t nvmlGpuInstanceCreateComputeInstance(struct nvml_gpu_instance *gpu_instance,
                                             uint32_t profile_id,
                                             struct nvml_compute_instance **compute_instance)
{
    return create_ci(gpu_instance, profile_id, RPC_NONE, compute_instance);
}

int32_t nvmlGpuInstanceCreateComputeInstanceWithPlacement(
    struct nvml_gpu_instance *gpu_instance, uint32_t profile_id,
    const struct nvml_compute_instance_placement *placement,
    struct nvml_compute_instance **compute_instance)
{
    struct ref ref;
    struct rpc_instance instance;
    struct rpc_profile gi;
    int r = gi_read(gpu_instance, placement, &ref, &instance, &gi);
    if (r != NVML_SUCCESS) {
        return r;
    }
    uint32_t slices = ci_slices(&gi, profile_id);
    if (slices == 0) {
        return NVML_ERROR_NOT_SUPPORTED;
    }
    if (placement->size != slices || placement->start % slices != 0 ||
        placement->start + slices > gi.compute_slices) {
        return NVML_ERROR_INVALID_ARGUMENT;
    }
    return create_ci(gpu_instance, profile_id, placement->start, compute_instance);
}

static int read_ci(const struct nvml_compute_instance *handle, const void *out, struct ref *ret_ref,
                   struct rpc_compute *ret_compute)
{
    struct rpc_instance instance;
    int r = session_check();
    if (r == NVML_SUCCESS && (out == NULL || !handle_is_ci(handle, ret_ref))) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r == NVML_SUCCESS) {
        r = gi_find(*ret_ref, &instance, NULL);
    }
    if (r == NVML_SUCCESS) {
        r = ci_find(&instance, ret_ref->ci, ret_compute);
    }
    return r == NVML_ERROR_NOT_FOUND ? NVML_ERROR_INVALID_ARGUMENT : r;
}

int32_t nvmlComputeInstanceDestroy(struct nvml_compute_instance *compute_instance)
{
    struct ref ref;
    struct rpc_compute compute;
    struct rpc_nothing nothing;
    int r = read_ci(compute_instance, compute_instance, &ref, &compute);
    return r == NVML_SUCCESS ? CALL(CI_DESTROY, &nothing, ref.gpu, ref.gi, ref.ci) : r;
}

int32_t nvmlComputeInstanceGetInfo_v2(struct nvml_compute_instance *compute_instance,
                                      struct nvml_compute_instance_info *info)
{
    struct ref ref;
    struct rpc_compute compute;
    int r = read_ci(compute_instance, info, &ref, &compute);
    if (r == NVML_SUCCESS) {
        struct ref parent = {.gpu = ref.gpu, .gi = RPC_NONE, .ci = RPC_NONE};
        *info = (struct nvml_compute_instance_info){
            .device = handle_device(parent),
            .gpu_instance = handle_gi(ref),
            .id = compute.id,
            .profile_id = compute.profile,
            .placement = {.start = compute.start, .size = compute.size}};
    }
    return r;
}

/* The first form ends before the placement. */
int32_t nvmlComputeInstanceGetInfo(struct nvml_compute_instance *compute_instance,
                                   struct nvml_compute_instance_info *info)
{
    struct nvml_compute_instance_info whole;
    int r = nvmlComputeInstanceGetInfo_v2(compute_instance, info != NULL ? &whole : NULL);
    if (r == NVML_SUCCESS) {
        memcpy((void *)info, &whole, offsetof(struct nvml_compute_instance_info, placement));
    }
    return r;
}

int32_t nvmlGpuInstanceGetComputeInstances(struct nvml_gpu_instance *gpu_instance,
                                           uint32_t profile_id,
                                           struct nvml_compute_instance **compute_instances,
                                           uint32_t *count)
{
    struct ref ref;
    struct rpc_instance instance;
    int r = gi_read(gpu_instance, count, &ref, &instance, NULL);
    if (r == NVML_SUCCESS && compute_instances == NULL) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r != NVML_SUCCESS) {
        return r;
    }
    *count = 0;
    for (uint32_t i = 0; i < instance.n_compute; i++) {
        if (instance.compute[i].profile == profile_id) {
            ref.ci = instance.compute[i].id;
            compute_instances[(*count)++] = handle_ci(ref);
        }
    }
    return NVML_SUCCESS;
}

int32_t nvmlGpuInstanceGetComputeInstanceById(struct nvml_gpu_instance *gpu_instance, uint32_t id,
                                              struct nvml_compute_instance **compute_instance)
{
    struct ref ref;
    struct rpc_instance instance;
    struct rpc_compute compute;
    int r = gi_read(gpu_instance, compute_instance, &ref, &instance, NULL);
    if (r == NVML_SUCCESS) {
        r = ci_find(&instance, id, &compute);
    }
    if (r == NVML_SUCCESS) {
        ref.ci = id;
        *compute_instance = handle_ci(ref);
    }
    return r;
}

/* ---- MIG devices ---- */

int32_t nvmlDeviceGetMaxMigDeviceCount(struct nvml_device *device, uint32_t *count)
{
    struct rpc_gpu gpu;
    int r = device_read(device, count, &gpu);
    if (r == NVML_SUCCESS) {
        *count = gpu.mig_current ? gpu.max_instances : 0;
    }
    return r;
}

int32_t nvmlDeviceGetMigDeviceHandleByIndex(struct nvml_device *device, uint32_t index,
                                            struct nvml_device **mig_device)
{
    struct ref ref;
    struct rpc_gpu gpu;
    struct rpc_instances all;
    int r = board_ref(device, mig_device, &ref);
    if (r == NVML_SUCCESS) {
        r = CALL(GPU, &gpu, ref.gpu);
    }
    if (r == NVML_SUCCESS && (!gpu.mig_current || index >= gpu.max_instances)) {
        r = gpu.mig_current ? NVML_ERROR_INVALID_ARGUMENT : NVML_ERROR_NOT_FOUND;
    }
    if (r == NVML_SUCCESS) {
        r = CALL(INSTANCES, &all, ref.gpu);
    }
    uint32_t seen = 0;
    for (uint32_t i = 0; r == NVML_SUCCESS && i < all.n; i++) {
        uint32_t n = all.items[i].n_compute;
        if (index < seen + n) {
            ref.gi = all.items[i].id;
            ref.ci = all.items[i].compute[index - seen].id;
            *mig_device = handle_device(ref);
            return NVML_SUCCESS;
        }
        seen += n;
    }
    return r == NVML_SUCCESS ? NVML_ERROR_NOT_FOUND : r;
}

int32_t nvmlDeviceIsMigDeviceHandle(struct nvml_device *device, uint32_t *is_mig_device)
{
    struct ref ref;
    int r = device_ref(device, is_mig_device, &ref);
    if (r == NVML_SUCCESS) {
        *is_mig_device = ref.gi != RPC_NONE;
    }
    return r;
}

static int mig_ref(const struct nvml_device *device, const void *out, struct ref *ret_ref)
{
    int r = device_ref(device, out, ret_ref);
    return r == NVML_SUCCESS && ret_ref->gi == RPC_NONE ? NVML_ERROR_INVALID_ARGUMENT : r;
}

int32_t nvmlDeviceGetGpuInstanceId(struct nvml_device *device, uint32_t *id)
{
    struct ref ref;
    int r = mig_ref(device, id, &ref);
    if (r == NVML_SUCCESS) {
        *id = ref.gi;
    }
    return r;
}

int32_t nvmlDeviceGetComputeInstanceId(struct nvml_device *device, uint32_t *id)
{
    struct ref ref;
    int r = mig_ref(device, id, &ref);
    if (r == NVML_SUCCESS) {
        *id = ref.ci;
    }
    return r;
}

int32_t nvmlDeviceGetDeviceHandleFromMigDeviceHandle(struct nvml_device *mig_device,
                                                     struct nvml_device **device)
{
    struct ref ref;
    int r = mig_ref(mig_device, device, &ref);
    if (r == NVML_SUCCESS) {
        *device = handle_device((struct ref){.gpu = ref.gpu, .gi = RPC_NONE, .ci = RPC_NONE});
    }
    return r;
}
