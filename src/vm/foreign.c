/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices that a definition names for claims that are not its VM's: as of a VM that was cloned,
 * made from another's definition, or comes from a backup of another host.
 */
#include "vm/foreign.h"

#include "base/str.h"
#include "state/released_record.h"
#include "state/state.h"

static bool is_foreign(const struct manager *m, const struct vm *vm, const struct vm_device *device)
{
    const struct claim *claim = claims_find(&m->claims, device->claim);
    return device->persistent && device->claim[0] != '\0' &&
           (claim == NULL || !claim_is_of(claim, vm->name, vm->uuid));
}

static void add_devices(const struct manager *m, const char *name, struct steps *ret_steps)
{
    const struct vm *vm =
        m->host->libvirt_problem[0] == '\0' && name[0] != '\0' ? host_find_vm(m->host, name) : NULL;
    if (vm == NULL || vm->transient || vm->state != VM_SHUT_OFF) {
        return;
    }
    for (vec_each(&vm->devices, device)) {
        if (is_foreign(m, vm, device)) {
            struct step *step = vec_push(ret_steps);
            *step = step_make(STEP_DETACH, &device->addr);
            STR_SET(step->claim, device->claim);
            STR_SET(step->vm, vm->name);
            STR_SET(step->vm_uuid, vm->uuid);
            step->device = device->addr;
            STR_SET(step->mdev_uuid, device->is_mdev ? device->mdev_uuid : "");
        }
    }
}

void foreign_find(const struct manager *m, const struct claim *const *add, size_t n,
                  struct steps *ret_steps)
{
    for (size_t i = 0; i < n; i++) {
        bool seen = add[i]->vm[0] == '\0' || add[i]->spec.mode == CLAIM_GPU_INSTANCE;
        for (size_t k = 0; !seen && k < i; k++) {
            seen = str_eq(add[k]->vm, add[i]->vm) && add[k]->spec.mode != CLAIM_GPU_INSTANCE;
        }
        if (!seen) {
            add_devices(m, add[i]->vm, ret_steps);
        }
    }
}

int foreign_refuse_device(const struct manager *m, const struct vm *vm,
                          const struct vm_device *device, struct error *err)
{
    const struct claim *claim = claims_find(&m->claims, device->claim);
    enum reason reason = claim == NULL ? REASON_NOT_FOUND : REASON_IN_USE;
    char whose[VM_NAME_SIZE + 32] = "which does not exist any more";
    char bdf[BDF_SIZE];
    if (claim != NULL) {
        str_print(whose, sizeof(whose), "of VM \"%s\"", claim->vm);
    }
    error_set(err, reason, SUBJECT("vm", vm->name),
              "VM \"%s\" can't start: %s is in its definition for claim \"%s\"%s %s", vm->name,
              vm_device_name(device, bdf), device->claim, claim == NULL ? "," : "", whose);
    if (claim != NULL) {
        error_hint(err,
                   "`cleave gc` removes it from the definition, as for any cloned VM; then make a "
                   "claim for this VM: `cleave claim create NAME --vm %s …`",
                   SHELL_WORD(vm->name));
    } else if (released_has(m, device->claim)) {
        error_hint(
            err,
            "the claim was released while the VM was gone: `cleave claim restore %s` restores it",
            device->claim);
    } else {
        error_hint(err, "`cleave gc` removes it from the definition");
    }
    return -(int)reason;
}

int foreign_refuse(const struct manager *m, const struct vm *vm, struct error *err)
{
    for (vec_each(&vm->devices, device)) {
        if (is_foreign(m, vm, device)) {
            return foreign_refuse_device(m, vm, device, err);
        }
    }
    return 0;
}
