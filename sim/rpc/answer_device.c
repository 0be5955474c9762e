/* SPDX-License-Identifier: Apache-2.0 */
/* The host and its boards. */
#include <string.h>

#include "base/str.h"
#include "nvml/abi.h"
#include "sim/rpc/handlers.h"
#include "sim/rpc/lookup.h"

#define MIB (1024ull * 1024ull)

int rpc_do_HOST(struct sim_host *host, const uint32_t a[RPC_MAX_ARGS], struct rpc_host *out)
{
    (void)a;
    STR_SET(out->name, host->name);
    STR_SET(out->driver_version, host->driver_version);
    out->branch = sim_driver_branch(host);
    out->vgpu_host = host->vgpu_host;
    out->mdev = host->iface == SIM_MDEV;
    out->vgpu_versions_preset = sim_vgpu_versions_preset(host);
    out->vgpu_versions = sim_vgpu_versions(host);
    uint32_t count = sim_nvml_count(host);
    for (uint32_t i = 0; i < count && i < RPC_MAX_GPUS; i++) {
        const struct sim_gpu *gpu = sim_nvml_gpu(host, i);
        struct rpc_name *name = &out->names[i];
        *name = (struct rpc_name){
            .domain = gpu->addr.domain, .bus = gpu->addr.bus, .device = gpu->addr.device};
        STR_SET(name->uuid, gpu->uuid);
        STR_SET(name->serial, gpu->serial);
        out->nvml[i] = (uint32_t)(gpu - host->gpus);
        out->n_nvml++;
    }
    return NVML_SUCCESS;
}

/* NVML's architecture numbers (NVML API reference, nvmlDeviceArchitecture_t). */
static uint32_t arch_number(enum cat_arch arch)
{
    switch (arch) {
    case ARCH_VOLTA:
        return NVML_ARCH_VOLTA;
    case ARCH_TURING:
        return NVML_ARCH_TURING;
    case ARCH_AMPERE:
        return NVML_ARCH_AMPERE;
    case ARCH_ADA:
        return NVML_ARCH_ADA;
    case ARCH_HOPPER:
        return NVML_ARCH_HOPPER;
    case ARCH_BLACKWELL:
        return NVML_ARCH_BLACKWELL;
    case ARCH_UNKNOWN:
        break;
    }
    return NVML_ARCH_UNKNOWN;
}

static uint64_t used_mib(struct sim_gpu *gpu)
{
    uint64_t used = 0;
    uint32_t cursor = 0;
    struct sim_vf *vf = NULL;
    for (struct sim_vgpu *vgpu = sim_next_vgpu(gpu, &cursor, &vf); vgpu != NULL;
         vgpu = sim_next_vgpu(gpu, &cursor, &vf)) {
        used += rpc_framebuffer_mib(vgpu->type);
    }
    return used < gpu->model->memory_mib ? used : gpu->model->memory_mib;
}

static void fill_model(const struct gpu_model *model, struct rpc_gpu *out)
{
    out->memory_bytes = model->memory_mib * MIB;
    out->arch = arch_number(model->arch);
    out->sm = RPC_NONE;
    out->mig_capable = model->profiles.n > 0;
    out->max_instances = model->max_gpu_instances;
    out->compute_slices = model->compute_slices;
    out->memory_slices = model->memory_slices;
    out->mixed_capable = model->mixed_size == CAT_YES;
    out->timesliced_mig_capable = model->mig_timesliced == CAT_YES;
    for (vec_each(&model->profiles, profile)) {
        if (profile->sm != CAT_UNKNOWN && (out->sm == RPC_NONE || profile->sm > out->sm)) {
            out->sm = profile->sm;
        }
        out->has_me_profiles |= profile->media == MEDIA_ME;
        out->has_double_memory |= profile->nvml_profile == NVML_GI_1_SLICE_REV2;
    }
}

int rpc_do_GPU(struct sim_host *host, const uint32_t a[RPC_MAX_ARGS], struct rpc_gpu *out)
{
    struct sim_gpu *gpu = NULL;
    int r = rpc_gpu_of(host, a[0], &gpu);
    if (r != NVML_SUCCESS) {
        return r;
    }
    fill_model(gpu->model, out);
    STR_SET(out->name, gpu->name);
    STR_SET(out->uuid, gpu->uuid);
    STR_SET(out->serial, gpu->serial);
    for (uint32_t i = 0; sim_nvml_gpu(host, i) != NULL && sim_nvml_gpu(host, i) != gpu; i++) {
        out->index = i + 1;
    }
    out->minor = gpu->minor;
    out->domain = gpu->addr.domain;
    out->bus = gpu->addr.bus;
    out->device = gpu->addr.device;
    out->pci_id = gpu->pci_device << 16 | PCI_VENDOR_NVIDIA;
    out->pci_subsystem =
        gpu->pci_subsystem == CAT_UNKNOWN ? 0 : gpu->pci_subsystem << 16 | PCI_VENDOR_NVIDIA;
    out->numa_node = gpu->numa_node;
    out->used_bytes = used_mib(gpu) * MIB;
    out->mig_current = gpu->mig_current;
    out->mig_pending = gpu->mig_pending;
    out->vgpu_host = host->vgpu_host && gpu->model->types.n > 0;
    out->sriov = gpu->vfs_total > 0;
    out->vfs_enabled = gpu->n_vfs;
    out->mixed = gpu->heterogeneous;
    out->scheduler_policy = gpu->scheduler_policy;
    memcpy(out->settings, gpu->settings, sizeof(out->settings));
    out->timesliced_mig_enabled = out->timesliced_mig_capable && host->hypervisor_mig_timeslicing;
    return NVML_SUCCESS;
}
