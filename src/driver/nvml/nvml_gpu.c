/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/nvml/nvml_gpu.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define MIG_PREFIX "MIG "

void nvml_gis_done(struct nvml_gis *gis)
{
    vec_done(gis);
}

int nvml_gpu_find(const struct nvml *nvml, const struct pci_addr *addr, struct nvml_gpu *ret_gpu,
                  struct error *err)
{
    char bdf[BDF_SIZE];
    struct nvml_gpu gpu = {.nvml = nvml};
    pci_addr_format(addr, bdf);
    snprintf(gpu.subject, sizeof(gpu.subject), "gpu/%s", bdf);
    int32_t code = nvml->nvmlDeviceGetHandleByPciBusId_v2(bdf, &gpu.device);
    if (code == NVML_ERROR_NOT_FOUND) {
        error_set(err, REASON_NOT_FOUND, gpu.subject, "NVIDIA's driver has no GPU at %s", bdf);
        error_hint(err, "it may be bound to vfio-pci: see `cleave gpu show %s`", bdf);
        return -REASON_NOT_FOUND;
    }
    if (code != NVML_SUCCESS) {
        return nvml_fail(nvml, code, err, gpu.subject, "GPU %s can't be opened", bdf);
    }
    *ret_gpu = gpu;
    return 0;
}

int nvml_gpu_mig_mode(const struct nvml_gpu *gpu, bool *ret_current, bool *ret_pending,
                      struct error *err)
{
    const struct nvml *nvml = gpu->nvml;
    if (nvml->nvmlDeviceGetMigMode == NULL) {
        return nvml_too_old(err, gpu->subject, "nvmlDeviceGetMigMode");
    }
    uint32_t current = 0;
    uint32_t pending = 0;
    int32_t code = nvml->nvmlDeviceGetMigMode(gpu->device, &current, &pending);
    if (code != NVML_SUCCESS) {
        return nvml_fail(nvml, code, err, gpu->subject, "MIG mode can't be read");
    }
    *ret_current = current != 0;
    *ret_pending = pending != 0;
    return 0;
}

/* ---- GPU instances ---- */

/* Both versions of the struct have these fields; only the later one has a name. */
#define PROFILE_OF(info, n)                                                                        \
    (struct board_profile)                                                                         \
    {                                                                                              \
        .id = (info).id, .number = (n), .compute_slices = (info).slice_count,                      \
        .max_instances = (info).instance_count, .memory_mib = (uint32_t)(info).memory_size_mb,     \
        .sm = (info).multiprocessor_count, .copy_engines = (info).copy_engine_count,               \
        .decoders = (info).decoder_count, .encoders = (info).encoder_count,                        \
        .jpeg = (info).jpeg_count, .ofa = (info).ofa_count                                         \
    }

/* Of a library that has it, though the driver below may not. */
static int32_t read_named_profile(const struct nvml_gpu *gpu, uint32_t number,
                                  struct board_profile *ret_profile)
{
    struct nvml_gpu_instance_profile_info_v2 info = {
        .version = NVML_VERSION(struct nvml_gpu_instance_profile_info_v2, 2)};
    int32_t code =
        gpu->nvml->nvmlDeviceGetGpuInstanceProfileInfoV == NULL
            ? NVML_ERROR_FUNCTION_NOT_FOUND
            : gpu->nvml->nvmlDeviceGetGpuInstanceProfileInfoV(gpu->device, number, &info);
    if (code != NVML_SUCCESS) {
        return code;
    }
    char name[BOARD_NAME_SIZE];
    NVML_COPY(name, info.name);
    *ret_profile = PROFILE_OF(info, number);
    STR_SET(ret_profile->name, str_starts(name, MIG_PREFIX) ? name + sizeof(MIG_PREFIX) - 1 : name);
    ret_profile->gfx = strstr(ret_profile->name, "+gfx") != NULL;
    return NVML_SUCCESS;
}

/* nvml.h, nvmlDeviceGetGpuInstanceProfileInfo: INVALID_ARGUMENT for a number that the driver does
 * not know, NOT_SUPPORTED for a profile that the board lacks. */
bool nvml_has_none(int32_t code)
{
    return code == NVML_ERROR_INVALID_ARGUMENT || code == NVML_ERROR_NOT_SUPPORTED ||
           code == NVML_ERROR_NOT_FOUND || code == NVML_ERROR_FUNCTION_NOT_FOUND;
}

