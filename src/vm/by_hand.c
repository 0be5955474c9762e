/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices that a VM's definition names and none of its claims has: a person put them there. Can
 * libvirt, and its hook, give them to the VM? Who asks for a start hears it before anything is
 * done; libvirt itself says the same, later and in other words.
 */
#include "vm/by_hand.h"

#include "base/str.h"
#include "model/host_device.h"
#include "state/state.h"
#include "vm/power.h"

const struct claim *by_hand_find_holder(const struct manager *m, const struct vm_device *device)
{
    for (vec_each(&m->claims, claim)) {
        struct claim_device own = {0};
        if (!claim_holds(claim) || claim_is_displaced(claim, m->host)) {
            continue;
        }
        if (claim_device(claim, &own) && vm_device_is(device, &own.device, own.mdev_uuid)) {
            return claim;
        }
        if (!device->is_mdev && pci_addr_cmp(&claim->assigned.gpu, &device->addr) == 0) {
            return claim;
        }
    }
    return NULL;
}

/* Has a claim of the VM the device, or will its start put the claim's in the place of it? */
static bool is_of_own_claim(const struct manager *m, const struct vm *vm,
                            const struct vm_device *device)
{
    for (vec_each(&m->claims, claim)) {
        struct claim_device own = {0};
        if (!claim_is_of(claim, vm->name, vm->uuid) ||
            (claim->state != CLAIM_BOUND && claim->state != CLAIM_PENDING)) {
            continue;
        }
        if (str_eq(device->claim, claim->name) ||
            (claim_device(claim, &own) && vm_device_is(device, &own.device, own.mdev_uuid))) {
            return true;
        }
    }
    return false;
}

static const char *what_names(const struct vm *vm)
{
    return vm->saved ? "saved state" : "definition";
}

/* ---- what the host has ---- */

static void say_state(const struct host *host, const struct vm_device *device,
                      const struct host_device *it, char *out, size_t size)
{
    char gpu[BDF_SIZE] = "";
    const char *driver = it->whole ? it->gpu->driver : it->vf != NULL ? it->vf->driver : "";
    if (it->gpu != NULL) {
        pci_addr_format(&it->gpu->addr, gpu);
    }
    switch (it->state) {
    case HOST_DEVICE_UNKNOWN:
    case HOST_DEVICE_READY:
        out[0] = '\0';
        break;
    case HOST_DEVICE_NO_MDEV:
        str_print(out, size, "a mediated device that does not exist");
        break;
    case HOST_DEVICE_NO_FUNCTION:
        str_print(out, size, "an address that no PCI device of this host has");
        break;
    case HOST_DEVICE_VF_OFF:
        str_print(out, size, "a virtual function of GPU %s that is not enabled", gpu);
        break;
    case HOST_DEVICE_NO_VGPU:
        str_print(out, size, "a virtual function of GPU %s without a vGPU", gpu);
        break;
    case HOST_DEVICE_WITH_HOST:
        str_print(out, size, "%s, and its driver on the host is %s",
                  device->by_argument ? "in an argument for the emulator" : "without managed='yes'",
                  driver[0] != '\0' ? driver : "none");
        break;
    case HOST_DEVICE_SHARED_OUT:
        str_print(out, size, "whose virtual functions are on, so it stays with driver %s", driver);
        break;
    case HOST_DEVICE_OLD_LIBVIRT:
        str_print(out, size, "a vGPU of GPU %s, which libvirt %s can't assign", gpu,
                  host->libvirt_version);
        break;
    }
}

static int refuse_state(const struct host *host, const struct vm *vm,
                        const struct vm_device *device, const struct host_device *it,
                        struct error *err)
{
    char why[ERROR_TEXT_SIZE];
    char bdf[BDF_SIZE];
    if (!host_device_bars(it->state) ||
        (device->by_argument && it->state == HOST_DEVICE_OLD_LIBVIRT)) {
        return 0; /* what libvirt doesn't know of it doesn't refuse */
    }
    say_state(host, device, it, why, sizeof(why));
    error_set(err, REASON_CONFLICT, SUBJECT("vm", vm->name),
              "VM \"%s\" can't start: its %s names %s, %s", vm->name, what_names(vm),
              vm_device_name(device, bdf), why);
    if (it->state == HOST_DEVICE_NO_FUNCTION) {
        error_hint(err,
                   "write the present address of the device (`lspci -D`), or remove the device: "
                   "`virsh edit %s`",
                   SHELL_ARG(vm->name));
    } else if (it->state == HOST_DEVICE_WITH_HOST && !device->by_argument) {
        error_hint(err, "write managed='yes' in that element: `virsh edit %s`",
                   SHELL_ARG(vm->name));
    } else if (it->state == HOST_DEVICE_SHARED_OUT) {
        error_hint(err, "`cleave gpu mode %s idle` turns the virtual functions off",
                   pci_addr_format(&it->gpu->addr, bdf));
    } else if (it->state == HOST_DEVICE_OLD_LIBVIRT) {
        error_hint(err, "%sinstall libvirt %s or later",
                   device->managed ? "write managed='no' in that element, or " : "",
                   device->managed ? "10.0" : "9.7");
    } else {
        error_hint(err,
                   "remove the device (`virsh edit %s`), and claim a vGPU: `cleave claim create "
                   "NAME --vm %s --type TYPE`",
                   SHELL_ARG(vm->name), SHELL_WORD(vm->name));
    }
    return -REASON_CONFLICT;
}

