/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/nvml/nvml_observe.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "driver/nvml/nvml_gpu.h"
#include "driver/nvml/nvml_licence.h"
#include "driver/nvml/nvml_scheduler.h"
#include "driver/nvml/nvml_use.h"

#define MAX_GPUS 256 /* more than that is a broken answer */
#define MAX_GUESTS 64

/* Puts the first problem of a GPU into one line. */
static void note_problem(struct gpu *gpu, const struct error *err)
{
    if (gpu->problem[0] == '\0') {
        snprintf(gpu->problem, sizeof(gpu->problem), "%.*s", (int)sizeof(gpu->problem) - 1,
                 err->message);
    }
}

static void note_code(const struct nvml *nvml, struct gpu *gpu, int32_t code)
{
    char text[NVML_TEXT_SIZE];
    if (code == NVML_ERROR_GPU_IS_LOST) {
        gpu->fault = GPU_FAULT_LOST;
    } else if (gpu->fault == GPU_FAULT_NONE && code == NVML_ERROR_RESET_REQUIRED) {
        gpu->fault = GPU_FAULT_NEEDS_RESET;
    }
    if (gpu->problem[0] == '\0') {
        snprintf(gpu->problem, sizeof(gpu->problem), "the driver says \"%s\" (NVML %d)",
                 nvml_text(nvml, code, text), code);
    }
}

/* ---- one GPU ---- */

static void observe_identity(const struct nvml_gpu *handle, struct gpu *gpu)
{
    const struct nvml *nvml = handle->nvml;
    char text[128] = "";
    int32_t code = nvml->nvmlDeviceGetUUID(handle->device, text, sizeof(text));
    if (code == NVML_SUCCESS) {
        NVML_COPY(gpu->uuid, text);
    } else {
        note_code(nvml, gpu, code);
    }
    code = nvml->nvmlDeviceGetName(handle->device, text, sizeof(text));
    if (code == NVML_SUCCESS) {
        NVML_COPY(gpu->name, text);
    } else {
        note_code(nvml, gpu, code);
    }
    struct nvml_memory memory = {0};
    code = nvml->nvmlDeviceGetMemoryInfo(handle->device, &memory);
    if (code == NVML_SUCCESS) {
        gpu->mem_bytes = memory.total;
        gpu->mem_used_bytes = memory.used;
        gpu->mem_used_known = true;
    } else if (code != NVML_ERROR_NO_PERMISSION && code != NVML_ERROR_NOT_SUPPORTED) {
        note_code(nvml, gpu, code); /* the parent of MIG instances may be closed to us */
    }
}

static void observe_mig(const struct nvml_gpu *handle, struct gpu *gpu)
{
    struct error err = {0};
    bool on = false;
    bool pending = false;
    int r = nvml_gpu_mig_mode(handle, &on, &pending, &err);
    if (r == -REASON_UNSUPPORTED) {
        gpu->mig_capable = TRI_NO;
        return;
    }
    if (r < 0) {
        note_problem(gpu, &err);
        return;
    }
    gpu->mig_capable = TRI_YES;
    gpu->mig_enabled = on;
    gpu->mig_pending = pending;
    CLEANUP(nvml_gis_done) struct nvml_gis gis = {0};
    if (nvml_gpu_instances(handle, &gis, &err) < 0) {
        note_problem(gpu, &err);
        return;
    }
    for (vec_each(&gis, gi)) {
        nvml_scheduler_read_gi(handle, gi, &gi->gi.scheduler);
        *vec_push(&gpu->gis) = gi->gi;
    }
}

/* Unknown when the driver does not know the question, no when the board is no vGPU host. */
static enum tristate read_capability(const struct nvml_gpu *handle,
                                     enum nvml_device_vgpu_cap capability)
{
    uint32_t value = 0;
    if (handle->nvml->nvmlDeviceGetVgpuCapabilities == NULL) {
        return TRI_UNKNOWN;
    }
    switch (handle->nvml->nvmlDeviceGetVgpuCapabilities(handle->device, capability, &value)) {
    case NVML_SUCCESS:
        return value != 0 ? TRI_YES : TRI_NO;
    case NVML_ERROR_NOT_SUPPORTED:
        return TRI_NO;
    default:
        return TRI_UNKNOWN;
    }
}

