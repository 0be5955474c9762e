/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/outlook.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "model/host_derive.h"

void outlook_init(struct outlook *outlook, const struct host *host, const struct claims *claims,
                  const struct gpu_records *records)
{
    *outlook = (struct outlook){.host = host_copy(host)};
    for (vec_each(claims, claim)) {
        *vec_push(&outlook->claims) = *claim;
    }
    for (vec_each(records, record)) {
        *vec_push(&outlook->records) = *record;
    }
}

void outlook_done(struct outlook *outlook)
{
    host_free(outlook->host);
    vec_done(&outlook->claims);
    vec_done(&outlook->records);
}

/* ---- steps ---- */

static void drop_vfs(struct gpu *gpu)
{
    for (vec_each(&gpu->vfs, vf)) {
        vec_done(&vf->offers);
    }
    gpu->vfs.n = 0;
    gpu->vfs_enabled = 0;
}

/* Parts that go when the driver is bound again. */
static void drop_parts(struct gpu *gpu)
{
    gpu->vgpus.n = 0;
    gpu->gis.n = 0;
    gpu->heterogeneous = gpu->heterogeneous == TRI_YES ? TRI_NO : gpu->heterogeneous;
    gpu->scheduler = (struct gpu_scheduler){0};
}

static void add_vfs(struct gpu *gpu)
{
    drop_vfs(gpu);
    for (uint32_t i = 0; i < gpu->vfs_total; i++) {
        struct pci_addr addr;
        if (gpu_vf_addr(gpu, i, &addr)) {
            struct vf *vf = vec_push(&gpu->vfs);
            *vf = (struct vf){.addr = addr, .iommu_group = NO_ID, .iface = gpu->iface};
            STR_SET(vf->driver, "nvidia");
        }
    }
    gpu->vfs_enabled = gpu->vfs_total;
}

static void add_gi(struct gpu *gpu, const struct step *step)
{
    uint32_t id = 0;
    if (gpu_find_gi_at(gpu, step->start, step->size) != NULL) {
        return;
    }
    for (vec_each(&gpu->gis, gi)) {
        id = gi->id >= id ? gi->id + 1 : id;
    }
    struct gi *gi = vec_push(&gpu->gis);
    *gi = (struct gi){.id = id,
                      .profile_id = step->profile_id,
                      .start = step->start,
                      .size = step->size,
                      .scheduler = step->scheduler};
    STR_SET(gi->profile, step->profile);
}

static void remove_gi(struct gpu *gpu, const struct step *step)
{
    const struct gi *gi = gpu_find_gi_at(gpu, step->start, step->size);
    if (gi != NULL) {
        vec_remove(&gpu->gis, (size_t)(gi - gpu->gis.items));
    }
}

static struct vgpu *find_vgpu(struct gpu *gpu, const struct step *step)
{
    return gpu_find_vgpu(gpu, step->mdev_uuid, &step->device);
}

static void add_vgpu(struct gpu *gpu, const struct step *step)
{
    const struct gi *gi =
        step->start == NO_ID ? NULL : gpu_find_gi_at(gpu, step->start, step->size);
    struct vgpu *vgpu = find_vgpu(gpu, step);
    vgpu = vgpu == NULL ? vec_push(&gpu->vgpus) : vgpu;
    *vgpu = (struct vgpu){.type_id = step->type_id,
                          .gi_id = gi == NULL ? NO_ID : gi->id,
                          .placement_id = step->placement_id,
                          .vf = step->device};
    STR_SET(vgpu->type, step->type);
    STR_SET(vgpu->mdev_uuid, step->mdev_uuid);
}

static void set_params(struct gpu *gpu, const struct step *step)
{
    struct vgpu *vgpu = find_vgpu(gpu, step);
    char line[VGPU_PARAMS_TEXT_SIZE];
    if (vgpu != NULL) {
        STR_SET(vgpu->params, vgpu_params_line(&step->params, step->placement_id, line));
    }
}

