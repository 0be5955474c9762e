/* SPDX-License-Identifier: Apache-2.0 */
#include "sim_mig_ports.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "sim/state/internal.h"

struct sim_gpu_port {
    struct gpu_port port;
    struct sim_host *host;
};
struct sim_pci_port {
    struct pci_port port;
    struct sim_host *host;
};

static int refuse(struct error *err, const struct step *step, int code)
{
    char text[STEP_TEXT_SIZE];
    return error_set(err, REASON_DRIVER, "gpu", "%s: the driver says %d",
                     step_describe(step, text, sizeof(text)), code);
}

/* ---- gpu_port ---- */

static struct sim_gi *find_gi(struct sim_gpu *gpu, const struct step *step)
{
    for (uint32_t i = 0; i < gpu->n_gis; i++) {
        struct sim_gi *gi = &gpu->gis[i];
        if (gi->start == step->start && gi->profile->id == step->profile_id) {
            return gi;
        }
    }
    return NULL;
}

static int create_gi(struct sim_host *host, struct sim_gpu *gpu, struct step *step)
{
    struct sim_gi *gi = find_gi(gpu, step);
    const struct cat_profile *profile = NULL;
    for (size_t i = 0; i < gpu->model->profiles.n; i++) {
        const struct cat_profile *one = &gpu->model->profiles.items[i];
        profile = one->id == step->profile_id ? one : profile;
    }
    int code = gi != NULL ? SIM_NVML_OK : sim_gi_create(host, gpu, profile, step->start, &gi);
    step->assigned_gi_id = code == SIM_NVML_OK ? gi->id : NO_ID;
    return code;
}

static int create_ci(struct sim_host *host, struct sim_gpu *gpu, struct sim_gi *gi)
{
    for (uint32_t profile = 0; gi->n_cis == 0 && profile < 9; profile++) {
        if (sim_ci_create(host, gpu, gi, profile, NULL) == SIM_NVML_OK) {
            return SIM_NVML_OK;
        }
    }
    return gi->n_cis > 0 ? SIM_NVML_OK : SIM_NVML_INSUFFICIENT_RESOURCES;
}

static int destroy_cis(struct sim_host *host, struct sim_gpu *gpu, struct sim_gi *gi)
{
    int code = SIM_NVML_OK;
    while (code == SIM_NVML_OK && gi->n_cis > 0) {
        code = sim_ci_destroy(host, gpu, gi, gi->cis[0].id);
    }
    return code;
}

static int gpu_check(struct gpu_port *port, const struct step *step, struct error *err)
{
    (void)port;
    (void)step;
    (void)err;
    return 0;
}

static int gpu_apply(struct gpu_port *port, struct step *step, struct error *err)
{
    struct sim_host *host = ((struct sim_gpu_port *)port)->host;
    struct sim_gpu *gpu = sim_find_gpu(host, &step->gpu);
    struct sim_gi *gi = find_gi(gpu, step);
    int activation = 0;
    int code = SIM_NVML_OK;
    switch ((int)step->kind) {
    case STEP_MIG_ENABLE:
    case STEP_MIG_DISABLE:
        code = sim_set_mig_mode(host, gpu, step->kind == STEP_MIG_ENABLE, &activation);
        code = code != SIM_NVML_OK ? code : activation;
        if (code == SIM_NVML_OK && gpu->mig_pending != gpu->mig_current) {
            code = sim_gpu_reset(host, gpu);
        }
        break;
    case STEP_MIXED_ON:
    case STEP_MIXED_OFF:
        code = sim_set_heterogeneous(host, gpu, step->kind == STEP_MIXED_ON);
        break;
    case STEP_GI_CREATE:
        code = create_gi(host, gpu, step);
        break;
    case STEP_GI_DESTROY:
        code = gi == NULL ? SIM_NVML_OK : sim_gi_destroy(host, gpu, gi->id);
        break;
    case STEP_CI_CREATE:
        code = gi == NULL ? SIM_NVML_INVALID_ARGUMENT : create_ci(host, gpu, gi);
        break;
    case STEP_CI_DESTROY:
        code = gi == NULL ? SIM_NVML_OK : destroy_cis(host, gpu, gi);
        break;
    default:
        code = SIM_NVML_NOT_SUPPORTED;
    }
    return code == SIM_NVML_OK ? 0 : refuse(err, step, code);
}