static void observe_vgpu_modes(const struct nvml_gpu *handle, struct gpu *gpu)
{
    bool mixed = false;
    int r = nvml_gpu_mixed(handle, &mixed, NULL);
    if (r == 0) {
        gpu->heterogeneous = mixed ? TRI_YES : TRI_NO;
    } else if (r == -REASON_UNSUPPORTED &&
               handle->nvml->nvmlDeviceGetVgpuHeterogeneousMode != NULL) {
        gpu->heterogeneous = TRI_NO; /* MIG mode, or a board that has only equal sizes */
    }
    (void)nvml_scheduler_read(handle, &gpu->scheduler, NULL); /* else it stays unknown */
    gpu->schedulers = nvml_scheduler_set_of(handle);
    gpu->mig_timeslicing_supported =
        read_capability(handle, NVML_DEVICE_VGPU_MIG_TIMESLICING_SUPPORTED);
    gpu->mig_timeslicing_enabled =
        read_capability(handle, NVML_DEVICE_VGPU_MIG_TIMESLICING_ENABLED);
}

/* nvml.h, NVML_NVLINK_MAX_LINKS and nvmlDeviceGetNvLinkState: NOT_SUPPORTED "if the device doesn't
 * support" NVLink. */
#define MAX_NVLINKS 36

static void observe_links(const struct nvml_gpu *handle, struct gpu *gpu)
{
    const struct nvml *nvml = handle->nvml;
    for (uint32_t link = 0; nvml->nvmlDeviceGetNvLinkState != NULL && link < MAX_NVLINKS; link++) {
        uint32_t active = 0;
        int32_t code = nvml->nvmlDeviceGetNvLinkState(handle->device, link, &active);
        gpu->nvlinks_known = gpu->nvlinks_known || code == NVML_ERROR_NOT_SUPPORTED;
        if (code != NVML_SUCCESS) {
            return; /* no more of them */
        }
        gpu->nvlinks_known = true;
        gpu->nvlinks += active != 0;
    }
}

static void observe_ecc(const struct nvml_gpu *handle, struct gpu *gpu)
{
    uint32_t current = 0;
    uint32_t pending = 0;
    if (handle->nvml->nvmlDeviceGetEccMode != NULL &&
        handle->nvml->nvmlDeviceGetEccMode(handle->device, &current, &pending) == NVML_SUCCESS) {
        gpu->ecc = current != 0 ? TRI_YES : TRI_NO;
        gpu->ecc_pending = pending != 0 ? TRI_YES : TRI_NO;
    }
}

static void observe_settings(const struct nvml_gpu *handle, struct gpu *gpu)
{
    const struct nvml *nvml = handle->nvml;
    uint32_t value = 0;
    if (nvml->nvmlDeviceGetComputeMode != NULL &&
        nvml->nvmlDeviceGetComputeMode(handle->device, &value) == NVML_SUCCESS) {
        gpu->exclusive_process = value == NVML_COMPUTE_MODE_EXCLUSIVE_PROCESS ? TRI_YES : TRI_NO;
    }
    if (nvml->nvmlDeviceGetDisplayMode != NULL &&
        nvml->nvmlDeviceGetDisplayMode(handle->device, &value) == NVML_SUCCESS) {
        gpu->display = value == NVML_ENABLED ? TRI_YES : TRI_NO;
    }
}

/* A guest's driver says its version when it is loaded. */
static void observe_guests(const struct nvml_gpu *handle, struct gpu *gpu)
{
    const struct nvml *nvml = handle->nvml;
    uint32_t vgpus[MAX_GUESTS];
    uint32_t n = MAX_GUESTS;
    if (nvml->nvmlDeviceGetActiveVgpus == NULL || nvml->nvmlVgpuInstanceGetVmID == NULL ||
        nvml->nvmlVgpuInstanceGetVmDriverVersion == NULL ||
        nvml->nvmlDeviceGetActiveVgpus(handle->device, &n, vgpus) != NVML_SUCCESS) {
        return;
    }
    for (uint32_t i = 0; i < n && i < MAX_GUESTS; i++) {
        char uuid[80] = "";
        char version[80] = "";
        uint32_t kind = NVML_VM_ID_DOMAIN;
        if (nvml->nvmlVgpuInstanceGetVmID(vgpus[i], uuid, sizeof(uuid), &kind) != NVML_SUCCESS ||
            kind != NVML_VM_ID_UUID ||
            nvml->nvmlVgpuInstanceGetVmDriverVersion(vgpus[i], version, sizeof(version)) !=
                NVML_SUCCESS) {
            continue;
        }
        struct gpu_guest *guest = vec_push(&gpu->guests);
        NVML_COPY(guest->vm_uuid, uuid);
        NVML_COPY(guest->driver, version);
    }
}

static void observe_running(const struct nvml_gpu *handle, struct gpu *gpu)
{
    struct error err = {0};
    if (nvml_gpu_running_vgpus(handle, NO_ID, &gpu->vgpus_running, &err) != 0) {
        gpu->vgpus_running = NO_ID;
        if (gpu->problem[0] == '\0') {
            (void)str_print(gpu->problem, sizeof(gpu->problem), "%s", err.message);
        }
    }
}