static void remove_vgpu(struct gpu *gpu, const struct step *step)
{
    const struct vgpu *vgpu = find_vgpu(gpu, step);
    if (vgpu != NULL) {
        vec_remove(&gpu->vgpus, (size_t)(vgpu - gpu->vgpus.items));
    }
}

/* A function is seen from every GPU of its group. */
static void set_driver(struct host *host, const struct pci_addr *addr, const char *driver)
{
    for (vec_each(&host->gpus, gpu)) {
        for (vec_each(&gpu->group_members, member)) {
            if (pci_addr_cmp(&member->addr, addr) == 0) {
                STR_SET(member->driver, driver);
            }
        }
        if (pci_addr_cmp(&gpu->addr, addr) == 0) {
            STR_SET(gpu->driver, driver);
        }
    }
}

static enum vgpu_interface other_interface(const struct host *host)
{
    for (vec_each(&host->gpus, gpu)) {
        if (gpu->vfs_total > 0 && gpu->iface != VGPU_IFACE_NONE) {
            return gpu->iface;
        }
    }
    return VGPU_IFACE_NONE;
}

static void bind_whole(struct host *host, struct gpu *gpu, const char *driver)
{
    set_driver(host, &gpu->addr, driver);
    drop_parts(gpu);
    drop_vfs(gpu);
    gpu->mig_enabled = gpu->mig_pending = false;
    if (!gpu_at_home(gpu)) {
        gpu->index = NO_ID;
        gpu->uuid[0] = '\0';
    }
    if (gpu->vfs_total == 0) { /* mediated devices on the GPU itself, under its driver */
        bool offers = gpu_at_home(gpu) && gpu->pf_offers.n > 0;
        gpu->iface = offers ? VGPU_IFACE_MDEV : VGPU_IFACE_NONE;
    } else if (gpu->iface == VGPU_IFACE_NONE) {
        gpu->iface = other_interface(host);
    }
}

static void take_step(struct host *host, const struct step *step)
{
    struct gpu *gpu = host_find_gpu_addr(host, &step->gpu);
    struct gi *gi = gpu == NULL ? NULL : gpu_find_gi_at(gpu, step->start, step->size);
    if (gpu == NULL) {
        return;
    }
    switch (step->kind) {
    case STEP_COMPANION_VFIO:
        set_driver(host, &step->device, "vfio-pci");
        break;
    case STEP_COMPANION_HOME:
        set_driver(host, &step->device, step->driver);
        break;
    case STEP_BIND_VFIO:
        bind_whole(host, gpu, "vfio-pci");
        break;
    case STEP_BIND_NVIDIA:
        bind_whole(host, gpu, "nvidia");
        break;
    case STEP_MIG_ENABLE:
    case STEP_MIG_DISABLE:
        gpu->mig_enabled = gpu->mig_pending = step->kind == STEP_MIG_ENABLE;
        drop_parts(gpu);
        break;
    case STEP_SRIOV_ENABLE:
        drop_parts(gpu);
        add_vfs(gpu);
        break;
    case STEP_SRIOV_DISABLE:
        drop_parts(gpu);
        drop_vfs(gpu);
        break;
    case STEP_MIXED_ON:
        gpu->heterogeneous = TRI_YES;
        break;
    case STEP_MIXED_OFF:
        gpu->heterogeneous = TRI_NO;
        break;
    case STEP_SCHEDULER_SET:
        *(step->start != NO_ID && gi != NULL ? &gi->scheduler : &gpu->scheduler) = step->scheduler;
        break;
    case STEP_GI_CREATE:
        add_gi(gpu, step);
        break;
    case STEP_GI_DESTROY:
        remove_gi(gpu, step);
        break;
    case STEP_CI_CREATE:
    case STEP_CI_DESTROY:
        if (gi != NULL) {
            gi->n_ci = step->kind == STEP_CI_CREATE ? 1 : 0;
        }
        break;
    case STEP_VGPU_CREATE:
        add_vgpu(gpu, step);
        break;
    case STEP_VGPU_DELETE:
        remove_vgpu(gpu, step);
        break;
    case STEP_VGPU_PARAMS:
        set_params(gpu, step);
        break;
    case STEP_ATTACH:
    case STEP_DETACH:
        outlook_define(host, step);
        break;
    case STEP_GPU_RESET:
    case STEP_PCI_RESCAN:
        drop_parts(gpu);
        break;
    case STEP_KIND_COUNT:
        break;
    }
}

