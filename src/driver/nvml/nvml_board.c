/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/nvml/nvml_board.h"

#include "base/str.h"

#define MAX_TYPES 1024 /* of one board; more than that is a broken answer */
#define MAX_PLACES 64  /* of one profile, in the driver's answer */
#define MIB (UINT64_C(1024) * 1024)

/* ---- GPU instance profiles ---- */

static void read_places(const struct nvml_gpu *gpu, struct board_profile *profile)
{
    const struct nvml *nvml = gpu->nvml;
    struct nvml_gpu_instance_placement places[MAX_PLACES];
    uint32_t n = MAX_PLACES;
    if (nvml->nvmlDeviceGetGpuInstancePossiblePlacements_v2 == NULL ||
        nvml->nvmlDeviceGetGpuInstancePossiblePlacements_v2(gpu->device, profile->id, places, &n) !=
            NVML_SUCCESS ||
        n == 0 || n > BOARD_MAX_PLACES) {
        return; /* drivers may answer only while MIG mode is on */
    }
    for (uint32_t i = 0; i < n; i++) {
        if (places[i].size != places[0].size) {
            profile->n_starts = 0;
            return; /* no board is known that does that; then nothing is known of this one */
        }
        uint32_t at = profile->n_starts++;
        for (; at > 0 && profile->starts[at - 1] > places[i].start; at--) {
            profile->starts[at] = profile->starts[at - 1];
        }
        profile->starts[at] = places[i].start;
    }
    profile->size = places[0].size;
}

static void read_profiles(const struct nvml_gpu *gpu, struct board *board)
{
    for (uint32_t number = 0; number < NVML_MAX_PROFILES; number++) {
        struct board_profile profile = {.number = number};
        if (nvml_gpu_profile(gpu, number, &profile) == NVML_SUCCESS) {
            read_places(gpu, &profile);
            *vec_push(&board->profiles) = profile;
        }
    }
    board->profiles_known = board->profiles.n > 0;
}

/* ---- vGPU types ---- */

static uint32_t to_mib(uint64_t bytes)
{
    return bytes == 0 || bytes / MIB >= BOARD_UNKNOWN ? BOARD_UNKNOWN : (uint32_t)(bytes / MIB);
}

static enum board_answer to_answer(int32_t code, uint32_t value)
{
    return code != NVML_SUCCESS ? BOARD_ANSWER_UNKNOWN : value != 0 ? BOARD_YES : BOARD_NO;
}

static enum board_answer read_type_cap(const struct nvml *nvml, uint32_t type,
                                       enum nvml_vgpu_type_cap capability)
{
    uint32_t value = 0;
    return nvml->nvmlVgpuTypeGetCapabilities == NULL
               ? BOARD_ANSWER_UNKNOWN
               : to_answer(nvml->nvmlVgpuTypeGetCapabilities(type, capability, &value), value);
}

static void read_limits(const struct nvml_gpu *gpu, struct board_type *type)
{
    const struct nvml *nvml = gpu->nvml;
    uint32_t value = 0;
    if (nvml->nvmlVgpuTypeGetMaxInstances != NULL &&
        nvml->nvmlVgpuTypeGetMaxInstances(gpu->device, type->type_id, &value) == NVML_SUCCESS) {
        type->max_per_gpu = value;
    }
    if (nvml->nvmlVgpuTypeGetMaxInstancesPerVm != NULL &&
        nvml->nvmlVgpuTypeGetMaxInstancesPerVm(type->type_id, &value) == NVML_SUCCESS) {
        type->max_per_vm = value;
    }
    type->exclusive_type = read_type_cap(nvml, type->type_id, NVML_VGPU_TYPE_EXCLUSIVE_TYPE);
    type->exclusive_size = read_type_cap(nvml, type->type_id, NVML_VGPU_TYPE_EXCLUSIVE_SIZE);
    struct nvml_vgpu_type_max_instance_v1 most = {
        .version = NVML_VERSION(struct nvml_vgpu_type_max_instance_v1, 1),
        .vgpu_type_id = type->type_id};
    if (type->mig_backed && nvml->nvmlVgpuTypeGetMaxInstancesPerGpuInstance != NULL &&
        nvml->nvmlVgpuTypeGetMaxInstancesPerGpuInstance(&most) == NVML_SUCCESS) {
        type->max_per_gi = most.max_instance_per_gi;
    }
}

