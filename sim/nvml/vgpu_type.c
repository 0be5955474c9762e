/* SPDX-License-Identifier: Apache-2.0 */
/* vGPU types: which there are, what they are, and where they may be placed. */
#include <stdio.h>
#include <string.h>

#include "sim/nvml/reader.h"
#include "sim/rpc/client.h"

#define MIB (1024ull * 1024ull)

/* ---- which there are ---- */

static int list_types(struct nvml_device *device, enum rpc_types_kind kind, uint32_t *count,
                      uint32_t *ids)
{
    struct ref ref;
    struct rpc_types types;
    int r = board_ref(device, count, &ref);
    if (r == NVML_SUCCESS) {
        r = CALL(TYPES, &types, ref.gpu, kind, RPC_NONE);
    }
    return r == NVML_SUCCESS ? list_out(types.ids, types.n, ids, count) : r;
}

int32_t nvmlDeviceGetSupportedVgpus(struct nvml_device *device, uint32_t *vgpu_count,
                                    uint32_t *vgpu_type_ids)
{
    return list_types(device, RPC_SUPPORTED, vgpu_count, vgpu_type_ids);
}

int32_t nvmlDeviceGetCreatableVgpus(struct nvml_device *device, uint32_t *vgpu_count,
                                    uint32_t *vgpu_type_ids)
{
    return list_types(device, RPC_CREATABLE, vgpu_count, vgpu_type_ids);
}

int32_t nvmlGpuInstanceGetCreatableVgpus(struct nvml_gpu_instance *gpu_instance,
                                         struct nvml_vgpu_type_id_info_v1 *vgpus)
{
    struct ref ref;
    struct rpc_instance instance;
    struct rpc_types types;
    int r = gi_read(gpu_instance, vgpus, &ref, &instance, NULL);
    if (r == NVML_SUCCESS && vgpus->version != NVML_VERSION(struct nvml_vgpu_type_id_info_v1, 1)) {
        r = NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    if (r == NVML_SUCCESS) {
        r = CALL(TYPES, &types, ref.gpu, RPC_CREATABLE, ref.gi);
    }
    return r == NVML_SUCCESS
               ? list_out(types.ids, types.n, vgpus->vgpu_type_ids, &vgpus->vgpu_count)
               : r;
}

/* ---- what they are ---- */

/* X(series, class, licences): the driver's own words for each series (published vgpuConfig.xml). */
#define SERIES_MAP(X)                                                                              \
    X('A', "NVS", "GRID-Virtual-Apps,3.0")                                                         \
    X('B', "NVS", "GRID-Virtual-PC,2.0;Quadro-Virtual-DWS,5.0;GRID-Virtual-WS,2.0")                \
    X('C', "Compute", "NVIDIA-vComputeServer,9.0;Quadro-Virtual-DWS,5.0")                          \
    X('Q', "Quadro", "Quadro-Virtual-DWS,5.0;GRID-Virtual-WS,2.0;GRID-Virtual-WS-Ext,2.0")

struct series {
    char letter;
    const char *class;
    const char *licences;
};

static const struct series *series_of(const struct rpc_type *type)
{
    static const struct series known[] = {
#define X(letter, class, licences) {letter, class, licences},
        SERIES_MAP(X)
#undef X
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].letter == type->series) {
            return &known[i];
        }
    }
    return &known[0];
}

int32_t nvmlVgpuTypeGetName(uint32_t vgpu_type_id, char *vgpu_type_name, uint32_t *size)
{
    struct rpc_type type;
    int r = type_read(vgpu_type_id, size, &type);
    return r == NVML_SUCCESS ? text_out_sized(type.name, vgpu_type_name, size) : r;
}

int32_t nvmlVgpuTypeGetClass(uint32_t vgpu_type_id, char *vgpu_type_class, uint32_t *size)
{
    struct rpc_type type;
    int r = type_read(vgpu_type_id, size, &type);
    return r == NVML_SUCCESS ? text_out_sized(series_of(&type)->class, vgpu_type_class, size) : r;
}

int32_t nvmlVgpuTypeGetLicense(uint32_t vgpu_type_id, char *vgpu_type_license_string, uint32_t size)
{
    struct rpc_type type;
    int r = type_read(vgpu_type_id, vgpu_type_license_string, &type);
    return r == NVML_SUCCESS ? text_out(series_of(&type)->licences, vgpu_type_license_string, size)
                             : r;
}

