/* SPDX-License-Identifier: Apache-2.0 */
/* What driver/nvml and driver/sysfs do through libraries and files, done by calls. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "sim_machine.h"

/* ---- ports ---- */

struct sim_gpu_port {
    struct gpu_port port;
    struct sim_machine *machine;
};
struct sim_pci_port {
    struct pci_port port;
    struct sim_machine *machine;
};
struct sim_guest_port {
    struct guest_port port;
    struct sim_machine *machine;
};

static int refuse(struct error *err, const char *what, int code)
{
    return error_set(err, REASON_DRIVER, "simulated host", "%s: %d (%s)", what, code,
                     code < 0 ? strerrorname_np(-code) : "NVML");
}

static int done(int code, struct error *err, const char *what)
{
    return code == 0 ? 0 : refuse(err, what, code);
}

static int find_gpu(struct sim_machine *machine, const struct step *step, struct sim_gpu **ret_gpu,
                    struct error *err)
{
    *ret_gpu = sim_find_gpu(machine->host, &step->gpu);
    return *ret_gpu != NULL ? 0 : refuse(err, "no such GPU", -ENODEV);
}

/* ---- NVML ---- */

static void show_gis(const struct sim_gpu *from, struct gpu *gpu)
{
    for (uint32_t i = 0; i < from->n_gis; i++) {
        const struct sim_gi *gi = &from->gis[i];
        struct gi *to = vec_push(&gpu->gis);
        *to = (struct gi){.id = gi->id,
                          .profile_id = gi->profile->id,
                          .start = gi->start,
                          .size = gi->profile->memory_slices,
                          .n_ci = gi->n_cis,
                          .processes = sim_gi_is_busy(from, gi)};
        STR_SET(to->profile, gi->profile->name);
    }
}

static int gpu_observe(struct gpu_port *port, struct host *host, struct error *err UNUSED)
{
    struct sim_host *sim = ((struct sim_gpu_port *)port)->machine->host;
    STR_SET(host->driver_version, sim->driver_version);
    for (uint32_t i = 0; i < sim_nvml_count(sim); i++) {
        struct sim_gpu *from = sim_nvml_gpu(sim, i);
        struct gpu *gpu = host_add_gpu(host, &from->addr);
        const struct gpu_model *model = from->model;
        gpu->index = i;
        gpu->pci_id = from->pci_device;
        gpu->pci_subsystem_id = from->pci_subsystem == CAT_UNKNOWN ? NO_ID : from->pci_subsystem;
        STR_SET(gpu->uuid, from->uuid);
        STR_SET(gpu->name, from->name);
        gpu->mem_bytes = (uint64_t)model->memory_mib << 20;
        gpu->mig_capable = model->profiles.n > 0 ? TRI_YES : TRI_NO;
        gpu->mig_enabled = from->mig_current;
        gpu->mig_pending = from->mig_pending;
        gpu->heterogeneous = model->mixed_size != CAT_YES ? TRI_UNKNOWN
                             : from->heterogeneous        ? TRI_YES
                                                          : TRI_NO;
        gpu->scheduler.policy = (enum scheduler_policy)from->scheduler_policy;
        bool knows = sim_driver_branch(sim) >= 575;
        bool shares = model->mig_timesliced == CAT_YES && sim->vgpu_host;
        gpu->mig_timeslicing_supported = !knows ? TRI_UNKNOWN : shares ? TRI_YES : TRI_NO;
        gpu->mig_timeslicing_enabled = !knows                                      ? TRI_UNKNOWN
                                       : shares && sim->hypervisor_mig_timeslicing ? TRI_YES
                                                                                   : TRI_NO;
        sim_board_says(sim, from, &gpu->board);
        show_gis(from, gpu);
    }
    return 0;
}

static struct sim_gi *gi_at(struct sim_gpu *gpu, const struct step *step)
{
    for (uint32_t i = 0; i < gpu->n_gis; i++) {
        if (gpu->gis[i].start == step->start && gpu->gis[i].profile->memory_slices == step->size) {
            return &gpu->gis[i];
        }
    }
    return NULL;
}

static int make_gi(struct sim_host *host, struct sim_gpu *gpu, struct step *step, struct error *err)
{
    struct sim_gi *gi = gi_at(gpu, step);
    for (vec_each(&gpu->model->profiles, profile)) {
        if (gi == NULL && profile->id == step->profile_id) {
            int r = sim_gi_create(host, gpu, profile, step->start, &gi);
            if (r != 0) {
                return refuse(err, "creating a GPU instance", r);
            }
        }
    }
    if (gi == NULL || gi->profile->id != step->profile_id) {
        return refuse(err, "another GPU instance is there", -EEXIST);
    }
    step->assigned_gi_id = gi->id;
    return 0;
}