static void observe_gis(const struct sim_gpu *from, struct gpu *gpu)
{
    for (uint32_t i = 0; i < from->n_gis; i++) {
        const struct sim_gi *gi = &from->gis[i];
        struct gi *to = vec_push(&gpu->gis);
        *to = (struct gi){.id = gi->id,
                          .profile_id = gi->profile->id,
                          .start = gi->start,
                          .size = gi->profile->memory_slices,
                          .n_ci = gi->n_cis};
        STR_SET(to->profile, gi->profile->name);
    }
}

static int gpu_observe(struct gpu_port *port, struct host *host, struct error *err)
{
    (void)err;
    struct sim_host *from = ((struct sim_gpu_port *)port)->host;
    STR_SET(host->driver_version, from->driver_version);
    for (uint32_t i = 0; i < from->n_gpus; i++) {
        const struct sim_gpu *sim = &from->gpus[i];
        struct gpu *gpu = host_add_gpu(host, &sim->addr);
        bool slices = sim->model->mig_timesliced == CAT_YES;
        snprintf(gpu->uuid, sizeof(gpu->uuid), "GPU-%u", i);
        gpu->index = i;
        gpu->mig_capable = sim->model->profiles.n > 0 ? TRI_YES : TRI_NO;
        gpu->mig_enabled = sim->mig_current;
        gpu->mig_pending = sim->mig_pending;
        gpu->heterogeneous = sim->heterogeneous ? TRI_YES : TRI_NO;
        gpu->mig_timeslicing_supported = slices ? TRI_YES : TRI_NO;
        gpu->mig_timeslicing_enabled =
            slices && from->hypervisor_mig_timeslicing ? TRI_YES : TRI_NO;
        observe_gis(sim, gpu);
    }
    return 0;
}

static void gpu_free(struct gpu_port *port)
{
    free(port);
}

struct gpu_port *sim_gpu_port_new(struct sim_host *host)
{
    static const struct gpu_port_ops ops = {
        .observe = gpu_observe, .check = gpu_check, .apply = gpu_apply, .free = gpu_free};
    struct sim_gpu_port *port = xcalloc(1, sizeof(*port));
    *port = (struct sim_gpu_port){.port = {.ops = &ops}, .host = host};
    return &port->port;
}

/* ---- pci_port ---- */

static struct sim_vgpu *find_vgpu(struct sim_host *host, const struct step *step)
{
    if (step->mdev_uuid[0] != '\0') {
        return sim_find_mdev(host, step->mdev_uuid, NULL, NULL);
    }
    struct sim_gpu *gpu = NULL;
    struct sim_vf *vf = sim_find_vf(host, &step->device, &gpu);
    return vf != NULL && vf->vgpu.exists ? &vf->vgpu : NULL;
}

static uint32_t type_id(const struct sim_gpu *gpu, const struct step *step)
{
    for (size_t i = 0; i < gpu->model->types.n; i++) {
        if (str_eq(gpu->model->types.items[i].name, step->type)) {
            return sim_type_id(gpu->model, &gpu->model->types.items[i]);
        }
    }
    return step->type_id;
}

static int set_type(struct sim_host *host, struct sim_gpu *gpu, const struct step *step, bool on)
{
    if (step->mdev_uuid[0] != '\0') {
        return on ? sim_mdev_create(host, &step->device, type_id(gpu, step), step->mdev_uuid)
                  : sim_mdev_remove(host, step->mdev_uuid);
    }
    struct sim_vf *vf = sim_find_vf(host, &step->device, &gpu);
    return vf == NULL ? -1 : sim_vf_set_type(host, gpu, vf, on ? type_id(gpu, step) : 0);
}

static int create_vgpu(struct sim_host *host, struct sim_gpu *gpu, struct step *step,
                       struct error *err)
{
    struct sim_vgpu *vgpu = find_vgpu(host, step);
    if (vgpu != NULL && !str_eq(vgpu->type->name, step->type)) {
        return error_set(err, REASON_CONFLICT, "vf", "another vGPU is there");
    }
    int code = vgpu != NULL ? 0 : set_type(host, gpu, step, true);
    if (code != 0) {
        return refuse(err, step, code);
    }
    vgpu = find_vgpu(host, step);
    bool shown = host->iface == SIM_VENDOR_VFIO && vgpu->gi_id != SIM_NONE;
    step->assigned_gi_id = shown ? vgpu->gi_id : NO_ID;
    return 0;
}

