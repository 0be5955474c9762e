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
    STR_SET(out->guest_driver,
            host->guest_driver[0] != '\0' ? host->guest_driver : host->driver_version);
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
    uint32_t usable = sim_memory_mib(gpu) - sim_reserved_mib(gpu);
    return used < usable ? used : usable;
}

static void fill_model(const struct gpu_model *model, struct rpc_gpu *out)
{
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

/* The memory of these is the system's, too: the kernel gives it nodes of its own, after those of
 * the processors, eight for each GPU (lscpu of a GH200: nine nodes, the first with all processors;
 * bytedance/xpu-perf#129). On others the call is not supported (nvml.h). */
#define NODES_PER_GPU 8

static bool is_numa_node(const struct sim_gpu *gpu)
{
    static const char *const keys[] = {"gb200-", "gb300-", "gh200-"};
    bool found = false;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        found = found || str_starts(gpu->model->key, keys[i]);
    }
    return found;
}

static int32_t own_numa_node(const struct sim_host *host, const struct sim_gpu *gpu)
{
    int32_t last = 0; /* of the processors' */
    int32_t before = 0;
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        const struct sim_gpu *other = &host->gpus[i];
        last = other->numa_node > last ? other->numa_node : last;
        before += other < gpu && is_numa_node(other);
    }
    return is_numa_node(gpu) ? last + 1 + before * NODES_PER_GPU : -1;
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
    out->pci_subsystem = gpu->pci_subsystem == 0 ? 0 : gpu->pci_subsystem << 16 | PCI_VENDOR_NVIDIA;
    out->numa_node = gpu->numa_node;
    out->own_numa_node = own_numa_node(host, gpu);
    out->link_generation = sim_link_generation(gpu);
    out->bar1_bytes = sim_bar1_mib(gpu) * MIB;
    out->memory_bytes = sim_memory_mib(gpu) * MIB;
    out->reserved_bytes = sim_reserved_mib(gpu) * MIB;
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