void outlook_define(struct host *host, const struct step *step)
{
    bool edits = step->kind == STEP_ATTACH || step->kind == STEP_DETACH;
    struct vm *vm = edits ? host_find_vm_of(host, step->vm, step->vm_uuid) : NULL;
    size_t i = 0;
    if (vm == NULL) {
        return;
    }
    while (i < vm->devices.n &&
           !vm_device_is(&vm->devices.items[i], &step->device, step->mdev_uuid)) {
        i++;
    }
    if (i == vm->devices.n) {
        if (step->kind == STEP_DETACH) {
            return;
        }
        struct vm_device *device = vec_push(&vm->devices);
        *device = (struct vm_device){.is_mdev = step->mdev_uuid[0] != '\0', .addr = step->device};
        STR_SET(device->mdev_uuid, step->mdev_uuid);
    }
    struct vm_device *device = &vm->devices.items[i];
    device->persistent = step->kind == STEP_ATTACH;
    STR_SET(device->claim, step->kind == STEP_ATTACH ? step->claim : "");
    if (!device->persistent && !device->live) {
        vec_remove(&vm->devices, i);
    }
}

/* ---- claims and records ---- */

static void forget(struct claims *claims, const char *name)
{
    for (size_t i = 0; i < claims->n; i++) {
        if (str_eq(claims->items[i].name, name)) {
            vec_remove(claims, i);
            return;
        }
    }
}

static void take_claim(struct outlook *outlook, const struct plan_claim *entry)
{
    struct claim claim = entry->claim;
    switch (entry->verb) {
    case PLAN_KEEP:
        return;
    case PLAN_RELEASE:
        forget(&outlook->claims, claim.name);
        return;
    case PLAN_BIND:
    case PLAN_RESTORE:
        claim.state = CLAIM_BOUND;
        break;
    case PLAN_DEALLOCATE:
        claim.state = CLAIM_PENDING;
        claim.assigned = (struct assignment){0};
        break;
    }
    forget(&outlook->claims, claim.name);
    *vec_push(&outlook->claims) = claim;
}

static void follow_record(struct outlook *outlook, const struct plan *plan,
                          const struct pci_addr *addr)
{
    const struct gpu *gpu = host_find_gpu_addr(outlook->host, addr);
    struct gpu_record *record = gpu == NULL ? NULL : gpu_records_find(&outlook->records, gpu);
    if (gpu == NULL) {
        return;
    }
    if (record == NULL) {
        record = vec_push(&outlook->records);
        *record = gpu_record_of(gpu);
    }
    (void)gpu_record_follow(record, plan);
}

void outlook_follow(struct outlook *outlook, const struct plan *plan)
{
    CLEANUP(plan_freep) struct plan *done = plan_copy(plan);
    for (vec_each(&done->steps, step)) {
        step->state = STEP_DONE;
        take_step(outlook->host, step);
    }
    host_derive(outlook->host);
    for (vec_each(&done->steps, step)) {
        follow_record(outlook, done, &step->gpu);
    }
    for (vec_each(&done->claims, entry)) { /* one that is replaced goes first */
        if (entry->verb == PLAN_RELEASE) {
            take_claim(outlook, entry);
        }
    }
    for (vec_each(&done->claims, entry)) {
        if (entry->verb != PLAN_RELEASE) {
            take_claim(outlook, entry);
        }
    }
}

void outlook_start(struct outlook *outlook, const char *vm_name, const char *vm_uuid)
{
    struct vm *vm = host_find_vm_of(outlook->host, vm_name, vm_uuid);
    if (vm == NULL) {
        return;
    }
    vm->state = VM_RUNNING;
    vm->saved = false;
    for (vec_each(&vm->devices, device)) {
        device->live = device->persistent;
    }
    host_derive(outlook->host);
}
