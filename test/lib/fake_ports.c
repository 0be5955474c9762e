/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "fake_host.h"

struct fake_gpu_port {
    struct gpu_port port;
    struct fake_host *host;
};
struct fake_pci_port {
    struct pci_port port;
    struct fake_host *host;
};
static int busy(struct error *err, const struct fake_gpu *gpu, const char *why)
{
    char bdf[BDF_SIZE];
    return error_set(err, REASON_IN_USE, pci_addr_format(&gpu->addr, bdf), "%s: %s", bdf, why);
}

static int refused(struct error *err, const struct fake_gpu *gpu, const char *why)
{
    char bdf[BDF_SIZE];
    return error_set(err, REASON_DRIVER, pci_addr_format(&gpu->addr, bdf), "%s: %s", bdf, why);
}

static int find_gpu(struct fake_host *host, const struct step *step, struct fake_gpu **ret_gpu,
                    struct error *err)
{
    *ret_gpu = fake_host_gpu(host, &step->gpu);
    return *ret_gpu != NULL ? 0 : error_set(err, REASON_NOT_FOUND, "gpu", "no such GPU");
}

static bool gpu_has_vgpu(const struct fake_gpu *gpu, uint32_t gi_id)
{
    for (size_t i = 0; i < FAKE_VFS; i++) {
        if (gpu->vfs[i].type[0] != '\0' && (gi_id == NO_ID || gpu->vfs[i].gi_id == gi_id)) {
            return true;
        }
    }
    return false;
}

static bool gpu_has_gi(const struct fake_gpu *gpu)
{
    for (size_t i = 0; i < FAKE_GIS; i++) {
        if (gpu->gis[i].used) {
            return true;
        }
    }
    return false;
}

/* ---- gpu_port ---- */

static struct fake_gi *find_gi(struct fake_gpu *gpu, const struct step *step)
{
    for (size_t i = 0; i < FAKE_GIS; i++) {
        struct fake_gi *gi = &gpu->gis[i];
        if (gi->used && gi->start == step->start && gi->profile_id == step->profile_id) {
            return gi;
        }
    }
    return NULL;
}

static bool is_free(const struct fake_gpu *gpu, const struct step *step)
{
    for (size_t i = 0; i < FAKE_GIS; i++) {
        const struct fake_gi *gi = &gpu->gis[i];
        if (gi->used && gi->start < step->start + step->size &&
            step->start < gi->start + gi->size) {
            return false;
        }
    }
    return step->start + step->size <= gpu->memory_slices;
}

static int check_mig_mode(const struct fake_gpu *gpu, bool on, struct error *err)
{
    if (gpu->mig == on) {
        return 0;
    }
    if (!gpu->mig_capable) {
        return refused(err, gpu, "it has no MIG");
    }
    if (gpu_has_vgpu(gpu, NO_ID) || (!on && gpu_has_gi(gpu))) {
        return busy(err, gpu, "MIG mode can't change while something is on it");
    }
    return !on && gpu->vfs_enabled > 0 ? busy(err, gpu, "virtual functions are enabled") : 0;
}

static int fake_gpu_check(struct gpu_port *port, const struct step *step, struct error *err)
{
    struct fake_gpu *gpu = NULL;
    int r = find_gpu(((struct fake_gpu_port *)port)->host, step, &gpu, err);
    if (r != 0) {
        return r;
    }
    const struct fake_gi *gi = find_gi(gpu, step);
    switch ((int)step->kind) {
    case STEP_MIG_ENABLE:
        return check_mig_mode(gpu, true, err);
    case STEP_MIG_DISABLE:
        return check_mig_mode(gpu, false, err);
    case STEP_MIXED_ON:
    case STEP_MIXED_OFF:
        return gpu_has_vgpu(gpu, NO_ID) && gpu->mixed != (step->kind == STEP_MIXED_ON)
                   ? busy(err, gpu, "a vGPU exists")
                   : 0;
    case STEP_SCHEDULER_SET:
        return gpu_has_vgpu(gpu, NO_ID) && !gpu_scheduler_matches(&step->scheduler, &gpu->scheduler)
                   ? busy(err, gpu, "a vGPU exists")
                   : 0;
    case STEP_GI_CREATE:
        if (gi != NULL) {
            return 0;
        }
        if (!gpu->mig) {
            return refused(err, gpu, "MIG mode is off");
        }
        return is_free(gpu, step) ? 0 : refused(err, gpu, "Insufficient Resources");
    case STEP_GI_DESTROY:
        if (gi != NULL && (gi->n_ci > 0 || gpu_has_vgpu(gpu, gi->id))) {
            return busy(err, gpu, "the GPU instance is in use");
        }
        return 0;
    case STEP_CI_CREATE:
        return gi != NULL ? 0 : refused(err, gpu, "there is no such GPU instance");
    default:
        return 0;
    }
}

