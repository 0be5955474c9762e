/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/start_check.h"

#include "base/str.h"
#include "state/state.h"
#include "vm/by_hand.h"
#include "vm/foreign.h"
#include "vm/power.h"
#include "vm/saved.h"

/* Is the claim the VM's, or kept ready for it because it comes from another host? */
static bool is_own(const struct start_check *check, const struct claim *claim)
{
    return claim_is_of(claim, check->vm->name, check->vm->uuid) ||
           holds_lend(&check->manager->holds, claim->name, check->vm->name, check->vm->uuid);
}

static int refuse_device(const struct start_check *check, const struct vm_device *device,
                         enum reason reason, struct error *err, const char *why, const char *whose)
{
    char bdf[BDF_SIZE];
    return error_set(err, reason, SUBJECT("vm", check->vm->name), "VM \"%s\" can't start: %s %s %s",
                     check->vm->name, vm_device_name(device, bdf), why, whose);
}

/* A device that carries cleave's alias must be that of its claim. */
static int check_alias(const struct start_check *check, const struct vm_device *device,
                       struct error *err)
{
    const struct claim *claim = claims_find(&check->manager->claims, device->claim);
    struct claim_device own = {0};
    char whose[VM_NAME_SIZE + 96];
    if (claim == NULL || !is_own(check, claim)) {
        return foreign_refuse_device(check->manager, check->vm, device, err);
    }
    if (!claim_device(claim, &own) || !vm_device_is(device, &own.device, own.mdev_uuid)) {
        str_print(whose, sizeof(whose), "\"%s\", which has another device now", claim->name);
        refuse_device(check, device, REASON_CONFLICT, err, "is in its definition for claim", whose);
        error_hint(err, "`cleave vm start %s` corrects the definition", SHELL_ARG(check->vm->name));
        return -REASON_CONFLICT;
    }
    return 0;
}

/* The claim of this VM for which the definition names the device. */
static const struct claim *own_claim(const struct start_check *check,
                                     const struct vm_device *device)
{
    for (vec_each(&check->manager->claims, claim)) {
        struct claim_device own = {0};
        if (is_own(check, claim) && claim_device(claim, &own) &&
            vm_device_is(device, &own.device, own.mdev_uuid)) {
            return claim;
        }
    }
    return NULL;
}

/* The VM whose saved state has what its claim holds: NULL if it is not saved. */
static const struct vm *saved_vm_of(const struct start_check *check, const struct claim *holder)
{
    const struct vm *vm = holder->vm[0] == '\0'
                              ? NULL
                              : host_find_vm_of(check->manager->host, holder->vm, holder->vm_uuid);
    return vm != NULL && vm->saved ? vm : NULL;
}

static void hint_saved(const struct start_check *check, const struct vm *vm, struct error *err)
{
    if (saved_find_stuck(check->manager, vm, vm->saved_devices.items, vm->saved_devices.n) !=
        NULL) {
        error_hint(err,
                   "VM \"%s\" is saved with this device and can't start from that state: `virsh "
                   "managedsave-remove %s`",
                   vm->name, SHELL_WORD(vm->name));
        return;
    }
    error_hint(err,
               "VM \"%s\" is saved with this device: start it, or `virsh managedsave-remove %s`",
               vm->name, SHELL_WORD(vm->name));
}

static const struct gpu *wanted_gpu(const struct host *host, const struct claim *claim)
{
    if (claim->spec.gpu[0] != '\0') {
        return host_find_gpu(host, claim->spec.gpu);
    }
    return claim->reserved.set ? host_find_gpu_addr(host, &claim->reserved.gpu) : NULL;
}

void start_check_explain(const struct start_check *check, const struct missing_devices *needs,
                         struct error *err)
{
    for (vec_each(&check->manager->claims, claim)) {
        const struct vm *vm = claim_holds(claim) ? saved_vm_of(check, claim) : NULL;
        for (size_t i = 0; vm != NULL && i < needs->to_create.n; i++) {
            const struct claim *lacks = &needs->to_create.items[i];
            const struct gpu *gpu = claim_find_gpu(claim, check->manager->host);
            const struct gpu *wanted = wanted_gpu(check->manager->host, lacks);
            if (gpu != NULL && wanted == gpu) {
                hint_saved(check, vm, err);
                return;
            }
        }
    }
}

