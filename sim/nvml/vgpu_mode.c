/* SPDX-License-Identifier: Apache-2.0 */
/* What a board can do as a vGPU host, and mixed sizes. */
#include <string.h>

#include "sim/nvml/reader.h"
#include "sim/rpc/client.h"

/* Drivers that first knew a capability (NVML API reference, change log). */
#define BRANCH_WARM_UPDATE 560u
#define BRANCH_HOMOGENEOUS 570u
#define BRANCH_MIG_TIMESLICING 575u

int vgpu_board_read(struct nvml_device *device, const void *out, struct rpc_gpu *ret_gpu)
{
    int r = device_read(device, out, ret_gpu);
    return r == NVML_SUCCESS && !ret_gpu->vgpu_host ? NVML_ERROR_NOT_SUPPORTED : r;
}

/* ---- capabilities ---- */

static uint32_t capability_value(const struct rpc_gpu *gpu, enum nvml_device_vgpu_cap capability)
{
    switch (capability) {
    case NVML_DEVICE_VGPU_FRACTIONAL_MULTI_VGPU:
    case NVML_DEVICE_VGPU_HETEROGENEOUS_PROFILES:
        return 1;
    case NVML_DEVICE_VGPU_HETEROGENEOUS_SIZES:
        return gpu->mixed_capable;
    case NVML_DEVICE_VGPU_MINI_QUARTER:
        return gpu->has_double_memory;
    case NVML_DEVICE_VGPU_COMPUTE_MEDIA_ENGINE:
        return gpu->has_me_profiles;
    case NVML_DEVICE_VGPU_HOMOGENEOUS_PLACEMENTS:
        return gpu->arch >= NVML_ARCH_BLACKWELL;
    case NVML_DEVICE_VGPU_MIG_TIMESLICING_SUPPORTED:
        return gpu->timesliced_mig_capable;
    case NVML_DEVICE_VGPU_MIG_TIMESLICING_ENABLED:
        return gpu->timesliced_mig_enabled;
    case NVML_DEVICE_VGPU_READ_BUFFER_BW:
    case NVML_DEVICE_VGPU_WRITE_BUFFER_BW:
    case NVML_DEVICE_VGPU_STREAMING:
    case NVML_DEVICE_VGPU_WARM_UPDATE:
    case NVML_DEVICE_VGPU_CAP_COUNT:
        return 0;
    }
    return 0;
}

static bool driver_knows(uint32_t capability)
{
    uint32_t branch = session_branch();
    if (capability >= NVML_DEVICE_VGPU_MIG_TIMESLICING_SUPPORTED) {
        return branch >= BRANCH_MIG_TIMESLICING && capability < NVML_DEVICE_VGPU_CAP_COUNT;
    }
    if (capability == NVML_DEVICE_VGPU_HOMOGENEOUS_PLACEMENTS) {
        return branch >= BRANCH_HOMOGENEOUS;
    }
    return capability != NVML_DEVICE_VGPU_WARM_UPDATE || branch >= BRANCH_WARM_UPDATE;
}

int32_t nvmlDeviceGetVgpuCapabilities(struct nvml_device *device, uint32_t capability,
                                      uint32_t *cap_result)
{
    struct rpc_gpu gpu;
    int r = vgpu_board_read(device, cap_result, &gpu);
    if (r == NVML_SUCCESS && !driver_knows(capability)) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r == NVML_SUCCESS) {
        *cap_result = capability_value(&gpu, capability);
    }
    return r;
}

int32_t nvmlGetVgpuDriverCapabilities(uint32_t capability, uint32_t *cap_result)
{
    struct rpc_host host;
    int r = host_read(cap_result, &host);
    if (r == NVML_SUCCESS && !host.vgpu_host) {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    if (r == NVML_SUCCESS && capability >= NVML_VGPU_DRIVER_CAP_COUNT) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r == NVML_SUCCESS) {
        *cap_result = capability == NVML_VGPU_DRIVER_HETEROGENEOUS_MULTI_VGPU;
    }
    return r;
}

DEVICE_GETTER(nvmlDeviceGetVirtualizationMode, uint32_t,
              gpu.vgpu_host ? NVML_VIRTUALIZATION_HOST_VGPU : NVML_VIRTUALIZATION_NONE)

int32_t nvmlDeviceGetHostVgpuMode(struct nvml_device *device, uint32_t *host_vgpu_mode)
{
    struct rpc_gpu gpu;
    int r = vgpu_board_read(device, host_vgpu_mode, &gpu);
    if (r == NVML_SUCCESS) {
        *host_vgpu_mode = gpu.sriov ? NVML_HOST_VGPU_SRIOV : NVML_HOST_VGPU_NON_SRIOV;
    }
    return r;
}

/* ---- mixed sizes ---- */

static int check_mode(int r, const struct nvml_vgpu_heterogeneous_mode_v1 *mode)
{
    if (r == NVML_SUCCESS &&
        mode->version != NVML_VERSION(struct nvml_vgpu_heterogeneous_mode_v1, 1)) {
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    return r;
}

int32_t
nvmlDeviceGetVgpuHeterogeneousMode(struct nvml_device *device,
                                   struct nvml_vgpu_heterogeneous_mode_v1 *heterogeneous_mode)
{
    struct rpc_gpu gpu;
    int r = check_mode(vgpu_board_read(device, heterogeneous_mode, &gpu), heterogeneous_mode);
    if (r == NVML_SUCCESS && (gpu.mig_current || !gpu.mixed_capable)) {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    if (r == NVML_SUCCESS) {
        heterogeneous_mode->mode = gpu.mixed;
    }
    return r;
}

int32_t
nvmlDeviceSetVgpuHeterogeneousMode(struct nvml_device *device,
                                   const struct nvml_vgpu_heterogeneous_mode_v1 *heterogeneous_mode)
{
    struct ref ref;
    struct rpc_nothing nothing;
    int r = check_mode(board_ref(device, heterogeneous_mode, &ref), heterogeneous_mode);
    if (r == NVML_SUCCESS && heterogeneous_mode->mode > NVML_ENABLED) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    return r == NVML_SUCCESS
               ? CALL(SET_MIXED, &nothing, ref.gpu, RPC_NONE, heterogeneous_mode->mode)
               : r;
}

int32_t
nvmlGpuInstanceGetVgpuHeterogeneousMode(struct nvml_gpu_instance *gpu_instance,
                                        struct nvml_vgpu_heterogeneous_mode_v1 *heterogeneous_mode)
{
    struct ref ref;
    struct rpc_instance instance;
    int r = check_mode(gi_read(gpu_instance, heterogeneous_mode, &ref, &instance, NULL),
                       heterogeneous_mode);
    if (r == NVML_SUCCESS) {
        heterogeneous_mode->mode = instance.mixed;
    }
    return r;
}

int32_t nvmlGpuInstanceSetVgpuHeterogeneousMode(
    struct nvml_gpu_instance *gpu_instance,
    const struct nvml_vgpu_heterogeneous_mode_v1 *heterogeneous_mode)
{
    struct ref ref;
    struct rpc_instance instance;
    struct rpc_nothing nothing;
    int r = check_mode(gi_read(gpu_instance, heterogeneous_mode, &ref, &instance, NULL),
                       heterogeneous_mode);
    if (r == NVML_SUCCESS && heterogeneous_mode->mode > NVML_ENABLED) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    return r == NVML_SUCCESS ? CALL(SET_MIXED, &nothing, ref.gpu, ref.gi, heterogeneous_mode->mode)
                             : r;
}
