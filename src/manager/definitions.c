/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cleave's own steps put into VMs' definitions and took out, noted before libvirt is asked
 * again: a plan that follows at once, as a restoration's does, must not do it once more.
 */
#include "base/str.h"
#include "manager/state.h"

static void note_step(struct vm *vm, const struct step *step)
{
    size_t i = 0;
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

void manager_note_definitions(struct manager *m, const struct plan *plan)
{
    for (vec_each(&plan->steps, step)) {
        bool edits = step->kind == STEP_ATTACH || step->kind == STEP_DETACH;
        struct vm *vm = edits && step->state == STEP_DONE && m->host != NULL
                            ? host_find_vm_of(m->host, step->vm, step->vm_uuid)
                            : NULL;
        if (vm != NULL) {
            note_step(vm, step);
        }
    }
}