int32_t nvml_gpu_profile(const struct nvml_gpu *gpu, uint32_t number,
                         struct board_profile *ret_profile)
{
    const struct nvml *nvml = gpu->nvml;
    int32_t code = read_named_profile(gpu, number, ret_profile);
    if (code != NVML_ERROR_FUNCTION_NOT_FOUND && code != NVML_ERROR_ARGUMENT_VERSION_MISMATCH) {
        return code;
    }
    struct nvml_gpu_instance_profile_info info = {0};
    if (nvml->nvmlDeviceGetGpuInstanceProfileInfo == NULL) {
        return NVML_ERROR_FUNCTION_NOT_FOUND;
    }
    code = nvml->nvmlDeviceGetGpuInstanceProfileInfo(gpu->device, number, &info);
    if (code != NVML_SUCCESS) {
        return code;
    }
    *ret_profile = PROFILE_OF(info, number);
    return NVML_SUCCESS;
}

int32_t nvml_gi_each_ci(const struct nvml *nvml, struct nvml_gpu_instance *gi,
                        int32_t (*visit)(const struct nvml *nvml, struct nvml_compute_instance *ci,
                                         void *data),
                        void *data)
{
    if (nvml->nvmlGpuInstanceGetComputeInstances == NULL) {
        return NVML_SUCCESS;
    }
    for (uint32_t number = 0; number < NVML_CI_PROFILE_COUNT; number++) {
        struct nvml_compute_instance *found[NVML_MAX_INSTANCES];
        uint32_t n = 0;
        /* A profile that the instance lacks is refused, and has no instances. */
        int32_t code = nvml->nvmlGpuInstanceGetComputeInstances(gi, number, found, &n);
        if (nvml_has_none(code)) {
            continue;
        }
        if (code != NVML_SUCCESS) {
            return code;
        }
        for (uint32_t i = 0; i < n && i < NVML_MAX_INSTANCES; i++) {
            code = visit(nvml, found[i], data);
            if (code != NVML_SUCCESS) {
                return code;
            }
        }
    }
    return NVML_SUCCESS;
}

/* One that can't be described counts all the same. */
static int32_t add_compute(const struct nvml *nvml, struct nvml_compute_instance *ci, void *data)
{
    struct gi *gi = data;
    struct nvml_compute_instance_info info = {0};
    gi->n_ci++;
    if (gi->n_compute == GI_MAX_COMPUTE || nvml->nvmlComputeInstanceGetInfo_v2 == NULL ||
        nvml->nvmlComputeInstanceGetInfo_v2(ci, &info) != NVML_SUCCESS ||
        info.placement.size == 0) {
        return NVML_SUCCESS;
    }
    uint32_t at = gi->n_compute++;
    for (; at > 0 && gi->compute[at - 1].start > info.placement.start; at--) {
        gi->compute[at] = gi->compute[at - 1];
    }
    gi->compute[at] = (struct gi_compute){
        .id = info.id, .start = info.placement.start, .size = info.placement.size};
    return NVML_SUCCESS;
}

static int add_instance(const struct nvml_gpu *gpu, const struct board_profile *profile,
                        struct nvml_gpu_instance *handle, struct nvml_gis *gis, struct error *err)
{
    const struct nvml *nvml = gpu->nvml;
    struct nvml_gpu_instance_info info = {0};
    int32_t code = nvml->nvmlGpuInstanceGetInfo(handle, &info);
    if (code != NVML_SUCCESS) {
        return nvml_fail(nvml, code, err, gpu->subject,
                         "a GPU instance of profile %s can't be read", profile->name);
    }
    struct nvml_gi *gi = vec_push(gis);
    gi->handle = handle;
    gi->gi = (struct gi){.id = info.id,
                         .profile_id = info.profile_id,
                         .start = info.placement.start,
                         .size = info.placement.size,
                         .processes = NO_ID};
    STR_SET(gi->gi.profile, profile->name);
    code = nvml_gi_each_ci(nvml, handle, add_compute, &gi->gi);
    return code == NVML_SUCCESS
               ? 0
               : nvml_fail(nvml, code, err, gpu->subject, "compute instances can't be listed");
}