/* The compute instance that fills the GPU instance, by NVML's number of its profile. */
static int make_ci(struct sim_host *host, struct sim_gpu *gpu, struct step *step, struct error *err)
{
    static const uint32_t profiles[] = {
        [1] = 0, [2] = 1, [3] = 2, [4] = 3, [6] = 6, [7] = 4, [8] = 5};
    struct sim_gi *gi = gi_at(gpu, step);
    struct sim_ci *ci = NULL;
    if (gi == NULL) {
        return refuse(err, "no GPU instance is there", -ENOENT);
    }
    step->assigned_gi_id = gi->id;
    return gi->n_cis > 0
               ? 0
               : done(sim_ci_create(host, gpu, gi, profiles[gi->profile->compute_slices], &ci), err,
                      "creating a compute instance");
}

static int drop_cis(struct sim_host *host, struct sim_gpu *gpu, struct step *step,
                    struct error *err)
{
    struct sim_gi *gi = gi_at(gpu, step);
    int r = 0;
    while (r == 0 && gi != NULL && gi->n_cis > 0) {
        r = sim_ci_destroy(host, gpu, gi, gi->cis[0].id);
    }
    return done(r, err, "destroying a compute instance");
}

static int set_mig(struct sim_host *host, struct sim_gpu *gpu, bool on, struct error *err)
{
    int activation = 0;
    int r = gpu->mig_current == on ? 0 : sim_set_mig_mode(host, gpu, on, &activation);
    r = r != 0 ? r : activation;
    return r == 0 && gpu->mig_current != on ? refuse(err, "MIG mode did not change", -EIO)
                                            : done(r, err, "MIG mode");
}

static int gpu_apply_locked(struct sim_machine *machine, struct step *step, struct error *err)
{
    struct sim_host *host = machine->host;
    struct sim_gpu *gpu = NULL;
    int r = find_gpu(machine, step, &gpu, err);
    if (r != 0) {
        return r;
    }
    if (!str_eq(gpu->driver, "nvidia")) {
        return refuse(err, "NVML has no such GPU", -ENODEV);
    }
    struct sim_gi *gi = gi_at(gpu, step);
    switch ((int)step->kind) {
    case STEP_MIG_ENABLE:
    case STEP_MIG_DISABLE:
        return set_mig(host, gpu, step->kind == STEP_MIG_ENABLE, err);
    case STEP_MIXED_ON:
    case STEP_MIXED_OFF:
        return done(sim_set_heterogeneous(host, gpu, step->kind == STEP_MIXED_ON), err, "mixed");
    case STEP_SCHEDULER_SET:
        return done(sim_set_scheduler(host, gpu, (uint32_t)step->scheduler.policy), err,
                    "scheduler");
    case STEP_GI_CREATE:
        return make_gi(host, gpu, step, err);
    case STEP_GI_DESTROY:
        return gi == NULL
                   ? 0
                   : done(sim_gi_destroy(host, gpu, gi->id), err, "destroying a GPU instance");
    case STEP_CI_CREATE:
        return make_ci(host, gpu, step, err);
    case STEP_CI_DESTROY:
        return drop_cis(host, gpu, step, err);
    default:
        return refuse(err, "no step of NVML", -EINVAL);
    }
}

static int gpu_apply(struct gpu_port *port, struct step *step, struct error *err)
{
    struct sim_machine *machine = ((struct sim_gpu_port *)port)->machine;
    sim_lock(machine->host);
    int r = gpu_apply_locked(machine, step, err);
    sim_unlock(machine->host);
    return r;
}

static int gpu_check(struct gpu_port *port UNUSED, const struct step *step UNUSED,
                     struct error *err UNUSED)
{
    return 0;
}

static void gpu_free(struct gpu_port *port)
{
    free(port);
}

/* ---- the kernel ---- */

static void show_vgpu(struct sim_host *sim, const struct sim_gpu *gpu, const struct sim_vf *vf,
                      const struct sim_vgpu *vgpu, struct gpu *to)
{
    if (!vgpu->exists) {
        return;
    }
    struct vgpu *out = vec_push(&to->vgpus);
    *out = (struct vgpu){.type_id = sim_type_id(gpu->model, vgpu->type),
                         .gi_id = sim->iface == SIM_MDEV ? NO_ID : vgpu->gi_id,
                         .placement_id = vgpu->placement_id,
                         .vf = vf != NULL ? vf->addr : gpu->addr};
    STR_SET(out->type, vgpu->type->name);
    STR_SET(out->mdev_uuid, sim->iface == SIM_MDEV ? vgpu->uuid : "");
}