static int create_gi(struct fake_gpu *gpu, struct step *step, struct error *err)
{
    struct fake_gi *gi = find_gi(gpu, step);
    for (size_t i = 0; gi == NULL && i < FAKE_GIS; i++) {
        if (!gpu->gis[i].used) {
            gi = &gpu->gis[i];
            *gi = (struct fake_gi){.used = true,
                                   .id = gpu->next_gi_id++,
                                   .profile_id = step->profile_id,
                                   .start = step->start,
                                   .size = step->size};
            STR_SET(gi->profile, step->profile);
        }
    }
    if (gi == NULL) {
        return refused(err, gpu, "too many GPU instances");
    }
    step->assigned_gi_id = gi->id;
    return 0;
}

static int fake_gpu_apply(struct gpu_port *port, struct step *step, struct error *err)
{
    int r = fake_gpu_check(port, step, err);
    struct fake_gpu *gpu = fake_host_gpu(((struct fake_gpu_port *)port)->host, &step->gpu);
    if (r != 0) {
        return r;
    }
    struct fake_gi *gi = find_gi(gpu, step);
    switch ((int)step->kind) {
    case STEP_MIG_ENABLE:
    case STEP_MIG_DISABLE:
        gpu->mig = step->kind == STEP_MIG_ENABLE;
        return 0;
    case STEP_MIXED_ON:
    case STEP_MIXED_OFF:
        gpu->mixed = step->kind == STEP_MIXED_ON;
        return 0;
    case STEP_SCHEDULER_SET:
        gpu->scheduler = step->scheduler;
        return 0;
    case STEP_GI_CREATE:
        return create_gi(gpu, step, err);
    case STEP_GI_DESTROY:
        if (gi != NULL) {
            gi->used = false;
        }
        return 0;
    case STEP_CI_CREATE:
        gi->n_ci = 1;
        snprintf(step->assigned_uuid, sizeof(step->assigned_uuid), "MIG-%02x-%u", gpu->addr.bus,
                 gi->start);
        return 0;
    case STEP_CI_DESTROY:
        if (gi != NULL) {
            gi->n_ci = 0;
        }
        return 0;
    default:
        return refused(err, gpu, "not a step of this port");
    }
}

static int fake_gpu_observe(struct gpu_port *port, struct host *host, struct error *err)
{
    (void)err;
    const struct fake_host *fake = ((struct fake_gpu_port *)port)->host;
    if (fake->mismatch) {
        STR_SET(host->nvml_problem, "Driver/library version mismatch");
        return 0;
    }
    STR_SET(host->driver_version, "580.0");
    for (uint32_t i = 0; i < fake->n_gpus; i++) {
        const struct fake_gpu *from = &fake->gpus[i];
        struct gpu *gpu = host_add_gpu(host, &from->addr);
        if (!str_eq(from->driver, "nvidia")) {
            continue;
        }
        snprintf(gpu->uuid, sizeof(gpu->uuid), "GPU-%02x",
                 from->board != 0 ? from->board : from->addr.bus);
        gpu->index = i;
        gpu->mig_capable = from->mig_capable ? TRI_YES : TRI_NO;
        gpu->mig_enabled = gpu->mig_pending = from->mig;
        gpu->heterogeneous = from->mixed ? TRI_YES : TRI_NO;
        gpu->scheduler = from->scheduler;
        gpu->mig_timeslicing_supported = from->mig_timeslicing ? TRI_YES : TRI_NO;
        gpu->mig_timeslicing_enabled = gpu->mig_timeslicing_supported;
        for (size_t j = 0; j < FAKE_GIS; j++) {
            const struct fake_gi *gi = &from->gis[j];
            if (gi->used) {
                struct gi *to = vec_push(&gpu->gis);
                *to = (struct gi){.id = gi->id,
                                  .profile_id = gi->profile_id,
                                  .start = gi->start,
                                  .size = gi->size,
                                  .n_ci = gi->n_ci};
                STR_SET(to->profile, gi->profile);
            }
        }
    }
    return 0;
}