static int delete_vgpu(struct sim_host *host, struct sim_gpu *gpu, const struct step *step,
                       struct error *err)
{
    struct sim_vgpu *vgpu = find_vgpu(host, step);
    if (vgpu != NULL && !str_eq(vgpu->type->name, step->type)) {
        return error_set(err, REASON_CONFLICT, "vf", "another vGPU is there");
    }
    int code = vgpu == NULL ? 0 : set_type(host, gpu, step, false);
    return code == 0 ? 0 : refuse(err, step, code);
}

static int pci_check(struct pci_port *port, const struct step *step, struct error *err)
{
    (void)port;
    (void)step;
    (void)err;
    return 0;
}

static int pci_apply(struct pci_port *port, struct step *step, struct error *err)
{
    struct sim_host *host = ((struct sim_pci_port *)port)->host;
    struct sim_gpu *gpu = sim_find_gpu(host, &step->gpu);
    bool on = step->kind == STEP_SRIOV_ENABLE;
    int code = 0;
    switch ((int)step->kind) {
    case STEP_SRIOV_ENABLE:
    case STEP_SRIOV_DISABLE:
        code = on == (gpu->n_vfs > 0) ? 0 : sim_sriov(host, gpu, on);
        return code == 0 ? 0 : refuse(err, step, code);
    case STEP_VGPU_CREATE:
        return create_vgpu(host, gpu, step, err);
    case STEP_VGPU_DELETE:
        return delete_vgpu(host, gpu, step, err);
    default:
        return error_set(err, REASON_UNSUPPORTED, "gpu", "not a step of this port");
    }
}

static void observe_vgpus(const struct sim_host *from, struct sim_gpu *sim, struct gpu *gpu)
{
    uint32_t cursor = 0;
    struct sim_vf *vf = NULL;
    for (struct sim_vgpu *vgpu = sim_next_vgpu(sim, &cursor, &vf); vgpu != NULL;
         vgpu = sim_next_vgpu(sim, &cursor, &vf)) {
        struct vgpu *to = vec_push(&gpu->vgpus);
        bool shown = from->iface == SIM_VENDOR_VFIO && vgpu->gi_id != SIM_NONE;
        *to = (struct vgpu){.type_id = sim_type_id(sim->model, vgpu->type),
                            .gi_id = shown ? vgpu->gi_id : NO_ID,
                            .placement_id = NO_ID,
                            .vf = vf != NULL ? vf->addr : sim->addr};
        STR_SET(to->type, vgpu->type->name);
        if (from->iface == SIM_MDEV) {
            STR_SET(to->mdev_uuid, vgpu->uuid);
        }
    }
}

static int pci_observe(struct pci_port *port, struct host *host, struct error *err)
{
    (void)err;
    struct sim_host *from = ((struct sim_pci_port *)port)->host;
    enum vgpu_interface iface = from->iface == SIM_MDEV ? VGPU_IFACE_MDEV : VGPU_IFACE_VENDOR_VFIO;
    STR_SET(host->boot_id, from->boot_id);
    for (uint32_t i = 0; i < from->n_gpus; i++) {
        struct sim_gpu *sim = &from->gpus[i];
        struct gpu *gpu = host_add_gpu(host, &sim->addr);
        gpu->pci_id = sim->pci_device;
        gpu->pci_subsystem_id = sim->pci_subsystem;
        STR_SET(gpu->driver, sim->driver);
        gpu->iommu_group = sim->iommu_group;
        STR_SET(gpu->reset_methods, sim->no_reset ? "" : "flr bus");
        gpu->vfs_total = sim->vfs_total;
        gpu->vfs_enabled = sim->n_vfs;
        gpu->vf_offset = sim->sriov_offset;
        gpu->vf_stride = 1;
        gpu->iface = iface;
        for (uint32_t n = 0; n < sim->n_vfs; n++) {
            struct vf *vf = vec_push(&gpu->vfs);
            vf->addr = sim->vfs[n].addr;
            vf->iface = iface;
            STR_SET(vf->driver, sim->vfs[n].driver);
        }
        observe_vgpus(from, sim, gpu);
    }
    return 0;
}

static void pci_free(struct pci_port *port)
{
    free(port);
}

struct pci_port *sim_pci_port_new(struct sim_host *host)
{
    static const struct pci_port_ops ops = {
        .observe = pci_observe, .check = pci_check, .apply = pci_apply, .free = pci_free};
    struct sim_pci_port *port = xcalloc(1, sizeof(*port));
    *port = (struct sim_pci_port){.port = {.ops = &ops}, .host = host};
    return &port->port;
}
