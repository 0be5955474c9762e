/* SPDX-License-Identifier: Apache-2.0 */
#include "watch/vm_overlay.h"

#include "base/str.h"
#include "model/host_derive.h"
#include "state/state.h"
#include "watch/looks.h"

static bool is_about(const struct vm_overlay *overlay, const struct vm *vm)
{
    return overlay->vm.uuid[0] != '\0' ? str_eq_case(overlay->vm.uuid, vm->uuid)
                                       : str_eq(overlay->vm.name, vm->name);
}

static void copy_vm(const struct vm *from, struct vm *to, bool on)
{
    *to = *from;
    to->state = on ? VM_RUNNING : VM_SHUT_OFF;
    to->devices.items = NULL;
    to->devices.n = to->devices.cap = 0;
    to->saved_devices.items = NULL;
    to->saved_devices.n = to->saved_devices.cap = 0;
    for (vec_each(&from->devices, device)) {
        struct vm_device *copy = vec_push(&to->devices);
        *copy = *device;
        copy->live = on && device->live;
    }
}

static void set_live(struct vm *vm, const struct vm_device *live)
{
    for (vec_each(&vm->devices, device)) {
        if (vm_device_is(device, &live->addr, live->is_mdev ? live->mdev_uuid : "")) {
            device->live = true;
            return;
        }
    }
    *vec_push(&vm->devices) = *live;
}

/* A device is listed once, however often this is called for the same VM. */
static void set_live_devices(struct vm *vm, const struct vm_overlay *overlay)
{
    for (vec_each(&vm->devices, device)) {
        device->live = false;
    }
    for (size_t i = 0; overlay->on && i < overlay->vm.devices.n; i++) {
        if (overlay->vm.devices.items[i].live) {
            set_live(vm, &overlay->vm.devices.items[i]);
        }
    }
    for (size_t i = vm->devices.n; i > 0; i--) { /* of an earlier note */
        const struct vm_device *device = &vm->devices.items[i - 1];
        if (!device->live && !device->persistent) {
            vec_remove(&vm->devices, i - 1);
        }
    }
}

/* The live devices are those of the note; what is stored is left as it was seen. */
static void put_over(struct host *host, const struct vm_overlay *overlay)
{
    struct vm *vm = host_find_vm_of(host, overlay->vm.name, overlay->vm.uuid);
    if (vm == NULL) {
        if (overlay->on) {
            copy_vm(&overlay->vm, vec_push(&host->vms), true);
        }
        return;
    }
    vm->state = overlay->on ? VM_RUNNING : VM_SHUT_OFF;
    set_live_devices(vm, overlay);
}

static bool is_starting(const struct vm_overlay *overlay)
{
    return overlay->until == UINT64_MAX;
}

void vm_overlay_note(struct manager *m, const struct vm *vm, bool on)
{
    struct vm_overlay *overlay = NULL;
    for (vec_each(&m->vm_overlays, known)) {
        if (str_eq(known->vm.uuid, vm->uuid) && str_eq(known->vm.name, vm->name)) {
            overlay = known;
        }
    }
    overlay = overlay == NULL ? vec_push(&m->vm_overlays) : overlay;
    overlay->saved = overlay->saved && !on;
    bool starting = is_starting(overlay);
    if (starting && !on) {
        return; /* it failed, or that is about an earlier life: the start's end tells */
    }
    vm_drop_devices(&overlay->vm);
    copy_vm(vm, &overlay->vm, on);
    overlay->on = on;
    overlay->until = starting ? UINT64_MAX : looks_begun(m, SOURCE_GUESTS) + 1;
    if (m->host != NULL) {
        put_over(m->host, overlay);
        host_derive(m->host);
    }
}

static struct vm_overlay *find_starting(const struct manager *m, const char *name)
{
    for (vec_each(&m->vm_overlays, overlay)) {
        if (is_starting(overlay) && (str_eq(overlay->vm.name, name) ||
                                     (name[0] != '\0' && str_eq_case(overlay->vm.uuid, name)))) {
            return overlay;
        }
    }
    return NULL;
}

static bool has_step_device(const struct vm *vm, const struct step *step)
{
    for (vec_each(&vm->devices, device)) {
        if (vm_device_is(device, &step->device, step->mdev_uuid)) {
            return true;
        }
    }
    return false;
}

void vm_overlay_begin_start(struct manager *m, const struct vm *vm, const struct step *steps,
                            size_t n_steps)
{
    struct vm on = {0};
    copy_vm(vm, &on, true);
    for (size_t i = 0; i < on.devices.n; i++) {
        on.devices.items[i].live = vm->devices.items[i].persistent;
    }
    for (size_t i = 0; i < n_steps; i++) {
        if (!has_step_device(&on, &steps[i])) {
            struct vm_device *device = vec_push(&on.devices);
            device->is_mdev = steps[i].mdev_uuid[0] != '\0';
            device->addr = steps[i].device;
            device->live = true;
            STR_SET(device->mdev_uuid, steps[i].mdev_uuid);
            STR_SET(device->claim, steps[i].claim);
        }
    }
    vm_overlay_note(m, &on, true);
    vec_done(&on.devices);
    for (vec_each(&m->vm_overlays, overlay)) {
        if (str_eq(overlay->vm.uuid, vm->uuid) && str_eq(overlay->vm.name, vm->name)) {
            overlay->until = UINT64_MAX;
        }
    }
}

void vm_overlay_end_start(struct manager *m, const char *name)
{
    struct vm_overlay *overlay = find_starting(m, name);
    if (overlay != NULL) {
        overlay->until = looks_begun(m, SOURCE_GUESTS) + 1;
    }
}

bool vm_overlay_presumes_on(const struct manager *m, const struct vm *vm)
{
    for (vec_each(&m->vm_overlays, overlay)) {
        if (is_about(overlay, vm) && overlay->on) {
            return true;
        }
    }
    return false;
}

void vm_overlays_apply(struct manager *m)
{
    size_t i = 0;
    while (i < m->vm_overlays.n) {
        struct vm_overlay *overlay = &m->vm_overlays.items[i];
        if (overlay->until <= looks_ended(m, SOURCE_GUESTS)) {
            vm_drop_devices(&overlay->vm);
            vec_remove(&m->vm_overlays, i);
        } else {
            put_over(m->host, overlay);
            i++;
        }
    }
}

void vm_overlay_note_saved(struct manager *m, const struct vm *vm)
{
    vm_overlay_note(m, vm, false);
    for (vec_each(&m->vm_overlays, overlay)) {
        overlay->saved = overlay->saved || is_about(overlay, vm);
    }
}

bool vm_overlay_may_be_saved(const struct manager *m, const struct vm *vm)
{
    for (vec_each(&m->vm_overlays, overlay)) {
        if (overlay->saved && is_about(overlay, vm)) {
            return true;
        }
    }
    return false;
}

void vm_overlays_done(struct manager *m)
{
    for (vec_each(&m->vm_overlays, overlay)) {
        vm_drop_devices(&overlay->vm);
    }
    vec_done(&m->vm_overlays);
}