static void fake_gpu_free(struct gpu_port *port)
{
    free(port);
}

static const struct gpu_port_ops gpu_ops = {
    .observe = fake_gpu_observe,
    .check = fake_gpu_check,
    .apply = fake_gpu_apply,
    .free = fake_gpu_free,
};

/* ---- pci_port ---- */

static struct pci_addr vf_addr(const struct fake_gpu *gpu, size_t index)
{
    unsigned routing = FAKE_VF_OFFSET + (unsigned)index;
    return (struct pci_addr){.domain = gpu->addr.domain,
                             .bus = gpu->addr.bus,
                             .device = (uint8_t)(routing >> 3),
                             .function = (uint8_t)(routing & 7)};
}

static struct fake_vf *find_vf(struct fake_gpu *gpu, const struct pci_addr *addr)
{
    for (size_t i = 0; i < gpu->vfs_enabled; i++) {
        struct pci_addr this = vf_addr(gpu, i);
        if (pci_addr_cmp(&this, addr) == 0) {
            return &gpu->vfs[i];
        }
    }
    return NULL;
}

/* The last number in a name: 8 of "DC-1-8C"; the number before "gb": 24 of "1g.24gb+gfx". */
static uint32_t size_gb(const char *name, const char *end)
{
    const char *digits = end;
    while (digits > name && digits[-1] >= '0' && digits[-1] <= '9') {
        digits--;
    }
    uint32_t size = 0;
    for (const char *p = digits; p < end && size < 1000; p++) {
        size = size * 10 + (uint32_t)(*p - '0');
    }
    return size;
}

/* One size per GPU instance, as many as its memory holds. Names that say no size share freely. */
static bool has_room(const struct fake_gpu *gpu, const struct fake_gi *gi, const struct step *step)
{
    uint32_t n = 0;
    for (size_t i = 0; i < FAKE_VFS; i++) {
        if (gpu->vfs[i].type[0] != '\0' && gpu->vfs[i].gi_id == gi->id) {
            if (!str_eq(gpu->vfs[i].type, step->type)) {
                return false;
            }
            n++;
        }
    }
    const char *gb = strstr(gi->profile, "gb");
    size_t len = strlen(step->type);
    uint32_t whole = gb == NULL ? 0 : size_gb(gi->profile, gb);
    uint32_t part = len == 0 ? 0 : size_gb(step->type, step->type + len - 1);
    return whole == 0 || part == 0 || n < whole / part;
}

/* Where the driver would put a vGPU: on the first instance of its profile that has none, or on one
 * that has some if instances may be shared; or the other way round. */
static const struct fake_gi *choose_gi(const struct fake_gpu *gpu, const struct step *step)
{
    const struct fake_gi *shared = NULL;
    const struct fake_gi *empty = NULL;
    for (size_t i = 0; i < FAKE_GIS; i++) {
        const struct fake_gi *gi = &gpu->gis[i];
        if (!gi->used || (step->profile[0] != '\0' && !str_eq(step->profile, gi->profile))) {
            continue;
        }
        if (!gpu_has_vgpu(gpu, gi->id)) {
            empty = empty == NULL ? gi : empty;
        } else if (gpu->mig_timeslicing && has_room(gpu, gi, step)) {
            shared = gi;
        }
    }
    bool first = empty != NULL && !(gpu->fills && shared != NULL);
    return first ? empty : shared;
}

static int check_vgpu(const struct fake_pci_port *port, struct fake_gpu *gpu,
                      const struct step *step, struct error *err)
{
    const struct fake_vf *vf = find_vf(gpu, &step->device);
    if (step->kind == STEP_VGPU_DELETE) {
        return vf != NULL && fake_host_held(port->host, &step->device)
                   ? busy(err, gpu, "a running VM has the vGPU")
                   : 0;
    }
    if (vf == NULL) {
        return refused(err, gpu, "there is no such virtual function");
    }
    if (vf->type[0] != '\0') {
        return str_eq(vf->type, step->type) ? 0 : busy(err, gpu, "the VF carries another vGPU");
    }
    return gpu->mig && choose_gi(gpu, step) == NULL
               ? refused(err, gpu, "no GPU instance has room for the vGPU")
               : 0;
}

