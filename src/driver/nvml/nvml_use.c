/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/nvml/nvml_use.h"

#include "base/str.h"

#define MAX_SAMPLES 256

/* The samples of the driver's latest period; nvml.h, nvmlDeviceGetVgpuUtilization. */
static uint32_t read_samples(const struct nvml_gpu *handle,
                             struct nvml_vgpu_instance_utilization_sample samples[MAX_SAMPLES])
{
    const struct nvml *nvml = handle->nvml;
    uint32_t kind = 0;
    uint32_t n = MAX_SAMPLES;
    if (nvml->nvmlDeviceGetVgpuUtilization == NULL ||
        nvml->nvmlDeviceGetVgpuUtilization(handle->device, 0, &kind, &n, samples) != NVML_SUCCESS ||
        kind != NVML_VALUE_U32 || n > MAX_SAMPLES) {
        return 0;
    }
    return n;
}

bool nvml_use_name(const struct nvml *nvml, uint32_t instance, struct nvml_vgpu_name *ret_name)
{
    char uuid[80] = "";
    char mdev[80] = "";
    uint32_t kind = NVML_VM_ID_DOMAIN;
    struct nvml_vgpu_name name = {.type_id = NO_ID};
    if (nvml->nvmlVgpuInstanceGetVmID == NULL ||
        nvml->nvmlVgpuInstanceGetVmID(instance, uuid, sizeof(uuid), &kind) != NVML_SUCCESS ||
        kind != NVML_VM_ID_UUID) {
        return false;
    }
    NVML_COPY(name.vm_uuid, uuid);
    if (nvml->nvmlVgpuInstanceGetMdevUUID != NULL &&
        nvml->nvmlVgpuInstanceGetMdevUUID(instance, mdev, sizeof(mdev)) == NVML_SUCCESS) {
        NVML_COPY(name.mdev_uuid, mdev);
    }
    if (nvml->nvmlVgpuInstanceGetType != NULL &&
        nvml->nvmlVgpuInstanceGetType(instance, &name.type_id) != NVML_SUCCESS) {
        name.type_id = NO_ID;
    }
    *ret_name = name;
    return true;
}

/* Is there a later sample of the same vGPU? */
static bool is_older(const struct nvml_vgpu_instance_utilization_sample *samples, uint32_t n,
                     uint32_t at)
{
    for (uint32_t i = 0; i < n; i++) {
        bool later = samples[i].time_stamp > samples[at].time_stamp ||
                     (samples[i].time_stamp == samples[at].time_stamp && i > at);
        if (samples[i].vgpu_instance == samples[at].vgpu_instance && later) {
            return true;
        }
    }
    return false;
}

void nvml_use_read(const struct nvml_gpu *handle, struct gpu *gpu)
{
    struct nvml_vgpu_instance_utilization_sample samples[MAX_SAMPLES];
    uint32_t n =
        gpu->vgpus_running > 0 && gpu->vgpus_running != NO_ID ? read_samples(handle, samples) : 0;
    for (uint32_t i = 0; i < n; i++) {
        struct nvml_vgpu_name name;
        uint32_t percent = samples[i].sm_util.u32;
        if (percent <= 100 && !is_older(samples, n, i) &&
            nvml_use_name(handle->nvml, samples[i].vgpu_instance, &name)) {
            struct vgpu_use *use = vec_push(&gpu->uses);
            *use = (struct vgpu_use){.percent = percent, .type_id = name.type_id};
            STR_SET(use->vm_uuid, name.vm_uuid);
            STR_SET(use->mdev_uuid, name.mdev_uuid);
        }
    }
}
