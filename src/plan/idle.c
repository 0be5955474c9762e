/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/idle.h"

#include "base/str.h"

/* Has another place any meaning for it, and is it free to take one? */
static bool has_choice(const struct gpu_work *work, const struct claim *claim, enum idle_for what)
{
    switch (claim->spec.mode) {
    case CLAIM_MIG_BACKED:
    case CLAIM_TIME_SLICED_MIG_BACKED:
    case CLAIM_GPU_INSTANCE:
        return claim->spec.start == NO_ID && claim->assigned.start != NO_ID;
    case CLAIM_TIME_SLICED: /* equal sizes stand wherever the driver likes */
        return what == IDLE_FOR_ANOTHER_GPU ||
               (claim->spec.mixed && work->gpu->heterogeneous == TRI_YES);
    case CLAIM_PASSTHROUGH:
    case CLAIM_MODE_COUNT:
        break;
    }
    return false;
}

/* Its VM is known to be off for good, or there is none. */
static bool has_no_running_vm(const struct gpu_work *work, const struct claim *claim)
{
    const struct host *host = work->planner->host;
    if (claim->vm[0] == '\0') {
        return true;
    }
    const struct vm *vm = host_find_vm_of(host, claim->vm, claim->vm_uuid);
    return host->libvirt_problem[0] == '\0' && vm != NULL && vm->state == VM_SHUT_OFF &&
           !vm->saved && vm->unread[0] == '\0';
}

/* Another VM that has the device in its definition would find another one there, or none. */
static bool is_named_elsewhere(const struct gpu_work *work, const struct claim *claim)
{
    struct claim_device own = {0};
    if (!claim_has_vgpu(claim) || !claim_device(claim, &own)) {
        return false;
    }
    for (vec_each(&work->planner->host->vms, vm)) {
        for (vec_each(&vm->devices, device)) {
            if (vm_device_is(device, &own.device, own.mdev_uuid) &&
                !claim_is_of(claim, vm->name, vm->uuid)) {
                return true;
            }
        }
    }
    return false;
}

/* Does no program run there? An old driver does not say: then no bare instance is known to be free
 * of them, and for a vGPU its VM's state is the answer. */
static bool has_no_program(const struct claim *claim, const struct gi *gi)
{
    return gi->processes == 0 || (gi->processes == NO_ID && claim_has_vgpu(claim));
}

/* Its GPU instance is there, and no VM and no program has a part of it. */
static bool has_quiet_instance(const struct gpu_work *work, const struct claim *claim)
{
    const struct gi *gi = gpu_find_gi_at(work->gpu, claim->assigned.start, claim->assigned.size);
    if (mode_of_claim(claim->spec.mode) != GPU_MIG) {
        return true;
    }
    if (gi == NULL) {
        return false;
    }
    for (vec_each(&work->gpu->vgpus, vgpu)) {
        if (vgpu->gi_id == gi->id && vgpu->holder[0] != '\0') {
            return false;
        }
    }
    if (!has_no_program(claim, gi)) {
        return false;
    }
    /* One that has other compute instances than cleave's was put to a use that cleave can't see. */
    return claim->spec.mode != CLAIM_GPU_INSTANCE || gi->n_ci == 1;
}

static bool has_quiet_vgpu(const struct gpu_work *work, const struct claim *claim)
{
    if (!claim_has_vgpu(claim)) {
        return true;
    }
    const struct vgpu *vgpu = claim_vgpu_at(claim, work->gpu);
    return vgpu != NULL && claim_is_vgpu(claim, vgpu) && vgpu->holder[0] == '\0';
}

bool idle_is(const struct gpu_work *work, const struct claim *claim, enum idle_for what)
{
    const struct host *host = work->planner->host;
    return claim->state == CLAIM_BOUND && claim->spec.hold == CLAIM_HELD && claim->assigned.set &&
           work->gpu->problem[0] == '\0' && work->gpu->holder[0] == '\0' &&
           host->nvml_problem[0] == '\0' && host_find_unread_vm(host) == NULL &&
           has_choice(work, claim, what) && has_no_running_vm(work, claim) &&
           has_quiet_instance(work, claim) && has_quiet_vgpu(work, claim) &&
           !is_named_elsewhere(work, claim);
}