static void name_mig_devices(const struct nvml_gpu *gpu, struct nvml_gis *gis)
{
    const struct nvml *nvml = gpu->nvml;
    uint32_t max = 0;
    if (nvml->nvmlDeviceGetMaxMigDeviceCount == NULL ||
        nvml->nvmlDeviceGetMigDeviceHandleByIndex == NULL ||
        nvml->nvmlDeviceGetGpuInstanceId == NULL ||
        nvml->nvmlDeviceGetMaxMigDeviceCount(gpu->device, &max) != NVML_SUCCESS) {
        return;
    }
    for (uint32_t i = 0; i < max && i < NVML_MAX_INSTANCES; i++) {
        struct nvml_device *device = NULL;
        uint32_t id = 0;
        char uuid[96] = "";
        if (nvml->nvmlDeviceGetMigDeviceHandleByIndex(gpu->device, i, &device) != NVML_SUCCESS ||
            nvml->nvmlDeviceGetGpuInstanceId(device, &id) != NVML_SUCCESS ||
            nvml->nvmlDeviceGetUUID(device, uuid, sizeof(uuid)) != NVML_SUCCESS) {
            continue; /* indices may have holes */
        }
        for (vec_each(gis, gi)) {
            if (gi->gi.id == id && gi->gi.mig_uuid[0] == '\0') {
                NVML_COPY(gi->gi.mig_uuid, uuid);
            }
        }
    }
}

typedef int32_t list_processes_fn(struct nvml_device *device, uint32_t *count,
                                  struct nvml_process_info_v2 *infos);

/* Adds those of one kind. False: the driver does not say, or there are too many to read. */
static bool add_processes(const struct nvml_gpu *gpu, list_processes_fn *list, struct nvml_gis *gis)
{
    struct nvml_process_info_v2 found[NVML_MAX_PROCESSES];
    uint32_t n = NVML_MAX_PROCESSES;
    int32_t code = list == NULL ? NVML_ERROR_FUNCTION_NOT_FOUND : list(gpu->device, &n, found);
    if (list != NULL && nvml_has_none(code)) {
        return true;
    }
    for (uint32_t i = 0; code == NVML_SUCCESS && i < n && i < NVML_MAX_PROCESSES; i++) {
        for (vec_each(gis, gi)) {
            gi->gi.processes += gi->gi.id == found[i].gpu_instance_id;
        }
    }
    return code == NVML_SUCCESS;
}

/* Asked of the whole GPU, as a host of vGPUs does not answer for its parts (nvml.h,
 * nvmlDeviceGetComputeRunningProcesses). */
static void count_processes(const struct nvml_gpu *gpu, struct nvml_gis *gis)
{
    const struct nvml *nvml = gpu->nvml;
    for (vec_each(gis, zero)) {
        zero->gi.processes = 0;
    }
    bool known = add_processes(gpu, nvml->nvmlDeviceGetComputeRunningProcesses_v3, gis) &&
                 add_processes(gpu, nvml->nvmlDeviceGetGraphicsRunningProcesses_v3, gis) &&
                 add_processes(gpu, nvml->nvmlDeviceGetMPSComputeRunningProcesses_v3, gis);
    for (vec_each(gis, unknown)) {
        unknown->gi.processes = known ? unknown->gi.processes : NO_ID;
    }
}

static bool can_list_instances(const struct nvml *nvml)
{
    return nvml->nvmlDeviceGetGpuInstances != NULL && nvml->nvmlGpuInstanceGetInfo != NULL;
}