/* False when the driver gives no usable address: then there is nothing to hang the rest on. */
static bool observe_gpu(const struct nvml *nvml, struct nvml_device *device, uint32_t index,
                        struct nvml_boards *boards, struct host *host)
{
    struct nvml_pci_info pci = {0};
    struct pci_addr addr;
    char bus_id[sizeof(pci.bus_id)];
    if (nvml->nvmlDeviceGetPciInfo_v3(device, &pci) != NVML_SUCCESS) {
        return false;
    }
    NVML_COPY(bus_id, pci.bus_id);
    if (!pci_addr_parse(bus_id, &addr)) {
        return false;
    }
    struct gpu *gpu = host_add_gpu(host, &addr);
    struct nvml_gpu handle = {.nvml = nvml, .device = device};
    char bdf[BDF_SIZE];
    snprintf(handle.subject, sizeof(handle.subject), "gpu/%s", pci_addr_format(&addr, bdf));
    gpu->index = index;
    gpu->pci_id = pci.pci_device_id >> 16;
    if (pci.pci_sub_system_id != 0) {
        gpu->pci_subsystem_id = pci.pci_sub_system_id >> 16;
    }
    observe_identity(&handle, gpu);
    observe_mig(&handle, gpu);
    observe_vgpu_modes(&handle, gpu);
    observe_ecc(&handle, gpu);
    observe_settings(&handle, gpu);
    observe_links(&handle, gpu);
    observe_guests(&handle, gpu);
    nvml_boards_fill(boards, &handle, host, gpu);
    observe_running(&handle, gpu);
    nvml_use_read(&handle, gpu);
    nvml_licence_read_all(&handle, gpu);
    return true;
}

/* A GPU that sysfs shows under the NVIDIA driver but NVML does not list has a problem: ask for it.
 */
static void observe_missing(const struct nvml *nvml, struct host *host)
{
    for (vec_each(&host->gpus, gpu)) {
        if (gpu->index != NO_ID || !str_eq(gpu->driver, "nvidia")) {
            continue;
        }
        char bdf[BDF_SIZE];
        struct nvml_device *device = NULL;
        int32_t code =
            nvml->nvmlDeviceGetHandleByPciBusId_v2(pci_addr_format(&gpu->addr, bdf), &device);
        char uuid[GPU_UUID_SIZE * 2];
        if (code == NVML_SUCCESS) { /* it gives a handle, and may say more when asked */
            code = nvml->nvmlDeviceGetUUID(device, uuid, sizeof(uuid));
        }
        note_code(nvml, gpu, code == NVML_SUCCESS ? NVML_ERROR_UNKNOWN : code);
    }
}

/* ---- the host ---- */

static void observe_versions(const struct nvml *nvml, struct host *host)
{
    char text[96] = "";
    if (nvml->nvmlSystemGetDriverVersion(text, sizeof(text)) == NVML_SUCCESS) {
        NVML_COPY(host->driver_version, text);
    }
    if (nvml->nvmlSystemGetNVMLVersion(text, sizeof(text)) == NVML_SUCCESS) {
        NVML_COPY(host->nvml_version, text);
    }
    struct nvml_conf_compute_system_state state = {0};
    if (nvml->nvmlSystemGetConfComputeState != NULL &&
        nvml->nvmlSystemGetConfComputeState(&state) == NVML_SUCCESS) {
        host->confidential = state.cc_feature != 0 ? TRI_YES : TRI_NO;
    }
}

int nvml_observe(struct nvml *nvml, struct nvml_boards *boards, struct host *host,
                 struct error *err)
{
    (void)err; /* what is missing is part of what is observed */
    struct error problem = {0};
    if (nvml_open(nvml, &problem) < 0) {
        snprintf(host->nvml_problem, sizeof(host->nvml_problem), "%.*s",
                 (int)sizeof(host->nvml_problem) - 1, problem.message);
        return 0;
    }
    CLEANUP_NVML UNUSED struct nvml *open = nvml;
    host->nvml_problem[0] = '\0';
    observe_versions(nvml, host);
    uint32_t count = 0;
    int32_t code = nvml->nvmlDeviceGetCount_v2(&count);
    if (code != NVML_SUCCESS || count > MAX_GPUS) {
        char text[NVML_TEXT_SIZE];
        snprintf(host->nvml_problem, sizeof(host->nvml_problem),
                 "GPUs can't be counted: NVML says \"%s\" (%d, %u)", nvml_text(nvml, code, text),
                 code, count);
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct nvml_device *device = NULL;
        if (nvml->nvmlDeviceGetHandleByIndex_v2(i, &device) == NVML_SUCCESS) {
            observe_gpu(nvml, device, i, boards, host);
        }
    }
    observe_missing(nvml, host);
    return 0;
}
