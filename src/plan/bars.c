/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/bars.h"

#include "base/str.h"

/* Has a claim the device, or is it named for one that waits for its VM? */
static bool is_claimed(const struct planner *planner, const struct vm *vm,
                       const struct vm_device *device)
{
    for (vec_each(planner->claims, claim)) {
        struct claim_device own = {0};
        if (claim_is_of(claim, vm->name, vm->uuid) && claim_device(claim, &own) &&
            vm_device_is(device, &own.device, own.mdev_uuid)) {
            return true;
        }
    }
    return false;
}

const struct vm *bars_find(const struct planner *planner, const struct pci_addr *device)
{
    for (vec_each(&planner->host->vms, vm)) {
        for (vec_each(&vm->devices, known)) {
            if (vm_device_is(known, device, "") && !is_claimed(planner, vm, known)) {
                return vm;
            }
        }
    }
    return NULL;
}

/* Is something on the GPU another VM's already, so that nothing gets worse? */
static bool is_taken_now(const struct planner *planner, const struct pci_addr *gpu)
{
    for (vec_each(planner->claims, claim)) {
        const struct gpu *its = claim_find_gpu(claim, planner->host);
        if (its != NULL && pci_addr_cmp(&its->addr, gpu) == 0) {
            return true;
        }
    }
    return false;
}

/* The GPU that is the device, or that has it as a virtual function or carries it as an mdev. */
static const struct gpu *gpu_of(const struct host *host, const struct vm_device *device,
                                struct pci_addr *ret_carrier)
{
    *ret_carrier = device->addr;
    for (vec_each(&host->gpus, gpu)) {
        const struct vgpu *mdev =
            device->is_mdev ? gpu_find_vgpu_mdev(gpu, device->mdev_uuid) : NULL;
        if (mdev != NULL) {
            *ret_carrier = mdev->vf;
            return gpu;
        }
        if (!device->is_mdev && pci_addr_cmp(&gpu->addr, &device->addr) == 0) {
            return gpu;
        }
        for (size_t i = 0; !device->is_mdev && i < gpu->vfs.n; i++) {
            if (pci_addr_cmp(&gpu->vfs.items[i].addr, &device->addr) == 0) {
                return gpu;
            }
        }
    }
    return NULL;
}

/* Does the plan give something on the GPU to a claim of another VM? */
static bool is_given(const struct plan *plan, const struct vm *vm, const struct pci_addr *gpu)
{
    for (vec_each(&plan->claims, entry)) {
        if (entry->verb == PLAN_BIND && entry->claim.assigned.set &&
            pci_addr_cmp(&entry->claim.assigned.gpu, gpu) == 0 &&
            !claim_is_of(&entry->claim, vm->name, vm->uuid)) {
            return true;
        }
    }
    return false;
}

/* Does a step take the part of the GPU away? */
static bool is_wiped(const struct plan *plan, const struct pci_addr *gpu,
                     const struct vm_device *device)
{
    for (vec_each(&plan->steps, step)) {
        if (pci_addr_cmp(&step->gpu, gpu) != 0) {
            continue;
        }
        switch ((int)step->kind) {
        case STEP_SRIOV_DISABLE:
        case STEP_SRIOV_ENABLE:
        case STEP_BIND_VFIO:
            return true;
        case STEP_VGPU_DELETE:
            if (vm_device_is(device, &step->device, step->mdev_uuid)) {
                return true;
            }
            break;
        default:
            break;
        }
    }
    return false;
}

/* Does the plan turn on virtual functions that are off now? With them the GPU stays with its
 * driver, which libvirt can't take it from (libvirt unbinds what is managed when the VM starts). */
static bool is_shared_out(const struct plan *plan, const struct gpu *gpu)
{
    bool on = gpu->vfs_enabled > 0;
    for (vec_each(&plan->steps, step)) {
        if (pci_addr_cmp(&step->gpu, &gpu->addr) == 0) {
            on = step->kind == STEP_SRIOV_ENABLE || (on && step->kind != STEP_SRIOV_DISABLE);
        }
    }
    return on && gpu->vfs_enabled == 0;
}