/* Device id alone, but subsystem id with the vendor in its lower half. */
int32_t nvmlVgpuTypeGetDeviceID(uint32_t vgpu_type_id, uint64_t *device_id, uint64_t *subsystem_id)
{
    struct rpc_type type;
    int r = type_read(vgpu_type_id, subsystem_id != NULL ? device_id : NULL, &type);
    if (r == NVML_SUCCESS) {
        *device_id = type.pci_id >> 16;
        *subsystem_id = type.pci_subsystem;
    }
    return r;
}

#define TYPE_GETTER(name, type_name, expression)                                                   \
    int32_t name(uint32_t vgpu_type_id, type_name *out)                                            \
    {                                                                                              \
        struct rpc_type type;                                                                      \
        int r = type_read(vgpu_type_id, out, &type);                                               \
        if (r == NVML_SUCCESS) {                                                                   \
            *out = (expression);                                                                   \
        }                                                                                          \
        return r;                                                                                  \
    }

#define HAS_DISPLAY(type) ((type).series == 'Q' || (type).series == 'B')

TYPE_GETTER(nvmlVgpuTypeGetFramebufferSize, uint64_t, type.framebuffer_mib *MIB)
/* What the VM does not see of it (vGPU user guide 17, "Framebuffer"): a sixteenth and 16 MiB. */
TYPE_GETTER(nvmlVgpuTypeGetFbReservation, uint64_t, (type.framebuffer_mib / 16 + 16) * MIB)
TYPE_GETTER(nvmlVgpuTypeGetGspHeapSize, uint64_t, 64 * MIB)
TYPE_GETTER(nvmlVgpuTypeGetGpuInstanceProfileId, uint32_t, type.gi_profile_id)
TYPE_GETTER(nvmlVgpuTypeGetNumDisplayHeads, uint32_t, HAS_DISPLAY(type) ? 4 : 1)
TYPE_GETTER(nvmlVgpuTypeGetFrameRateLimit, uint32_t, 60)
/* Several vGPUs in one VM: up to 16 of the series Q and C (vGPU user guide 17). */
TYPE_GETTER(nvmlVgpuTypeGetMaxInstancesPerVm, uint32_t,
            type.series == 'Q' || type.series == 'C' ? 16 : 1)

int32_t nvmlVgpuTypeGetResolution(uint32_t vgpu_type_id, uint32_t display_index, uint32_t *xdim,
                                  uint32_t *ydim)
{
    struct rpc_type type;
    int r = type_read(vgpu_type_id, ydim != NULL ? xdim : NULL, &type);
    if (r == NVML_SUCCESS && display_index >= (HAS_DISPLAY(type) ? 4u : 1u)) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r == NVML_SUCCESS) {
        *xdim = type.series == 'A' ? 1280 : (type.series == 'Q' ? 7680 : 4096);
        *ydim = type.series == 'A' ? 1024 : (type.series == 'Q' ? 4320 : 2160);
    }
    return r;
}

int32_t nvmlVgpuTypeGetCapabilities(uint32_t vgpu_type_id, uint32_t capability,
                                    uint32_t *cap_result)
{
    struct rpc_type type;
    int r = type_read(vgpu_type_id, cap_result, &type);
    if (r == NVML_SUCCESS && capability >= NVML_VGPU_TYPE_CAP_COUNT) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r == NVML_SUCCESS) {
        *cap_result = capability == NVML_VGPU_TYPE_EXCLUSIVE_SIZE && type.max_per_gi > 1;
    }
    return r;
}

