/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VMs that are saved: libvirt starts one with the devices that its saved state names. cleave lets
 * that name the claims' devices of now (driver/libvirt/saved_state.c), as long as they are of the
 * same kind: what can't be put in is known before anything is done.
 */
#include "vm/saved.h"

#include "base/str.h"
#include "state/released_record.h"
#include "state/state.h"

/* The claim as the plan leaves it, or as it is. */
static const struct claim *claim_after(const struct manager *m, const struct plan *plan,
                                       const char *name)
{
    for (size_t i = 0; plan != NULL && i < plan->claims.n; i++) {
        const struct plan_claim *entry = &plan->claims.items[i];
        if ((entry->verb == PLAN_BIND || entry->verb == PLAN_DEALLOCATE) &&
            str_eq(entry->claim.name, name)) {
            return &entry->claim;
        }
    }
    return claims_find(&m->claims, name);
}

static const struct vm_device *find_stuck(const struct manager *m, const struct vm *vm,
                                          const struct plan *plan, const struct vm_device *devices,
                                          size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct claim *claim =
            devices[i].claim[0] != '\0' ? claim_after(m, plan, devices[i].claim) : NULL;
        if (claim != NULL && claim_is_of(claim, vm->name, vm->uuid) &&
            claim_is_mdev(claim, m->host) == (devices[i].is_mdev ? TRI_NO : TRI_YES)) {
            return &devices[i];
        }
    }
    return NULL;
}

const struct vm_device *saved_find_stuck(const struct manager *m, const struct vm *vm,
                                         const struct vm_device *devices, size_t n)
{
    return find_stuck(m, vm, NULL, devices, n);
}

void saved_hint_forget(const struct vm *vm, struct error *err)
{
    error_hint(err,
               "this host can't restore the state: `virsh managedsave-remove %s` deletes it, and "
               "the guest's memory with it; then the VM boots",
               SHELL_WORD(vm->name));
}

/* In the saved state for a claim that is gone, or another VM's: nothing puts another one in. */
static int refuse_lost(const struct manager *m, const struct vm *vm, const struct vm_device *device,
                       struct error *err)
{
    const struct claim *claim = claims_find(&m->claims, device->claim);
    char bdf[BDF_SIZE];
    error_set(err, REASON_CONFLICT, SUBJECT("vm", vm->name),
              "VM \"%s\" can't start: its saved state has %s for claim \"%s\", which is %s",
              vm->name, vm_device_name(device, bdf), device->claim,
              claim == NULL ? "gone" : "another VM's");
    if (claim == NULL && released_has(m, device->claim)) {
        error_hint(err, "the claim was released: `cleave claim restore %s` restores it",
                   device->claim);
    } else {
        saved_hint_forget(vm, err);
    }
    return -REASON_CONFLICT;
}

int saved_refuse(const struct manager *m, const struct vm *vm, const struct plan *plan,
                 struct error *err)
{
    if (!vm->saved) {
        return 0;
    }
    const struct vm_device *stuck =
        find_stuck(m, vm, plan, vm->saved_devices.items, vm->saved_devices.n);
    if (stuck != NULL) {
        error_set(
            err, REASON_UNSUPPORTED, SUBJECT("vm", vm->name),
            "VM \"%s\" can't start: its saved state has a %s for claim \"%s\", which has a %s "
            "now",
            vm->name, stuck->is_mdev ? "mediated device" : "PCI function", stuck->claim,
            stuck->is_mdev ? "PCI function" : "mediated device");
        saved_hint_forget(vm, err);
        return -REASON_UNSUPPORTED;
    }
    for (vec_each(&vm->saved_devices, device)) {
        const struct claim *claim =
            device->claim[0] != '\0' ? claim_after(m, plan, device->claim) : NULL;
        if (device->claim[0] != '\0' &&
            (claim == NULL || !claim_is_of(claim, vm->name, vm->uuid))) {
            return refuse_lost(m, vm, device, err);
        }
    }
    return 0;
}