static void show_members(const struct sim_host *sim, const struct sim_gpu *gpu, struct gpu *to)
{
    for (uint32_t i = 0; i < sim->n_gpus; i++) {
        const struct sim_gpu *other = &sim->gpus[i];
        if (other != gpu && other->iommu_group == gpu->iommu_group) {
            struct group_member *member = vec_push(&to->group_members);
            *member = (struct group_member){.addr = other->addr};
            STR_SET(member->driver, other->driver);
        }
    }
    for (uint32_t i = 0; i < sim->n_extras; i++) {
        const struct sim_extra *extra = &sim->extras[i];
        if (extra->iommu_group == gpu->iommu_group) {
            struct group_member *member = vec_push(&to->group_members);
            *member = (struct group_member){.addr = extra->addr,
                                            .bridge = extra->pci_class >> 8 == 0x0604};
            STR_SET(member->driver, extra->driver);
        }
    }
}

static void show_vfs(struct sim_host *sim, struct sim_gpu *gpu, struct gpu *to)
{
    for (uint32_t i = 0; i < gpu->n_vfs; i++) {
        struct sim_vf *vf = &gpu->vfs[i];
        struct vf *out = vec_push(&to->vfs);
        *out = (struct vf){.addr = vf->addr, .iommu_group = vf->iommu_group, .iface = to->iface};
        STR_SET(out->driver, vf->driver);
        show_vgpu(sim, gpu, vf, &vf->vgpu, to);
    }
    for (size_t i = 0; i < SIM_MAX_MDEVS; i++) {
        show_vgpu(sim, gpu, NULL, &gpu->pf_vgpus[i], to);
    }
}

static int pci_observe(struct pci_port *port, struct host *host, struct error *err UNUSED)
{
    struct sim_host *sim = ((struct sim_pci_port *)port)->machine->host;
    STR_SET(host->kernel, sim->kernel);
    host->vfio_pci = TRI_YES;
    for (uint32_t i = 0; i < sim->n_gpus; i++) {
        struct sim_gpu *gpu = &sim->gpus[i];
        struct gpu *to = host_add_gpu(host, &gpu->addr);
        to->pci_id = gpu->pci_device;
        to->pci_subsystem_id = gpu->pci_subsystem == CAT_UNKNOWN ? NO_ID : gpu->pci_subsystem;
        STR_SET(to->driver, gpu->driver);
        to->iommu_group = gpu->iommu_group;
        to->numa_node = gpu->numa_node;
        STR_SET(to->reset_methods, gpu->no_reset ? "" : "flr bus");
        to->vfs_total = gpu->vfs_total;
        to->vfs_enabled = gpu->n_vfs;
        to->vf_offset = gpu->sriov_offset;
        to->vf_stride = 1;
        bool now = sim->iface == SIM_MDEV && str_eq(gpu->driver, "nvidia");
        bool serves = sim->vgpu_host && gpu->model->types.n > 0 && (gpu->vfs_total > 0 || now);
        to->iface = !serves                  ? VGPU_IFACE_NONE
                    : sim->iface == SIM_MDEV ? VGPU_IFACE_MDEV
                                             : VGPU_IFACE_VENDOR_VFIO;
        show_members(sim, gpu, to);
        show_vfs(sim, gpu, to);
    }
    return 0;
}

/* driver/sysfs/bind.c: the same words about the group, and about virtual functions. */
static int check_group(struct sim_host *host, const struct sim_gpu *gpu, struct error *err)
{
    for (uint32_t i = 0; i < host->n_extras; i++) {
        const struct sim_extra *extra = &host->extras[i];
        struct group_member member = {.bridge = extra->pci_class >> 8 == 0x0604};
        STR_SET(member.driver, extra->driver);
        if (extra->iommu_group == gpu->iommu_group && group_member_bars(&member)) {
            return refuse(err, "a member of the group is the host's", -EPERM);
        }
    }
    return gpu->n_vfs > 0 ? refuse(err, "it has virtual functions", -EBUSY) : 0;
}

static int bind_to(struct sim_host *host, const struct pci_addr *addr, const char *driver,
                   const char *override, struct error *err)
{
    if (str_eq(sim_driver_of(host, addr), driver)) {
        return 0;
    }
    int r = sim_rebind(host, addr, override);
    if (r == 0 && !str_eq(sim_driver_of(host, addr), driver)) {
        return refuse(err, "it did not bind", -EIO);
    }
    return done(r, err, "binding");
}