int32_t nvmlVgpuTypeGetBAR1Info(uint32_t vgpu_type_id,
                                struct nvml_vgpu_type_bar1_info_v1 *bar1_info)
{
    struct rpc_type type;
    int r = type_read(vgpu_type_id, bar1_info, &type);
    if (r == NVML_SUCCESS &&
        bar1_info->version != NVML_VERSION(struct nvml_vgpu_type_bar1_info_v1, 1)) {
        r = NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    if (r == NVML_SUCCESS) {
        bar1_info->bar1_size = type.framebuffer_mib;
    }
    return r;
}

int32_t nvmlVgpuTypeGetMaxInstances(struct nvml_device *device, uint32_t vgpu_type_id,
                                    uint32_t *vgpu_instance_count)
{
    struct ref ref;
    struct rpc_type type;
    int r = board_ref(device, vgpu_instance_count, &ref);
    if (r == NVML_SUCCESS) {
        r = CALL(TYPE, &type, ref.gpu, vgpu_type_id);
    }
    if (r == NVML_SUCCESS && type.max_per_gpu == RPC_NONE) {
        r = NVML_ERROR_NOT_SUPPORTED; /* no source tells */
    }
    if (r == NVML_SUCCESS) {
        *vgpu_instance_count = type.max_per_gpu;
    }
    return r;
}

int32_t
nvmlVgpuTypeGetMaxInstancesPerGpuInstance(struct nvml_vgpu_type_max_instance_v1 *max_instance)
{
    struct rpc_type type;
    int r = session_check();
    if (r != NVML_SUCCESS || max_instance == NULL) {
        return r != NVML_SUCCESS ? r : NVML_ERROR_INVALID_ARGUMENT;
    }
    if (max_instance->version != NVML_VERSION(struct nvml_vgpu_type_max_instance_v1, 1)) {
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    r = type_read(max_instance->vgpu_type_id, max_instance, &type);
    if (r == NVML_SUCCESS && !type.mig_backed) {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    if (r == NVML_SUCCESS) {
        max_instance->max_instance_per_gi = type.max_per_gi;
    }
    return r;
}

/* ---- where they may be placed ---- */

static int list_placements(struct nvml_device *device, uint32_t type_id, bool creatable,
                           struct nvml_vgpu_placement_list_v2 *list)
{
    struct ref ref;
    struct rpc_placements places;
    int r = board_ref(device, list, &ref);
    if (r != NVML_SUCCESS) {
        return r;
    }
    bool v1 = list->version == NVML_VERSION(struct nvml_vgpu_placement_list_v1, 1);
    bool v2 = list->version == NVML_VERSION(struct nvml_vgpu_placement_list_v2, 2);
    if (!v1 && !v2) {
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    bool equal = v2 && list->mode == NVML_PLACEMENT_HOMOGENEOUS; /* v1 ends before the mode */
    r = CALL(PLACEMENTS, &places, ref.gpu, RPC_NONE, type_id, creatable, equal);
    if (r != NVML_SUCCESS) {
        return r;
    }
    list->placement_size = places.size;
    return list_out(places.ids, places.n, list->placement_ids, &list->count);
}

int32_t nvmlDeviceGetVgpuTypeSupportedPlacements(struct nvml_device *device, uint32_t vgpu_type_id,
                                                 struct nvml_vgpu_placement_list_v2 *placement_list)
{
    return list_placements(device, vgpu_type_id, false, placement_list);
}

int32_t nvmlDeviceGetVgpuTypeCreatablePlacements(struct nvml_device *device, uint32_t vgpu_type_id,
                                                 struct nvml_vgpu_placement_list_v2 *placement_list)
{
    return list_placements(device, vgpu_type_id, true, placement_list);
}

int32_t nvmlGpuInstanceGetVgpuTypeCreatablePlacements(
    struct nvml_gpu_instance *gpu_instance,
    struct nvml_vgpu_creatable_placement_info_v1 *creatable_placement_info)
{
    struct ref ref;
    struct rpc_instance instance;
    struct rpc_placements places;
    struct nvml_vgpu_creatable_placement_info_v1 *info = creatable_placement_info;
    int r = gi_read(gpu_instance, info, &ref, &instance, NULL);
    if (r == NVML_SUCCESS &&
        info->version != NVML_VERSION(struct nvml_vgpu_creatable_placement_info_v1, 1)) {
        r = NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    if (r == NVML_SUCCESS) {
        r = CALL(PLACEMENTS, &places, ref.gpu, ref.gi, info->vgpu_type_id, 1, !instance.mixed);
    }
    if (r != NVML_SUCCESS) {
        return r;
    }
    info->placement_size = places.size;
    return list_out(places.ids, places.n, info->placement_ids, &info->count);
}