/* ---- what others have ---- */

static int refuse_held(const struct manager *m, const struct vm *vm, const struct vm_device *device,
                       struct error *err)
{
    char bdf[BDF_SIZE];
    const struct claim *holder = by_hand_find_holder(m, device);
    if (holder == NULL || claim_is_of(holder, vm->name, vm->uuid) ||
        holds_lend(&m->holds, holder->name, vm->name, vm->uuid) || power_gives_back(m, holder)) {
        return 0;
    }
    bool has_vm = holder->vm[0] != '\0';
    error_set(err, REASON_IN_USE, SUBJECT("vm", vm->name),
              "VM \"%s\" can't start: its %s names %s, which belongs to claim \"%s\"%s%s%s",
              vm->name, what_names(vm), vm_device_name(device, bdf), holder->name,
              has_vm ? " of VM \"" : "", holder->vm, has_vm ? "\"" : "");
    error_hint(err,
               "remove the device (`virsh edit %s`), or delete the claim: `cleave claim delete %s`",
               SHELL_ARG(vm->name), holder->name);
    return -REASON_IN_USE;
}

/* libvirt gives a device to one VM at a time. */
static int refuse_running(const struct manager *m, const struct vm *vm,
                          const struct vm_device *device, struct error *err)
{
    for (vec_each(&m->host->vms, other)) {
        bool same = str_eq(other->name, vm->name) && str_eq(other->uuid, vm->uuid);
        for (size_t i = 0; !same && vm_is_on(other) && i < other->devices.n; i++) {
            const struct vm_device *theirs = &other->devices.items[i];
            char bdf[BDF_SIZE];
            if (!theirs->live ||
                !vm_device_is(theirs, &device->addr, device->is_mdev ? device->mdev_uuid : "")) {
                continue;
            }
            error_set(err, REASON_IN_USE, SUBJECT("vm", vm->name),
                      "VM \"%s\" can't start: its %s names %s, and VM \"%s\" runs with that device",
                      vm->name, what_names(vm), vm_device_name(device, bdf), other->name);
            error_hint(err, "stop VM \"%s\" first, or remove the device: `virsh edit %s`",
                       other->name, SHELL_ARG(vm->name));
            return -REASON_IN_USE;
        }
    }
    return 0;
}

int by_hand_refuse(const struct manager *m, const struct vm *vm, struct error *err)
{
    int r = 0;
    const struct vm_device *devices = vm->saved ? vm->saved_devices.items : vm->devices.items;
    size_t n = vm->saved ? vm->saved_devices.n : vm->devices.n;
    for (size_t i = 0; r == 0 && i < n; i++) {
        const struct vm_device *device = &devices[i];
        bool starts = vm->saved ? device->claim[0] == '\0' : device->persistent;
        if (!starts || is_of_own_claim(m, vm, device)) {
            continue; /* what a saved state has for claims: saved_refuse() */
        }
        struct host_device it = host_device_find(m->host, device);
        r = refuse_held(m, vm, device, err);
        r = r != 0 ? r : refuse_running(m, vm, device, err);
        r = r != 0 ? r : refuse_state(m->host, vm, device, &it, err);
        r = r != 0 || !it.whole ? r : power_refuse_group(vm, it.gpu, "", err);
    }
    if (r != 0 && vm->saved && err != NULL && !str_starts(err->hint, "stop VM")) {
        error_hint(err,
                   "its saved state names the device: `virsh managedsave-remove %s` deletes the "
                   "state, and the guest's memory with it",
                   SHELL_WORD(vm->name));
    }
    return r;
}

bool by_hand_takes_gpu(const struct manager *m, const struct vm *vm)
{
    for (size_t i = 0; !vm->saved && i < vm->devices.n; i++) {
        const struct vm_device *device = &vm->devices.items[i];
        struct host_device it = host_device_find(m->host, device);
        if (device->persistent && it.whole && gpu_at_home(it.gpu) && it.gpu->driver[0] != '\0' &&
            !is_of_own_claim(m, vm, device)) {
            return true;
        }
    }
    return false;
}