static int refuse_taken(const struct start_check *check, const struct vm_device *device,
                        const struct claim *own, const struct claim *holder, struct error *err)
{
    char bdf[BDF_SIZE];
    error_set(err, REASON_NO_CAPACITY, SUBJECT("claim", own->name),
              "VM \"%s\" can't start: %s, which its definition names for claim \"%s\", is taken by "
              "claim \"%s\"%s%s%s",
              check->vm->name, vm_device_name(device, bdf), own->name, holder->name,
              holder->vm[0] != '\0' ? " of VM \"" : "", holder->vm,
              holder->vm[0] != '\0' ? "\"" : "");
    bool no_other = own->spec.mode == CLAIM_PASSTHROUGH && own->spec.gpu[0] != '\0';
    const struct vm *saved = saved_vm_of(check, holder);
    if (saved != NULL) {
        hint_saved(check, saved, err);
    } else if (no_other && holder->vm[0] != '\0') {
        error_hint(err, "stop VM \"%s\" first; an on-demand claim then releases the GPU",
                   holder->vm);
    } else if (no_other) {
        error_hint(err, "delete the claim that has the device: `cleave claim delete %s`",
                   holder->name);
    } else {
        error_hint(err, "`cleave vm start %s` can choose another device",
                   SHELL_ARG(check->vm->name));
    }
    return -REASON_NO_CAPACITY;
}

/* `ret_needs->release`: another VM is giving it back. */
static int check_device(const struct start_check *check, const struct vm_device *device,
                        struct missing_devices *ret_needs, struct error *err)
{
    const struct claim *claim = by_hand_find_holder(check->manager, device);
    if (claim != NULL && !is_own(check, claim)) {
        if (!check->out_of_time && power_gives_back(check->manager, claim)) {
            ret_needs->release = true;
            return 0;
        }
        char whose[VM_NAME_SIZE + 96];
        const struct claim *own = own_claim(check, device);
        if (own != NULL) {
            return refuse_taken(check, device, own, claim, err);
        }
        const struct claim *named = claims_find(&check->manager->claims, device->claim);
        if (named != NULL && is_own(check, named)) {
            return check_alias(check, device, err); /* its own has moved: the definition is old */
        }
        str_print(whose, sizeof(whose), "\"%s\"%s%s%s", claim->name,
                  claim->vm[0] != '\0' ? " of VM \"" : "", claim->vm,
                  claim->vm[0] != '\0' ? "\"" : "");
        refuse_device(check, device, REASON_IN_USE, err, "belongs to claim", whose);
        const struct vm *saved = saved_vm_of(check, claim);
        if (saved != NULL) {
            hint_saved(check, saved, err);
        } else if (device->claim[0] != '\0') {
            error_hint(err, "`cleave gc` removes it from the definition of VM \"%s\"",
                       check->vm->name);
        } else { /* the claim is another VM's, which did nothing wrong */
            error_hint(err, "remove it from the definition of VM \"%s\": `virsh edit %s`",
                       check->vm->name, SHELL_WORD(check->vm->name));
        }
        return -REASON_IN_USE;
    }
    return device->claim[0] == '\0' ? 0 : check_alias(check, device, err);
}

static bool has_device(const struct vm *vm, const struct claim_device *wanted)
{
    for (vec_each(&vm->devices, device)) {
        if (vm_device_is(device, &wanted->device, wanted->mdev_uuid)) {
            return true;
        }
    }
    return false;
}

/* A VM that comes up without its GPU helps no one. */
static int check_definition(const struct start_check *check, struct error *err)
{
    for (vec_each(&check->manager->claims, claim)) {
        struct claim_device own = {0};
        bool settled = claim->state == CLAIM_BOUND || claim->state == CLAIM_PENDING;
        if (!settled || !is_own(check, claim) || !claim_device(claim, &own) ||
            has_device(check->vm, &own)) {
            continue;
        }
        char bdf[BDF_SIZE];
        error_set(err, REASON_CONFLICT, SUBJECT("claim", claim->name),
                  "VM \"%s\" can't start: its definition lacks %s, the device of claim \"%s\"",
                  check->vm->name, device_name(own.mdev_uuid, &own.device, bdf), claim->name);
        error_hint(err, "`cleave vm start %s` puts the device in", SHELL_ARG(check->vm->name));
        return -REASON_CONFLICT;
    }
    return 0;
}

int start_check_judge(const struct start_check *check, struct missing_devices *ret_needs,
                      struct error *err)
{
    int r = hold_check(&check->manager->holds, hold_vm(check->vm->name, check->vm->uuid),
                       WANT_VM_BOOT, NULL, err);
    for (size_t i = 0; r == 0 && i < check->vm->devices.n; i++) {
        r = check_device(check, &check->vm->devices.items[i], ret_needs, err);
    }
    r = r != 0 ? r : check_definition(check, err);
    return r != 0 ? r : power_needs(check->manager, check->vm, ret_needs, err);
}

bool start_check_concerns_us(const struct start_check *check)
{
    for (vec_each(&check->manager->claims, claim)) {
        if (is_own(check, claim)) {
            return true;
        }
    }
    return check->vm->devices.n > 0;
}