static const struct cat_vgpu_type *find_type(const struct sim_gpu *gpu, const struct step *step)
{
    for (vec_each(&gpu->model->types, type)) {
        if (str_eq(type->name, step->type)) {
            return type;
        }
    }
    return NULL;
}

static int make_mdev(struct sim_host *host, struct sim_gpu *gpu, const struct cat_vgpu_type *type,
                     struct step *step, struct error *err)
{
    struct sim_vgpu *there = sim_find_mdev(host, step->mdev_uuid, NULL, NULL);
    int r = there != NULL ? 0
                          : sim_mdev_create(host, &step->device, sim_type_id(gpu->model, type),
                                            step->mdev_uuid);
    there = sim_find_mdev(host, step->mdev_uuid, NULL, NULL);
    if (r == 0) {
        char params[VGPU_PARAMS_TEXT_SIZE];
        r = sim_vgpu_set_params(host, gpu, there,
                                vgpu_params_line(&step->params, step->placement_id, params));
    }
    return done(r, err, "creating a mediated device");
}

static int make_vf_vgpu(struct sim_host *host, struct sim_gpu *gpu,
                        const struct cat_vgpu_type *type, struct step *step, struct error *err)
{
    struct sim_vf *vf = sim_find_vf(host, &step->device, NULL);
    if (vf == NULL) {
        return refuse(err, "there is no such virtual function", -ENOENT);
    }
    if (vf->vgpu.exists) {
        return vf->vgpu.type == type ? 0 : refuse(err, "another vGPU is there", -EEXIST);
    }
    char params[VGPU_PARAMS_TEXT_SIZE];
    int r = sim_vf_set_params(host, gpu, vf,
                              vgpu_params_line(&step->params, step->placement_id, params));
    r = r != 0 ? r : sim_vf_set_type(host, gpu, vf, sim_type_id(gpu->model, type));
    if (r == 0 && step->placement_id != NO_ID && vf->vgpu.placement_id != step->placement_id) {
        return refuse(err, "another placement was given", -EIO);
    }
    step->assigned_gi_id = vf->vgpu.gi_id;
    return done(r, err, "creating a vGPU");
}

static int make_vgpu(struct sim_host *host, struct sim_gpu *gpu, struct step *step,
                     struct error *err)
{
    const struct cat_vgpu_type *type = find_type(gpu, step);
    if (type == NULL) {
        return refuse(err, "there is no such type", -EINVAL);
    }
    step->type_id = sim_type_id(gpu->model, type);
    return step->mdev_uuid[0] != '\0' ? make_mdev(host, gpu, type, step, err)
                                      : make_vf_vgpu(host, gpu, type, step, err);
}

static int drop_vgpu(struct sim_host *host, struct sim_gpu *gpu, const struct step *step,
                     struct error *err)
{
    if (step->mdev_uuid[0] != '\0') {
        return sim_find_mdev(host, step->mdev_uuid, NULL, NULL) == NULL
                   ? 0
                   : done(sim_mdev_remove(host, step->mdev_uuid), err, "removing an mdev");
    }
    struct sim_vf *vf = sim_find_vf(host, &step->device, NULL);
    return vf == NULL || !vf->vgpu.exists
               ? 0
               : done(sim_vf_set_type(host, gpu, vf, 0), err, "deleting a vGPU");
}

static int pci_apply_locked(struct sim_machine *machine, struct step *step, struct error *err)
{
    struct sim_host *host = machine->host;
    struct sim_gpu *gpu = NULL;
    int r = find_gpu(machine, step, &gpu, err);
    if (r != 0) {
        return r;
    }
    switch ((int)step->kind) {
    case STEP_COMPANION_VFIO:
        return bind_to(host, &step->device, "vfio-pci", "vfio-pci", err);
    case STEP_COMPANION_HOME:
        return bind_to(host, &step->device, step->driver, "", err);
    case STEP_BIND_VFIO:
        r = check_group(host, gpu, err);
        return r != 0 ? r : bind_to(host, &step->gpu, "vfio-pci", "vfio-pci", err);
    case STEP_BIND_NVIDIA:
        return bind_to(host, &step->gpu, "nvidia", "", err);
    case STEP_SRIOV_ENABLE:
        return gpu->n_vfs > 0 ? 0 : done(sim_sriov(host, gpu, true), err, "sriov-manage -e");
    case STEP_SRIOV_DISABLE:
        return gpu->n_vfs == 0 ? 0 : done(sim_sriov(host, gpu, false), err, "sriov-manage -d");
    case STEP_VGPU_CREATE:
        return make_vgpu(host, gpu, step, err);
    case STEP_VGPU_DELETE:
        return drop_vgpu(host, gpu, step, err);
    default:
        return refuse(err, "no step of the kernel", -EINVAL);
    }
}