/* False when the driver doesn't even say what the type is called. */
static bool read_type(const struct nvml_gpu *gpu, uint32_t id, struct board_type *type)
{
    const struct nvml *nvml = gpu->nvml;
    char name[BOARD_NAME_SIZE] = "";
    uint32_t size = sizeof(name);
    if (nvml->nvmlVgpuTypeGetName == NULL ||
        nvml->nvmlVgpuTypeGetName(id, name, &size) != NVML_SUCCESS) {
        return false;
    }
    *type = (struct board_type){.type_id = id,
                                .framebuffer_mib = BOARD_UNKNOWN,
                                .subsystem_id = BOARD_UNKNOWN,
                                .gi_profile_id = BOARD_UNKNOWN,
                                .max_per_gpu = BOARD_UNKNOWN,
                                .max_per_gi = BOARD_UNKNOWN,
                                .max_per_vm = BOARD_UNKNOWN};
    NVML_COPY(type->name, name);
    uint64_t bytes = 0;
    if (nvml->nvmlVgpuTypeGetFramebufferSize != NULL &&
        nvml->nvmlVgpuTypeGetFramebufferSize(id, &bytes) == NVML_SUCCESS) {
        type->framebuffer_mib = to_mib(bytes);
    }
    uint64_t device = 0;
    uint64_t subsystem = 0;
    if (nvml->nvmlVgpuTypeGetDeviceID != NULL &&
        nvml->nvmlVgpuTypeGetDeviceID(id, &device, &subsystem) == NVML_SUCCESS && subsystem != 0) {
        type->subsystem_id = (uint32_t)subsystem >> 16; /* the vendor is in the lower half */
    }
    /* nvml.h: INVALID_GPU_INSTANCE_PROFILE_ID of a type that lives on no GPU instance. */
    uint32_t profile = BOARD_UNKNOWN;
    if (nvml->nvmlVgpuTypeGetGpuInstanceProfileId != NULL &&
        nvml->nvmlVgpuTypeGetGpuInstanceProfileId(id, &profile) == NVML_SUCCESS) {
        type->gi_profile_id = profile;
    }
    type->mig_backed = type->gi_profile_id != BOARD_UNKNOWN;
    read_limits(gpu, type);
    return true;
}

static void read_types(const struct nvml_gpu *gpu, struct board *board)
{
    const struct nvml *nvml = gpu->nvml;
    uint32_t n = 0;
    if (nvml->nvmlDeviceGetSupportedVgpus == NULL) {
        return;
    }
    /* With room for none: SUCCESS if there are none, else how many there are. */
    int32_t code = nvml->nvmlDeviceGetSupportedVgpus(gpu->device, &n, NULL);
    if ((code != NVML_SUCCESS && code != NVML_ERROR_INSUFFICIENT_SIZE) || n == 0 || n > MAX_TYPES) {
        return;
    }
    CLEANUP_FREE uint32_t *ids = xcalloc(n, sizeof(*ids));
    if (nvml->nvmlDeviceGetSupportedVgpus(gpu->device, &n, ids) != NVML_SUCCESS) {
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        struct board_type type;
        if (!read_type(gpu, ids[i], &type)) {
            board->types.n = 0;
            return; /* half a list would hide types */
        }
        *vec_push(&board->types) = type;
    }
    board->types_known = true;
}

/* nvmlDeviceGetVirtualizationMode: HOST_VGPU where the driver is NVIDIA's vGPU host driver
 * ("Virtualization Mode: Host VGPU" in nvidia-smi -q), NONE where it is another. */
