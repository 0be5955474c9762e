/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Definitions that still name old devices though the host is restored: of VMs that are on or saved,
 * of claims whose GPU is out, and what people put there. A restoration can't change those, so it
 * names them. A saved state can't be read in passing: what its claims had when it was last seen is
 * remembered instead.
 */
#include "restore/stale.h"

#include "base/str.h"
#include "model/encode.h"
#include "model/host_device.h"
#include "plan/restore.h"

#define MAX_STALE 256

struct finding {
    const struct vm *vm;
    const char *claim; /* "": none */
    const char *device;
    char problem[ERROR_TEXT_SIZE];
    char hint[ERROR_TEXT_SIZE];
};

static bool is_same(const struct claim_device *a, const struct claim_device *b)
{
    return claim_device_is(a, &b->device, b->mdev_uuid);
}

/* ---- what claims had ---- */

static struct stale_device *find_before(const struct stale_devices *before, const char *claim)
{
    for (vec_each(before, it)) {
        if (str_eq(it->claim, claim)) {
            return it;
        }
    }
    return NULL;
}

void stale_remember(struct stale_devices *before, const struct claims *claims)
{
    for (vec_each(claims, claim)) {
        struct claim_device device = {0};
        if (claim->vm[0] != '\0' && claim_device(claim, &device) &&
            find_before(before, claim->name) == NULL) {
            struct stale_device *it = vec_push(before);
            STR_SET(it->claim, claim->name);
            it->device = device;
        }
    }
}

void stale_forget(struct stale_devices *before, const struct host *host,
                  const struct claims *claims)
{
    for (size_t i = before->n; host->libvirt_problem[0] == '\0' && i > 0; i--) {
        const struct claim *claim = claims_find(claims, before->items[i - 1].claim);
        const struct vm *vm =
            claim != NULL ? host_find_vm_of(host, claim->vm, claim->vm_uuid) : NULL;
        if (claim == NULL || (vm != NULL && !vm->saved)) {
            vec_remove(before, i - 1);
        }
    }
}

/* ---- what is found ---- */

static void add(json_t *list, const struct finding *it)
{
    if (json_array_size(list) < MAX_STALE) {
        json_array_append_new(list, json_pack("{s:s, s:o, s:s, s:s, s:s}", "vm", it->vm->name,
                                              "claim", encode_text(it->claim), "device", it->device,
                                              "problem", it->problem, "hint", it->hint));
    }
}

/* Its saved state names what the claim had when it was saved. */
static void find_saved(const struct host *host, const struct vm *vm, const struct claim *claim,
                       const struct stale_devices *before, json_t *list)
{
    char was[BDF_SIZE];
    char is[BDF_SIZE];
    struct claim_device now = {0};
    const struct stale_device *then = find_before(before, claim->name);
    if (!vm->saved || then == NULL || !claim_device(claim, &now) || is_same(&then->device, &now)) {
        return;
    }
    struct finding it = {.vm = vm, .claim = claim->name};
    it.device = device_name(then->device.mdev_uuid, &then->device.device, was);
    str_print(it.problem, sizeof(it.problem),
              "its saved state names %s for claim \"%s\", which has %s now", it.device, claim->name,
              device_name(now.mdev_uuid, &now.device, is));
    if ((then->device.mdev_uuid[0] != '\0') != (claim_is_mdev(claim, host) == TRI_YES)) {
        str_print(it.hint, sizeof(it.hint),
                  "the VM can't start from that state: `virsh managedsave-remove %s` deletes the "
                  "state, and the guest's memory with it",
                  SHELL_WORD(vm->name));
    } else {
        str_print(
            it.hint, sizeof(it.hint),
            "`cleave vm start %s` puts the claim's device into the saved state, and starts it",
            SHELL_ARG(vm->name));
    }
    add(list, &it);
}