static int check_driver(const struct fake_pci_port *port, const struct fake_gpu *gpu,
                        const char *driver, struct error *err)
{
    if (str_eq(gpu->driver, driver)) {
        return 0;
    }
    if (gpu->mig || gpu->vfs_enabled > 0 || fake_host_held(port->host, &gpu->addr)) {
        return busy(err, gpu, "the driver can't change while something is on it");
    }
    return 0;
}

static int fake_pci_check(struct pci_port *pci_port, const struct step *step, struct error *err)
{
    const struct fake_pci_port *port = (struct fake_pci_port *)pci_port;
    struct fake_gpu *gpu = NULL;
    int r = find_gpu(port->host, step, &gpu, err);
    if (r != 0) {
        return r;
    }
    switch ((int)step->kind) {
    case STEP_GPU_RESET:
        for (size_t i = 0; i < gpu->vfs_enabled; i++) {
            struct pci_addr vf = vf_addr(gpu, i);
            if (fake_host_held(port->host, &vf)) {
                return busy(err, gpu, "a running VM has a part of it");
            }
        }
        return 0;
    case STEP_BIND_VFIO:
        return check_driver(port, gpu, "vfio-pci", err);
    case STEP_BIND_NVIDIA:
        return check_driver(port, gpu, "nvidia", err);
    case STEP_SRIOV_ENABLE:
        return str_eq(gpu->driver, "nvidia") ? 0 : refused(err, gpu, "not under the driver");
    case STEP_SRIOV_DISABLE:
        return gpu_has_vgpu(gpu, NO_ID) ? busy(err, gpu, "a vGPU exists") : 0;
    case STEP_VGPU_PARAMS:
        return 0;
    case STEP_VGPU_CREATE:
    case STEP_VGPU_DELETE:
        return check_vgpu(port, gpu, step, err);
    default:
        return refused(err, gpu, "not a step of this port");
    }
}

/* The driver is rebound: GPU instances, the mixed-size flag and the scheduler are gone. */
static void set_sriov(struct fake_gpu *gpu, uint32_t n)
{
    if (gpu->vfs_enabled != n) {
        gpu->vfs_enabled = n;
        gpu->mixed = false;
        gpu->scheduler = (struct gpu_scheduler){.policy = SCHEDULER_BEST_EFFORT};
        for (size_t i = 0; i < FAKE_GIS; i++) {
            gpu->gis[i].used = false;
        }
    }
}

static int create_vgpu(struct fake_gpu *gpu, struct step *step)
{
    struct fake_vf *vf = find_vf(gpu, &step->device);
    if (vf->type[0] == '\0') {
        const struct fake_gi *gi = gpu->mig ? choose_gi(gpu, step) : NULL;
        vf->gi_id = gi == NULL ? NO_ID : gi->id;
        vf->type_id = step->type_id;
        vf->placement_id = step->placement_id;
        STR_SET(vf->type, step->type);
        vgpu_params_line(&step->params, step->placement_id, vf->params);
    }
    step->assigned_gi_id = vf->gi_id;
    return 0;
}

static int fake_pci_apply(struct pci_port *pci_port, struct step *step, struct error *err)
{
    const struct fake_pci_port *port = (struct fake_pci_port *)pci_port;
    int r = fake_pci_check(pci_port, step, err);
    struct fake_gpu *gpu = fake_host_gpu(port->host, &step->gpu);
    if (r != 0) {
        return r;
    }
    struct fake_vf *vf = find_vf(gpu, &step->device);
    switch ((int)step->kind) {
    case STEP_GPU_RESET:
        memset(gpu->gis, 0, sizeof(gpu->gis));
        memset(gpu->vfs, 0, sizeof(gpu->vfs));
        gpu->vfs_enabled = 0;
        gpu->mig = gpu->mixed = gpu->wedged = false;
        return 0;
    case STEP_BIND_VFIO:
        STR_SET(gpu->driver, "vfio-pci");
        return 0;
    case STEP_BIND_NVIDIA:
        STR_SET(gpu->driver, "nvidia");
        return 0;
    case STEP_SRIOV_ENABLE:
        set_sriov(gpu, gpu->vfs_total);
        return 0;
    case STEP_SRIOV_DISABLE:
        set_sriov(gpu, 0);
        return 0;
    case STEP_VGPU_CREATE:
        return create_vgpu(gpu, step);
    case STEP_VGPU_PARAMS:
        if (vf != NULL) {
            vgpu_params_line(&step->params, step->placement_id, vf->params);
        }
        return vf != NULL ? 0 : refused(err, gpu, "no vGPU");
    case STEP_VGPU_DELETE:
        if (vf != NULL) {
            vf->type[0] = '\0';
        }
        return 0;
    default:
        return refused(err, gpu, "not a step of this port");
    }
}