static enum board_vgpu_host read_vgpu_host(const struct nvml_gpu *gpu, const struct board *board)
{
    const struct nvml *nvml = gpu->nvml;
    uint32_t mode = 0;
    if (board->types_known) {
        return BOARD_VGPU_YES;
    }
    if (nvml->nvmlDeviceGetVirtualizationMode == NULL ||
        nvml->nvmlDeviceGetVirtualizationMode(gpu->device, &mode) != NVML_SUCCESS) {
        return BOARD_VGPU_UNKNOWN;
    }
    switch (mode) {
    case NVML_VIRTUALIZATION_NONE:
        return BOARD_VGPU_NO;
    case NVML_VIRTUALIZATION_HOST_VGPU:
    case NVML_VIRTUALIZATION_HOST_VSGA:
        return BOARD_VGPU_YES;
    default: /* we are in a guest ourselves */
        return BOARD_VGPU_UNKNOWN;
    }
}

static void read_multi(const struct nvml_gpu *gpu, struct board *board)
{
    const struct nvml *nvml = gpu->nvml;
    uint32_t value = 0;
    if (nvml->nvmlDeviceGetVgpuCapabilities != NULL) {
        int32_t code = nvml->nvmlDeviceGetVgpuCapabilities(
            gpu->device, NVML_DEVICE_VGPU_FRACTIONAL_MULTI_VGPU, &value);
        board->fractional_multi = to_answer(code, value);
        code = nvml->nvmlDeviceGetVgpuCapabilities(gpu->device,
                                                   NVML_DEVICE_VGPU_HETEROGENEOUS_SIZES, &value);
        board->mixed_sizes = to_answer(code, value);
    }
    if (nvml->nvmlGetVgpuDriverCapabilities != NULL) {
        int32_t code =
            nvml->nvmlGetVgpuDriverCapabilities(NVML_VGPU_DRIVER_HETEROGENEOUS_MULTI_VGPU, &value);
        board->mixed_types_multi = to_answer(code, value);
    }
}

static void read_vbios(const struct nvml_gpu *gpu, struct board *board)
{
    char text[64] = "";
    if (gpu->nvml->nvmlDeviceGetVbiosVersion != NULL &&
        gpu->nvml->nvmlDeviceGetVbiosVersion(gpu->device, text, sizeof(text)) == NVML_SUCCESS) {
        NVML_COPY(board->vbios, text);
    }
}

/* ---- what is kept ---- */

void nvml_boards_done(struct nvml_boards *boards)
{
    for (vec_each(&boards->entries, entry)) {
        board_done(&entry->board);
    }
    vec_done(&boards->entries);
}

static bool is_current(const struct nvml_board_entry *entry, const struct host *host,
                       const struct gpu *gpu)
{
    return str_eq(entry->driver_version, host->driver_version) &&
           entry->driver_load == host->driver_load && entry->mig_enabled == gpu->mig_enabled &&
           entry->mig_timeslicing == gpu->mig_timeslicing_enabled;
}

void nvml_boards_fill(struct nvml_boards *boards, const struct nvml_gpu *handle,
                      const struct host *host, struct gpu *gpu)
{
    struct nvml_board_entry *entry = NULL;
    if (gpu->uuid[0] == '\0') {
        return;
    }
    for (vec_each(&boards->entries, one)) {
        entry = str_eq(one->uuid, gpu->uuid) ? one : entry;
    }
    if (entry == NULL) {
        entry = vec_push(&boards->entries);
        STR_SET(entry->uuid, gpu->uuid);
    } else if (is_current(entry, host, gpu)) {
        board_copy(&gpu->board, &entry->board);
        return;
    }
    board_done(&entry->board);
    entry->board = (struct board){.types_of_mig = gpu->mig_enabled, .architecture = BOARD_UNKNOWN};
    STR_SET(entry->driver_version, host->driver_version);
    entry->driver_load = host->driver_load;
    entry->mig_enabled = gpu->mig_enabled;
    entry->mig_timeslicing = gpu->mig_timeslicing_enabled;
    if (gpu->mig_capable == TRI_YES) {
        read_profiles(handle, &entry->board);
    }
    read_types(handle, &entry->board);
    read_multi(handle, &entry->board);
    read_vbios(handle, &entry->board);
    entry->board.vgpu_host = read_vgpu_host(handle, &entry->board);
    if (handle->nvml->nvmlDeviceGetArchitecture != NULL) {
        (void)handle->nvml->nvmlDeviceGetArchitecture(handle->device, &entry->board.architecture);
    }
    board_copy(&gpu->board, &entry->board);
}
