/* SPDX-License-Identifier: Apache-2.0 */
/* What the running vGPUs of a board use of it, and licences of the board itself. */
#include <string.h>
#include <time.h>

#include "sim/nvml/reader.h"
#include "sim/rpc/client.h"

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* nvml.h: not with MIG. */
static int read_running(struct nvml_device *device, const void *out, struct rpc_vgpus *ret_running)
{
    struct rpc_gpu gpu;
    struct ref ref;
    struct rpc_vgpus all;
    int r = vgpu_board_read(device, out, &gpu);
    if (r == NVML_SUCCESS && gpu.mig_current) {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    if (r == NVML_SUCCESS) {
        r = board_ref(device, out, &ref);
    }
    if (r == NVML_SUCCESS) {
        r = CALL(VGPUS, &all, ref.gpu);
    }
    ret_running->n = 0;
    for (uint32_t i = 0; r == NVML_SUCCESS && i < all.n; i++) {
        if (all.items[i].running) {
            ret_running->items[ret_running->n++] = all.items[i];
        }
    }
    return r;
}

/* The common end of a list: how many there are, and whether they fit. No one newer than the last
 * seen is NOT_FOUND. */
static int fit(uint64_t last_seen, uint64_t now, uint32_t n, const void *buf, uint32_t *count)
{
    uint32_t room = buf != NULL ? *count : 0;
    if (n == 0 || last_seen >= now) {
        *count = 0;
        return n == 0 ? NVML_SUCCESS : NVML_ERROR_NOT_FOUND;
    }
    *count = n;
    return room < n ? NVML_ERROR_INSUFFICIENT_SIZE : NVML_SUCCESS;
}

int32_t nvmlDeviceGetVgpuUtilization(struct nvml_device *device, uint64_t last_seen_time_stamp,
                                     uint32_t *sample_val_type,
                                     uint32_t *vgpu_instance_samples_count,
                                     struct nvml_vgpu_instance_utilization_sample *samples)
{
    struct rpc_vgpus running;
    int r = read_running(device, sample_val_type != NULL ? vgpu_instance_samples_count : NULL,
                         &running);
    uint64_t now = now_us();
    if (r == NVML_SUCCESS) {
        *sample_val_type = NVML_VALUE_U32;
        r = fit(last_seen_time_stamp, now, running.n, samples, vgpu_instance_samples_count);
    }
    for (uint32_t i = 0; r == NVML_SUCCESS && i < *vgpu_instance_samples_count; i++) {
        const struct rpc_vgpu *vgpu = &running.items[i];
        samples[i] =
            (struct nvml_vgpu_instance_utilization_sample){.vgpu_instance = vgpu->instance,
                                                           .time_stamp = now,
                                                           .sm_util.u32 = vgpu->usage.sm,
                                                           .mem_util.u32 = vgpu->usage.memory,
                                                           .enc_util.u32 = vgpu->usage.encoder,
                                                           .dec_util.u32 = vgpu->usage.decoder};
    }
    return r;
}

int32_t
nvmlDeviceGetVgpuInstancesUtilizationInfo(struct nvml_device *device,
                                          struct nvml_vgpu_instances_utilization_info_v1 *info)
{
    struct rpc_vgpus running;
    int r = read_running(device, info, &running);
    if (r == NVML_SUCCESS &&
        info->version != NVML_VERSION(struct nvml_vgpu_instances_utilization_info_v1, 1)) {
        r = NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    uint64_t now = now_us();
    if (r == NVML_SUCCESS) {
        info->sample_val_type = NVML_VALUE_U32;
        r = fit(info->last_seen_time_stamp, now, running.n, info->vgpu_util_array,
                &info->vgpu_instance_count);
    }
    for (uint32_t i = 0; r == NVML_SUCCESS && i < info->vgpu_instance_count; i++) {
        const struct rpc_vgpu *vgpu = &running.items[i];
        info->vgpu_util_array[i] =
            (struct nvml_vgpu_instance_utilization_info_v1){.time_stamp = now,
                                                            .vgpu_instance = vgpu->instance,
                                                            .sm_util.u32 = vgpu->usage.sm,
                                                            .mem_util.u32 = vgpu->usage.memory,
                                                            .enc_util.u32 = vgpu->usage.encoder,
                                                            .dec_util.u32 = vgpu->usage.decoder,
                                                            .jpg_util.u32 = vgpu->usage.jpeg,
                                                            .ofa_util.u32 = vgpu->usage.ofa};
    }
    return r;
}

/* Processes inside the guests: none are simulated. */
int32_t nvmlDeviceGetVgpuProcessUtilization(struct nvml_device *device,
                                            uint64_t last_seen_time_stamp,
                                            uint32_t *vgpu_process_samples_count,
                                            struct nvml_vgpu_process_utilization_sample *samples)
{
    (void)last_seen_time_stamp;
    (void)samples;
    struct rpc_vgpus running;
    int r = read_running(device, vgpu_process_samples_count, &running);
    if (r == NVML_SUCCESS) {
        *vgpu_process_samples_count = 0;
    }
    return r;
}

int32_t
nvmlDeviceGetVgpuProcessesUtilizationInfo(struct nvml_device *device,
                                          struct nvml_vgpu_processes_utilization_info_v1 *info)
{
    struct rpc_vgpus running;
    int r = read_running(device, info, &running);
    if (r == NVML_SUCCESS &&
        info->version != NVML_VERSION(struct nvml_vgpu_processes_utilization_info_v1, 1)) {
        r = NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    if (r == NVML_SUCCESS) {
        info->vgpu_process_count = 0;
    }
    return r;
}

/* A vGPU host needs no licence itself: its guests do. */
int32_t nvmlDeviceGetGridLicensableFeatures_v4(struct nvml_device *device,
                                               struct nvml_grid_licensable_features *features)
{
    struct rpc_gpu gpu;
    int r = device_read(device, features, &gpu);
    if (r == NVML_SUCCESS) {
        memset(features, 0, sizeof(*features));
    }
    return r;
}