int nvml_gpu_instances(const struct nvml_gpu *gpu, struct nvml_gis *ret_gis, struct error *err)
{
    const struct nvml *nvml = gpu->nvml;
    bool on = false;
    bool pending = false;
    int r = nvml_gpu_mig_mode(gpu, &on, &pending, err);
    if (r < 0 || !on) {
        return r;
    }
    if (!can_list_instances(nvml)) {
        return nvml_too_old(err, gpu->subject, "nvmlDeviceGetGpuInstances");
    }
    CLEANUP(nvml_gis_done) struct nvml_gis gis = {0};
    for (uint32_t number = 0; number < NVML_MAX_PROFILES; number++) {
        struct board_profile profile;
        struct nvml_gpu_instance *found[NVML_MAX_INSTANCES];
        uint32_t n = 0;
        int32_t code = nvml_gpu_profile(gpu, number, &profile);
        if (nvml_has_none(code)) {
            continue;
        }
        if (code != NVML_SUCCESS) {
            return nvml_fail(nvml, code, err, gpu->subject, "GPU instance profile %u can't be read",
                             number);
        }
        code = nvml->nvmlDeviceGetGpuInstances(gpu->device, profile.id, found, &n);
        if (code != NVML_SUCCESS) {
            return nvml_fail(nvml, code, err, gpu->subject, "GPU instances can't be listed");
        }
        for (uint32_t i = 0; i < n && i < NVML_MAX_INSTANCES; i++) {
            r = add_instance(gpu, &profile, found[i], &gis, err);
            if (r < 0) {
                return r;
            }
        }
    }
    name_mig_devices(gpu, &gis);
    count_processes(gpu, &gis);
    *ret_gis = gis;
    gis = (struct nvml_gis){0};
    return 0;
}

struct nvml_gi *nvml_gis_at(const struct nvml_gis *gis, uint32_t start, uint32_t size)
{
    for (vec_each(gis, gi)) {
        if (gi->gi.start == start && gi->gi.size == size) {
            return gi;
        }
    }
    return NULL;
}

/* ---- vGPUs ---- */

int nvml_gpu_mixed(const struct nvml_gpu *gpu, bool *ret_on, struct error *err)
{
    const struct nvml *nvml = gpu->nvml;
    if (nvml->nvmlDeviceGetVgpuHeterogeneousMode == NULL) {
        return nvml_too_old(err, gpu->subject, "nvmlDeviceGetVgpuHeterogeneousMode");
    }
    struct nvml_vgpu_heterogeneous_mode_v1 mode = {
        .version = NVML_VERSION(struct nvml_vgpu_heterogeneous_mode_v1, 1)};
    int32_t code = nvml->nvmlDeviceGetVgpuHeterogeneousMode(gpu->device, &mode);
    if (code != NVML_SUCCESS) {
        return nvml_fail(nvml, code, err, gpu->subject, "mixed-size mode can't be read");
    }
    *ret_on = mode.mode != 0;
    return 0;
}

/* Of those that run on the GPU, the ones on one instance. */
static int count_on(const struct nvml_gpu *gpu, const uint32_t *ids, uint32_t n, uint32_t gi_id,
                    uint32_t *ret_running, struct error *err)
{
    const struct nvml *nvml = gpu->nvml;
    uint32_t running = 0;
    for (uint32_t i = 0; i < n && nvml->nvmlVgpuInstanceGetGpuInstanceId != NULL; i++) {
        uint32_t id = NO_ID;
        int32_t code = nvml->nvmlVgpuInstanceGetGpuInstanceId(ids[i], &id);
        if (code != NVML_SUCCESS && !nvml_has_none(code)) { /* none: it ended meanwhile */
            return nvml_fail(nvml, code, err, gpu->subject,
                             "the GPU instance of a running vGPU can't be read");
        }
        running += code == NVML_SUCCESS && id == gi_id;
    }
    *ret_running = running;
    return 0;
}

int nvml_gpu_running_vgpus(const struct nvml_gpu *gpu, uint32_t gi_id, uint32_t *ret_running,
                           struct error *err)
{
    const struct nvml *nvml = gpu->nvml;
    uint32_t ids[NVML_MAX_INSTANCES];
    uint32_t n = NVML_MAX_INSTANCES;
    *ret_running = 0;
    if (nvml->nvmlDeviceGetActiveVgpus == NULL) {
        return 0; /* older than vGPUs */
    }
    int32_t code = nvml->nvmlDeviceGetActiveVgpus(gpu->device, &n, ids);
    if (nvml_has_none(code)) {
        return 0; /* no vGPU manager, or a board without vGPUs */
    }
    if (code != NVML_SUCCESS || n > NVML_MAX_INSTANCES) {
        return nvml_fail(nvml, code, err, gpu->subject, "the running vGPUs can't be counted");
    }
    if (gi_id != NO_ID) {
        return count_on(gpu, ids, n, gi_id, ret_running, err);
    }
    *ret_running = n;
    return 0;
}
