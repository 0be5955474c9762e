/* SPDX-License-Identifier: Apache-2.0 */
#include "model/host_derive.h"

#include <stdlib.h>

#include "base/str.h"

static int gpu_cmp(const void *a, const void *b)
{
    const struct gpu *x = a;
    const struct gpu *y = b;
    return pci_addr_cmp(&x->addr, &y->addr);
}

/* What a GPU is used as now. Virtual functions without MIG serve time-sliced vGPUs only. */
static enum gpu_mode derive_mode(const struct gpu *gpu)
{
    if (str_eq(gpu->driver, "vfio-pci")) {
        return GPU_PASSTHROUGH;
    }
    if (gpu->mig_enabled || gpu->gis.n > 0) {
        return GPU_MIG;
    }
    return gpu->vgpus.n > 0 || gpu->vfs_enabled > 0 ? GPU_TIME_SLICED : GPU_IDLE;
}

/* A running VM holds a device if the running definition has it; `live` says so. */
static const char *holder_of(const struct host *host, const struct pci_addr *addr,
                             const char *mdev_uuid)
{
    for (vec_each(&host->vms, vm)) {
        if (vm->state == VM_SHUT_OFF) {
            continue;
        }
        for (vec_each(&vm->devices, device)) {
            bool same = device->is_mdev
                            ? mdev_uuid[0] != '\0' && str_eq_case(device->mdev_uuid, mdev_uuid)
                            : mdev_uuid[0] == '\0' && pci_addr_cmp(&device->addr, addr) == 0;
            if (device->live && same) {
                return vm->name;
            }
        }
    }
    return "";
}

/* The vGPUs of its type that can be there at once, where they share: a GPU or its instance. */
static uint32_t most_of_type(const struct gpu *gpu, const struct vgpu *vgpu,
                             enum share_whole *ret_whole)
{
    for (vec_each(&gpu->board.types, type)) {
        if (type->type_id == vgpu->type_id) {
            *ret_whole = type->mig_backed ? SHARE_OF_INSTANCE : SHARE_OF_GPU;
            return type->mig_backed ? type->max_per_gi : type->max_per_gpu;
        }
    }
    *ret_whole = gpu->mig_enabled ? SHARE_OF_INSTANCE : SHARE_OF_GPU;
    return NO_ID;
}

/* As the driver counts them on a GPU; on an instance those that VMs have. */
static uint32_t count_running(const struct gpu *gpu, const struct vgpu *vgpu)
{
    if (vgpu->gi_id == NO_ID) {
        return gpu->mig_enabled ? NO_ID : gpu->vgpus_running;
    }
    uint32_t n = 0;
    for (vec_each(&gpu->vgpus, other)) {
        n += other->gi_id == vgpu->gi_id && other->holder[0] != '\0';
    }
    return n;
}

static struct vgpu_share derive_share(const struct gpu *gpu, const struct vgpu *vgpu)
{
    struct share_question question = {.runs = vgpu->holder[0] != '\0'};
    question.most = most_of_type(gpu, vgpu, &question.whole);
    question.running = count_running(gpu, vgpu);
    question.policy = gpu->mig_enabled ? SCHEDULER_UNKNOWN : gpu->scheduler.policy;
    for (vec_each(&gpu->gis, gi)) {
        question.policy = gi->id == vgpu->gi_id ? gi->scheduler.policy : question.policy;
    }
    return vgpu_share_of(&question);
}

/* A vGPU's use, as it was measured of the one that this can be; of several it isn't known. */
static struct amount derive_use(const struct host *host, const struct gpu *gpu,
                                const struct vgpu *vgpu)
{
    struct amount used = {0};
    const struct vm *vm = vgpu->holder[0] != '\0' ? host_find_vm(host, vgpu->holder) : NULL;
    size_t n = 0;
    for (vec_each(&gpu->uses, use)) {
        bool same = vgpu->mdev_uuid[0] != '\0' ? str_eq_case(use->mdev_uuid, vgpu->mdev_uuid)
                                               : use->type_id == vgpu->type_id;
        if (vm != NULL && str_eq_case(use->vm_uuid, vm->uuid) && same) {
            used = amount_of(use->percent);
            n++;
        }
    }
    return n == 1 ? used : (struct amount){0};
}

/* The driver names a vGPU by its VM and its mdev, or by its type where it has no mdev. */
static bool is_licensee(const struct vgpu_licensee *licensee, const struct vm *vm,
                        const struct vgpu *vgpu)
{
    bool same = vgpu->mdev_uuid[0] != '\0' ? str_eq_case(licensee->mdev_uuid, vgpu->mdev_uuid)
                                           : licensee->type_id == vgpu->type_id;
    return same && str_eq_case(licensee->vm_uuid, vm->uuid);
}

static bool is_same_licence(const struct vgpu_licence *a, const struct vgpu_licence *b)
{
    return a->state == b->state && a->expiry == b->expiry && a->expires_us == b->expires_us;
}

/* A vGPU's licence: what the driver says of all that this one can be; unknown where they differ. */
static struct vgpu_licence derive_licence(const struct host *host, const struct gpu *gpu,
                                          const struct vgpu *vgpu)
{
    const struct vgpu_licence unknown = {0};
    const struct vgpu_licence *found = NULL;
    const struct vm *vm = vgpu->holder[0] != '\0' ? host_find_vm(host, vgpu->holder) : NULL;
    for (vec_each(&gpu->licensees, licensee)) {
        if (vm == NULL || !is_licensee(licensee, vm, vgpu)) {
            continue;
        }
        if (found != NULL && !is_same_licence(found, &licensee->licence)) {
            return unknown;
        }
        found = &licensee->licence;
    }
    return found != NULL ? *found : unknown;
}

static void derive_device(const struct host *host, struct vm_device *device)
{
    device->share = (struct vgpu_share){0};
    device->used_percent = (struct amount){0};
    device->licence = (struct vgpu_licence){0};
    for (vec_each(&host->gpus, gpu)) {
        const struct vgpu *vgpu =
            gpu_find_vgpu(gpu, device->is_mdev ? device->mdev_uuid : "", &device->addr);
        if (!device->is_mdev && pci_addr_cmp(&gpu->addr, &device->addr) == 0) {
            device->share = (struct vgpu_share){.kind = SHARE_PART, .parts = 1};
        } else if (vgpu != NULL && (device->is_mdev || vgpu->mdev_uuid[0] == '\0')) {
            device->share = vgpu->share;
            device->used_percent = vgpu->used_percent;
            device->licence = vgpu->licence;
        }
    }
}

void host_derive(struct host *host)
{
    if (host->gpus.n > 1) {
        qsort(host->gpus.items, host->gpus.n, sizeof(struct gpu), gpu_cmp);
    }
    for (vec_each(&host->gpus, gpu)) {
        gpu->mode = derive_mode(gpu);
        STR_SET(gpu->holder, holder_of(host, &gpu->addr, ""));
        for (vec_each(&gpu->vgpus, vgpu)) {
            STR_SET(vgpu->holder, holder_of(host, &vgpu->vf, vgpu->mdev_uuid));
        }
        for (vec_each(&gpu->vgpus, vgpu)) {
            vgpu->share = derive_share(gpu, vgpu);
            vgpu->used_percent = derive_use(host, gpu, vgpu);
            vgpu->licence = derive_licence(host, gpu, vgpu);
        }
    }
    for (vec_each(&host->vms, vm)) {
        for (vec_each(&vm->devices, device)) {
            derive_device(host, device);
        }
    }
}