/* A function next to a GPU that goes with it to another VM. */
static bool is_companion_of_other(const struct plan *plan, const struct vm *vm,
                                  const struct vm_device *device)
{
    for (vec_each(&plan->steps, step)) {
        if (step->kind == STEP_COMPANION_VFIO && vm_device_is(device, &step->device, "")) {
            for (vec_each(&plan->claims, entry)) {
                if (str_eq(entry->claim.name, step->claim) &&
                    !claim_is_of(&entry->claim, vm->name, vm->uuid)) {
                    return true;
                }
            }
        }
    }
    return false;
}

static bool is_barred(const struct planner *planner, const struct plan *plan, const struct vm *vm,
                      const struct vm_device *device, struct pci_addr *ret_device)
{
    const struct gpu *gpu = gpu_of(planner->host, device, ret_device);
    if (gpu == NULL) {
        return is_companion_of_other(plan, vm, device);
    }
    bool whole = !device->is_mdev && pci_addr_cmp(&gpu->addr, &device->addr) == 0;
    if (!whole) {
        return is_wiped(plan, &gpu->addr, device);
    }
    return is_shared_out(plan, gpu) ||
           (is_given(plan, vm, &gpu->addr) && !is_taken_now(planner, &gpu->addr));
}

void bars_note(const struct planner *planner, struct plan *plan)
{
    for (vec_each(&planner->host->vms, vm)) {
        for (vec_each(&vm->devices, device)) {
            struct pci_addr addr = {0};
            if (!vm_is_on(vm) && device->persistent && !is_claimed(planner, vm, device) &&
                is_barred(planner, plan, vm, device, &addr)) {
                struct plan_bar *bar = vec_push(&plan->bars);
                STR_SET(bar->vm, vm->name);
                bar->device = addr;
                STR_SET(bar->mdev_uuid, device->is_mdev ? device->mdev_uuid : "");
                break;
            }
        }
    }
}

/* What the VM's definition has of a GPU, and no claim put there; not what the claim takes. */
static const struct vm_device *find_by_hand(const struct planner *planner, const struct vm *vm,
                                            const struct claim *claim, const struct gpu **ret_gpu)
{
    struct claim_device own = {0};
    bool has_own = claim_device(claim, &own);
    for (vec_each(&vm->devices, device)) {
        struct pci_addr carrier = {0};
        *ret_gpu = gpu_of(planner->host, device, &carrier);
        if (*ret_gpu != NULL && device->claim[0] == '\0' && !is_claimed(planner, vm, device) &&
            !(has_own && vm_device_is(device, &own.device, own.mdev_uuid))) {
            return device;
        }
    }
    return NULL;
}

void bars_note_doubles(const struct planner *planner, struct plan *plan)
{
    for (vec_each(&plan->claims, entry)) {
        const struct claim *claim = &entry->claim;
        bool comes = entry->verb == PLAN_BIND || entry->verb == PLAN_DEALLOCATE;
        const struct vm *vm = comes && !plan_claim_is_old(entry) && claim->vm[0] != '\0'
                                  ? host_find_vm_of(planner->host, claim->vm, claim->vm_uuid)
                                  : NULL;
        const struct gpu *gpu = NULL;
        const struct vm_device *device = vm != NULL ? find_by_hand(planner, vm, claim, &gpu) : NULL;
        if (device == NULL) {
            continue;
        }
        char address[BDF_SIZE];
        char bdf[BDF_SIZE];
        struct plan_warning *warning = vec_push(&plan->warnings);
        STR_SET(warning->claim, claim->name);
        str_print(warning->text, sizeof(warning->text),
                  "VM \"%s\" already has %s of GPU %s without a claim, so it will have two; if "
                  "claim \"%s\" is to replace that device, remove it (`virsh edit %s`)",
                  vm->name, vm_device_name(device, address), pci_addr_format(&gpu->addr, bdf),
                  claim->name, SHELL_WORD(vm->name));
    }
}