static int fake_pci_observe(struct pci_port *port, struct host *host, struct error *err)
{
    (void)err;
    const struct fake_host *fake = ((struct fake_pci_port *)port)->host;
    STR_SET(host->kernel, "6.8.0");
    snprintf(host->boot_id, sizeof(host->boot_id), "boot-%u", fake->boots);
    host->driver_load = fake->driver_load;
    host->functions_known = host->mdevs_known = true;
    for (uint32_t i = 0; i < fake->n_gpus; i++) {
        const struct fake_gpu *from = &fake->gpus[i];
        struct gpu *gpu = host_add_gpu(host, &from->addr);
        *vec_push(&host->functions) = from->addr;
        gpu->pci_id = from->pci_id;
        gpu->pci_subsystem_id = from->pci_subsystem_id;
        STR_SET(gpu->driver, from->driver);
        gpu->iommu_group = from->addr.bus;
        STR_SET(gpu->reset_methods, from->no_reset ? "" : "flr bus");
        if (from->wedged) {
            gpu->fault = GPU_FAULT_NEEDS_RESET;
            STR_SET(gpu->problem, "GPU requires reset");
        }
        if (from->blind) {
            STR_SET(gpu->problem, "cannot read sriov_numvfs: Input/output error");
            continue;
        }
        gpu->vfs_total = from->vfs_total;
        gpu->vfs_enabled = from->vfs_enabled;
        gpu->vf_offset = FAKE_VF_OFFSET;
        gpu->vf_stride = 1;
        gpu->iface = from->vfs_total > 0 ? VGPU_IFACE_VENDOR_VFIO : VGPU_IFACE_NONE;
        for (size_t j = 0; j < from->vfs_enabled; j++) {
            struct vf *vf = vec_push(&gpu->vfs);
            vf->addr = vf_addr(from, j);
            vf->iface = VGPU_IFACE_VENDOR_VFIO;
            vf->iommu_group = 100 + (uint32_t)j;
            STR_SET(vf->driver, "nvidia");
            if (from->vfs[j].type[0] != '\0') {
                struct vgpu *vgpu = vec_push(&gpu->vgpus);
                vgpu->type_id = from->vfs[j].type_id;
                vgpu->gi_id = from->vfs[j].gi_id;
                vgpu->birth = from->vfs[j].birth;
                vgpu->placement_id = from->vfs[j].placement_id;
                vgpu->vf = vf->addr;
                STR_SET(vgpu->type, from->vfs[j].type);
                vgpu->params_known = STR_SET(vgpu->params, from->vfs[j].params);
            }
        }
    }
    return 0;
}

static void fake_pci_free(struct pci_port *port)
{
    free(port);
}

static const struct pci_port_ops pci_ops = {
    .observe = fake_pci_observe,
    .check = fake_pci_check,
    .apply = fake_pci_apply,
    .free = fake_pci_free,
};

struct ports fake_ports_new(struct fake_host *host)
{
    struct fake_gpu_port *gpu = xcalloc(1, sizeof(*gpu));
    *gpu = (struct fake_gpu_port){.port = {.ops = &gpu_ops}, .host = host};
    struct fake_pci_port *pci = xcalloc(1, sizeof(*pci));
    *pci = (struct fake_pci_port){.port = {.ops = &pci_ops}, .host = host};
    return (struct ports){.gpu = &gpu->port, .pci = &pci->port, .guest = fake_guest_port_new(host)};
}

void ports_free(struct ports *ports)
{
    ports->gpu->ops->free(ports->gpu);
    ports->pci->ops->free(ports->pci);
    ports->guest->ops->free(ports->guest);
}
