/* SPDX-License-Identifier: Apache-2.0 */
/* vGPUs that a VM is running with. */
#include <stdio.h>

#include "sim/nvml/reader.h"
#include "sim/rpc/client.h"

/* Ids of the active ones of a board, or of one GPU instance. */
static int list_active(struct ref ref, bool gi_only, uint32_t *ids, uint32_t *count)
{
    struct rpc_vgpus all;
    int r = CALL(VGPUS, &all, ref.gpu);
    uint32_t found[RPC_MAX_VGPUS];
    uint32_t n = 0;
    for (uint32_t i = 0; r == NVML_SUCCESS && i < all.n; i++) {
        if (all.items[i].running && (!gi_only || all.items[i].gi_id == ref.gi)) {
            found[n++] = all.items[i].instance;
        }
    }
    return r == NVML_SUCCESS ? list_out(found, n, ids, count) : r;
}

int32_t nvmlDeviceGetActiveVgpus(struct nvml_device *device, uint32_t *vgpu_count,
                                 uint32_t *vgpu_instances)
{
    struct ref ref;
    int r = board_ref(device, vgpu_count, &ref);
    return r == NVML_SUCCESS ? list_active(ref, false, vgpu_instances, vgpu_count) : r;
}

int32_t nvmlGpuInstanceGetActiveVgpus(struct nvml_gpu_instance *gpu_instance,
                                      struct nvml_active_vgpu_instance_info_v1 *vgpu_instance_info)
{
    struct ref ref;
    struct rpc_instance instance;
    struct nvml_active_vgpu_instance_info_v1 *info = vgpu_instance_info;
    int r = gi_read(gpu_instance, info, &ref, &instance, NULL);
    if (r == NVML_SUCCESS &&
        info->version != NVML_VERSION(struct nvml_active_vgpu_instance_info_v1, 1)) {
        r = NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    return r == NVML_SUCCESS ? list_active(ref, true, info->vgpu_instances, &info->vgpu_count) : r;
}

int32_t nvmlVgpuInstanceGetVmID(uint32_t vgpu_instance, char *vm_id, uint32_t size,
                                uint32_t *vm_id_type)
{
    struct rpc_vgpu vgpu;
    int r = vgpu_read(vgpu_instance, vm_id_type, &vgpu);
    if (r == NVML_SUCCESS) {
        r = text_out(vgpu.vm_uuid, vm_id, size);
    }
    if (r == NVML_SUCCESS) {
        *vm_id_type = NVML_VM_ID_UUID;
    }
    return r;
}

int32_t nvmlVgpuInstanceGetUUID(uint32_t vgpu_instance, char *uuid, uint32_t size)
{
    struct rpc_vgpu vgpu;
    int r = vgpu_read(vgpu_instance, uuid, &vgpu);
    return r == NVML_SUCCESS ? text_out(vgpu.uuid, uuid, size) : r;
}

int32_t nvmlVgpuInstanceGetMdevUUID(uint32_t vgpu_instance, char *mdev_uuid, uint32_t size)
{
    struct rpc_vgpu vgpu;
    int r = vgpu_read(vgpu_instance, mdev_uuid, &vgpu);
    if (r == NVML_SUCCESS && vgpu.mdev_uuid[0] == '\0') {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    return r == NVML_SUCCESS ? text_out(vgpu.mdev_uuid, mdev_uuid, size) : r;
}

/* No driver reports from a simulated guest; one of the host's release is made up. */
int32_t nvmlVgpuInstanceGetVmDriverVersion(uint32_t vgpu_instance, char *version, uint32_t length)
{
    struct rpc_vgpu vgpu;
    struct rpc_host host;
    int r = vgpu_read(vgpu_instance, version, &vgpu);
    if (r == NVML_SUCCESS) {
        r = host_read(version, &host);
    }
    return r == NVML_SUCCESS ? text_out(host.guest_driver, version, length) : r;
}

#define VGPU_GETTER(name, type_name, expression)                                                   \
    int32_t name(uint32_t vgpu_instance, type_name *out)                                           \
    {                                                                                              \
        struct rpc_vgpu vgpu;                                                                      \
        int r = vgpu_read(vgpu_instance, out, &vgpu);                                              \
        if (r == NVML_SUCCESS) {                                                                   \
            *out = (expression);                                                                   \
        }                                                                                          \
        return r;                                                                                  \
    }

VGPU_GETTER(nvmlVgpuInstanceGetType, uint32_t, vgpu.type_id)
VGPU_GETTER(nvmlVgpuInstanceGetGpuInstanceId, uint32_t, vgpu.gi_id)
VGPU_GETTER(nvmlVgpuInstanceGetFbUsage, uint64_t, vgpu.used_mib << 20)
VGPU_GETTER(nvmlVgpuInstanceGetFrameRateLimit, uint32_t, 60)
VGPU_GETTER(nvmlVgpuInstanceGetEncoderCapacity, uint32_t, 100)
VGPU_GETTER(nvmlVgpuInstanceGetAccountingMode, uint32_t, NVML_DISABLED)

/* A vGPU has its board's. */
int32_t nvmlVgpuInstanceGetEccMode(uint32_t vgpu_instance, uint32_t *ecc_mode)
{
    struct rpc_vgpu vgpu;
    struct rpc_gpu gpu;
    int r = vgpu_read(vgpu_instance, ecc_mode, &vgpu);
    if (r == NVML_SUCCESS) {
        r = CALL(GPU, &gpu, vgpu.gpu);
    }
    if (r == NVML_SUCCESS) {
        *ecc_mode = gpu.settings[SIM_SET_ECC_OFF] != 0 ? NVML_DISABLED : NVML_ENABLED;
    }
    return r;
}

int32_t nvmlVgpuInstanceGetPlacementId(uint32_t vgpu_instance,
                                       struct nvml_vgpu_placement_id_v1 *placement)
{
    struct rpc_vgpu vgpu;
    int r = vgpu_read(vgpu_instance, placement, &vgpu);
    if (r == NVML_SUCCESS &&
        placement->version != NVML_VERSION(struct nvml_vgpu_placement_id_v1, 1)) {
        r = NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    if (r == NVML_SUCCESS) {
        placement->placement_id =
            vgpu.placement_id == RPC_NONE ? NVML_NO_PLACEMENT : vgpu.placement_id;
    }
    return r;
}

/* Nothing runs in a simulated vGPU: lists of its sessions and samples are empty. */

int32_t nvmlVgpuInstanceGetEncoderSessions(uint32_t vgpu_instance, uint32_t *session_count,
                                           struct nvml_encoder_session_info *session_info)
{
    (void)session_info;
    struct rpc_vgpu vgpu;
    int r = vgpu_read(vgpu_instance, session_count, &vgpu);
    if (r == NVML_SUCCESS) {
        *session_count = 0;
    }
    return r;
}

int32_t nvmlVgpuInstanceGetEncoderStats(uint32_t vgpu_instance, uint32_t *session_count,
                                        uint32_t *average_fps, uint32_t *average_latency)
{
    struct rpc_vgpu vgpu;
    bool whole = average_fps != NULL && average_latency != NULL;
    int r = vgpu_read(vgpu_instance, whole ? session_count : NULL, &vgpu);
    if (r == NVML_SUCCESS) {
        *session_count = 0;
        *average_fps = 0;
        *average_latency = 0;
    }
    return r;
}

int32_t nvmlVgpuInstanceGetFBCSessions(uint32_t vgpu_instance, uint32_t *session_count,
                                       struct nvml_fbc_session_info *session_info)
{
    (void)session_info;
    struct rpc_vgpu vgpu;
    int r = vgpu_read(vgpu_instance, session_count, &vgpu);
    if (r == NVML_SUCCESS) {
        *session_count = 0;
    }
    return r;
}

int32_t nvmlVgpuInstanceGetFBCStats(uint32_t vgpu_instance, struct nvml_fbc_stats *fbc_stats)
{
    struct rpc_vgpu vgpu;
    int r = vgpu_read(vgpu_instance, fbc_stats, &vgpu);
    if (r == NVML_SUCCESS) {
        *fbc_stats = (struct nvml_fbc_stats){0};
    }
    return r;
}

int32_t nvmlVgpuInstanceGetGpuPciId(uint32_t vgpu_instance, char *vgpu_pci_id, uint32_t *length)
{
    struct rpc_vgpu vgpu;
    int r = vgpu_read(vgpu_instance, length, &vgpu);
    if (r != NVML_SUCCESS) {
        return r;
    }
    char text[32];
    snprintf(text, sizeof(text), "%08X:%02X:%02X.%X", vgpu.domain, vgpu.bus, vgpu.device,
             vgpu.function);
    return text_out_sized(text, vgpu_pci_id, length);
}

int32_t nvmlVgpuInstanceGetAccountingPids(uint32_t vgpu_instance, uint32_t *count, uint32_t *pids)
{
    (void)pids;
    struct rpc_vgpu vgpu;
    int r = vgpu_read(vgpu_instance, count, &vgpu);
    if (r == NVML_SUCCESS) {
        *count = 0;
    }
    return r;
}

int32_t nvmlVgpuInstanceGetAccountingStats(uint32_t vgpu_instance, uint32_t pid,
                                           struct nvml_accounting_stats *stats)
{
    (void)pid;
    struct rpc_vgpu vgpu;
    int r = vgpu_read(vgpu_instance, stats, &vgpu);
    return r == NVML_SUCCESS ? NVML_ERROR_NOT_FOUND : r;
}