static void find_of_claim(const struct host *host, const struct vm *vm,
                          const struct vm_device *device, const struct claim *claim, json_t *list)
{
    char was[BDF_SIZE];
    char is[BDF_SIZE];
    struct claim_device now = {0};
    struct finding it = {.vm = vm, .claim = claim->name};
    it.device = vm_device_name(device, was);
    bool holds = claim_holds(claim);
    if (!claim_device(claim, &now)) {
        return;
    }
    if (holds && claim_find_gpu(claim, host) == NULL) {
        const struct gpu *gpu = restore_gpu_of(host, claim);
        str_print(it.problem, sizeof(it.problem),
                  "its definition names %s for claim \"%s\", whose %s%s", it.device, claim->name,
                  gpu != NULL ? "GPU moved to " : "GPU is not on this host",
                  gpu != NULL ? pci_addr_format(&gpu->addr, is) : "");
        str_print(it.hint, sizeof(it.hint),
                  gpu != NULL ? "the definition follows when claim %s has its device back: `cleave "
                                "host restore`"
                              : "put the board back, or `cleave claim delete %s` takes the device "
                                "out of the definition",
                  claim->name);
    } else if (!vm_device_is(device, &now.device, now.mdev_uuid)) {
        str_print(it.problem, sizeof(it.problem), "%s %s for claim \"%s\", which has %s now",
                  vm_is_on(vm) ? "it runs with" : "its definition names", it.device, claim->name,
                  device_name(now.mdev_uuid, &now.device, is));
        str_print(it.hint, sizeof(it.hint), "%s`cleave vm start %s` puts the claim's device in",
                  vm_is_on(vm) ? "shut it down; then " : "", SHELL_ARG(vm->name));
    } else {
        return;
    }
    add(list, &it);
}

/* Where another board sits now, none can tell what the person meant. */
static void find_by_hand(const struct host *host, const struct vm *vm,
                         const struct vm_device *device, json_t *list)
{
    char was[BDF_SIZE];
    enum host_device_state state = host_device_find(host, device).state;
    if (vm_is_on(vm) || !device->persistent ||
        (state != HOST_DEVICE_NO_MDEV && state != HOST_DEVICE_NO_FUNCTION &&
         state != HOST_DEVICE_VF_OFF && state != HOST_DEVICE_NO_VGPU)) {
        return;
    }
    struct finding it = {.vm = vm, .claim = ""};
    it.device = vm_device_name(device, was);
    str_print(it.problem, sizeof(it.problem),
              "its definition names %s, which does not exist and belongs to no claim", it.device);
    str_print(it.hint, sizeof(it.hint),
              "`cleave vm lint %s` shows more; change the definition: `virsh edit %s`",
              SHELL_ARG(vm->name), SHELL_WORD(vm->name));
    add(list, &it);
}

static bool is_claimed(const struct claims *claims, const struct vm *vm,
                       const struct vm_device *device)
{
    for (vec_each(claims, claim)) {
        struct claim_device own = {0};
        if (claim_is_of(claim, vm->name, vm->uuid) && claim_device(claim, &own) &&
            vm_device_is(device, &own.device, own.mdev_uuid)) {
            return true;
        }
    }
    return false;
}

json_t *stale_list(const struct host *host, const struct claims *claims,
                   const struct stale_devices *before)
{
    json_t *list = json_array();
    if (host == NULL || host->libvirt_problem[0] != '\0') {
        return list;
    }
    for (vec_each(&host->vms, vm)) {
        for (vec_each(&vm->devices, device)) {
            const struct claim *claim =
                device->claim[0] != '\0' ? claims_find(claims, device->claim) : NULL;
            if (claim != NULL && claim_is_of(claim, vm->name, vm->uuid)) {
                find_of_claim(host, vm, device, claim, list);
            } else if (device->claim[0] == '\0' && !is_claimed(claims, vm, device)) {
                find_by_hand(host, vm, device, list);
            }
        }
    }
    for (vec_each(claims, claim)) {
        const struct vm *vm =
            claim->vm[0] != '\0' ? host_find_vm_of(host, claim->vm, claim->vm_uuid) : NULL;
        if (vm != NULL) {
            find_saved(host, vm, claim, before, list);
        }
    }
    return list;
}