static int pci_apply(struct pci_port *port, struct step *step, struct error *err)
{
    struct sim_machine *machine = ((struct sim_pci_port *)port)->machine;
    sim_lock(machine->host);
    int r = pci_apply_locked(machine, step, err);
    sim_unlock(machine->host);
    return r;
}

static int pci_check(struct pci_port *port UNUSED, const struct step *step UNUSED,
                     struct error *err UNUSED)
{
    return 0;
}

static void pci_free(struct pci_port *port)
{
    free(port);
}

/* ---- libvirt ---- */

static int guest_observe(struct guest_port *port, struct host *host, struct error *err UNUSED)
{
    const struct sim_machine *machine = ((struct sim_guest_port *)port)->machine;
    STR_SET(host->libvirt_version, "11.3.0");
    for (vec_each(&machine->vms, vm)) {
        struct vm *to = vec_push(&host->vms);
        *to = *vm;
        memset(&to->devices, 0, sizeof(to->devices));
        for (vec_each(&vm->devices, device)) {
            *vec_push(&to->devices) = *device;
        }
    }
    return 0;
}

static int guest_apply(struct guest_port *port, struct step *step, struct error *err)
{
    struct sim_machine *machine = ((struct sim_guest_port *)port)->machine;
    struct vm *vm = NULL;
    for (vec_each(&machine->vms, one)) {
        vm = str_eq(one->name, step->vm) ? one : vm;
    }
    if (vm == NULL) {
        return step->kind == STEP_DETACH ? 0 : refuse(err, "no such VM", -ENOENT);
    }
    size_t at = 0;
    while (at < vm->devices.n &&
           !vm_device_is(&vm->devices.items[at], &step->device, step->mdev_uuid)) {
        at++;
    }
    bool there = at < vm->devices.n;
    if (there == (step->kind == STEP_ATTACH)) {
        return 0;
    }
    if (vm->state == VM_RUNNING) {
        return refuse(err, "the VM is running", -EBUSY);
    }
    if (there) {
        vec_remove(&vm->devices, at);
        return 0;
    }
    struct vm_device *device = vec_push(&vm->devices);
    *device = (struct vm_device){.is_mdev = step->mdev_uuid[0] != '\0',
                                 .addr = step->device,
                                 .persistent = true,
                                 .managed = pci_addr_cmp(&step->device, &step->gpu) == 0};
    STR_SET(device->mdev_uuid, step->mdev_uuid);
    STR_SET(device->claim, step->claim);
    return 0;
}

static int guest_check(struct guest_port *port UNUSED, const struct step *step UNUSED,
                       struct error *err UNUSED)
{
    return 0;
}

static void guest_free(struct guest_port *port)
{
    free(port);
}

struct ports sim_ports_new(struct sim_machine *machine)
{
    static const struct gpu_port_ops gpu_ops = {
        .observe = gpu_observe, .check = gpu_check, .apply = gpu_apply, .free = gpu_free};
    static const struct pci_port_ops pci_ops = {
        .observe = pci_observe, .check = pci_check, .apply = pci_apply, .free = pci_free};
    static const struct guest_port_ops guest_ops = {
        .observe = guest_observe, .check = guest_check, .apply = guest_apply, .free = guest_free};
    struct sim_gpu_port *gpu = xcalloc(1, sizeof(*gpu));
    struct sim_pci_port *pci = xcalloc(1, sizeof(*pci));
    struct sim_guest_port *guest = xcalloc(1, sizeof(*guest));
    *gpu = (struct sim_gpu_port){.port = {.ops = &gpu_ops}, .machine = machine};
    *pci = (struct sim_pci_port){.port = {.ops = &pci_ops}, .machine = machine};
    *guest = (struct sim_guest_port){.port = {.ops = &guest_ops}, .machine = machine};
    return (struct ports){.gpu = &gpu->port, .pci = &pci->port, .guest = &guest->port};
}

void sim_ports_free(struct ports *ports)
{
    ports->gpu->ops->free(ports->gpu);
    ports->pci->ops->free(ports->pci);
    ports->guest->ops->free(ports->guest);
}
