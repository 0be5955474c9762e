/* SPDX-License-Identifier: Apache-2.0 */
#include "sim_machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "test.h"

#define FIRST_PID 1000

/* ---- the machine ---- */

void sim_machine_init(struct sim_machine *machine, const char *boards,
                      const struct sim_host_changes *changes, const struct catalog *catalog)
{
    static const struct sim_host_changes none = {0};
    struct error err = {0};
    *machine = (struct sim_machine){0};
    if (sim_host_load_as(boards, changes != NULL ? changes : &none, catalog, &machine->host,
                         &err) != 0) {
        fail_msg("%s: %s", boards, err.message);
    }
}

void sim_machine_done(struct sim_machine *machine)
{
    for (vec_each(&machine->vms, vm)) {
        vec_done(&vm->devices);
    }
    vec_done(&machine->vms);
    sim_host_free(machine->host);
    machine->host = NULL;
}

struct sim_extra *sim_machine_add_extra(struct sim_machine *machine, const struct sim_gpu *gpu,
                                        const char *bdf, uint32_t class, const char *driver)
{
    struct sim_extra *extra = &machine->host->extras[machine->host->n_extras++];
    *extra = (struct sim_extra){.pci_vendor = 0x10de,
                                .pci_device = 0x22ba,
                                .pci_class = class,
                                .iommu_group = gpu->iommu_group};
    STR_SET(extra->home_driver, driver);
    STR_SET(extra->driver, driver);
    assert_true(pci_addr_parse(bdf, &extra->addr));
    return extra;
}

struct vm *sim_machine_add_vm(struct sim_machine *machine, const char *name)
{
    struct vm *vm = vec_push(&machine->vms);
    *vm = (struct vm){.state = VM_SHUT_OFF};
    STR_SET(vm->name, name);
    snprintf(vm->uuid, sizeof(vm->uuid), "00000000-0000-4000-8000-%012zx", machine->vms.n);
    return vm;
}

struct vm_device *sim_machine_define(struct vm *vm, const char *bdf)
{
    struct vm_device *device = vec_push(&vm->devices);
    *device = (struct vm_device){.persistent = true, .managed = true};
    assert_true(pci_addr_parse(bdf, &device->addr));
    return device;
}

static const char *name_of(const struct vm_device *device, char out[40])
{
    if (device->is_mdev) {
        str_copy(out, 40, device->mdev_uuid);
    } else {
        char bdf[BDF_SIZE];
        str_copy(out, 40, pci_addr_format(&device->addr, bdf));
    }
    return out;
}

static int32_t pid_of(const struct sim_machine *machine, const struct vm *vm)
{
    return FIRST_PID + (int32_t)(vm - machine->vms.items);
}

const char *sim_driver_of(struct sim_host *host, const struct pci_addr *addr)
{
    struct sim_gpu *gpu = sim_find_gpu(host, addr);
    struct sim_extra *extra = sim_find_extra(host, addr);
    return gpu != NULL ? gpu->driver : extra != NULL ? extra->driver : "";
}

/* driver_override, unbind, probe, as every tool does it. */
int sim_rebind(struct sim_host *host, const struct pci_addr *addr, const char *override)
{
    char now[16];
    str_copy(now, sizeof(now), sim_driver_of(host, addr));
    int r = sim_set_driver_override(host, addr, override);
    if (r == 0 && now[0] != '\0' && !str_eq(now, override)) {
        struct sim_gpu *gpu = sim_find_gpu(host, addr);
        if (gpu != NULL && str_eq(now, "nvidia")) {
            sim_set_unbind_lock(host, gpu, true);
        }
        r = sim_unbind(host, addr, now);
    }
    return r == 0 ? sim_drivers_probe(host, addr) : r;
}

int sim_machine_start(struct sim_machine *machine, struct vm *vm, struct error *err)
{
    struct sim_host *host = machine->host;
    char name[40];
    sim_lock(host);
    int r = 0;
    for (size_t i = 0; r == 0 && i < vm->devices.n; i++) {
        const struct vm_device *device = &vm->devices.items[i];
        bool whole = !device->is_mdev && sim_find_vf(host, &device->addr, NULL) == NULL;
        if (device->managed && whole && !str_eq(sim_driver_of(host, &device->addr), "vfio-pci")) {
            r = sim_rebind(host, &device->addr, "vfio-pci");
        }
    }
    size_t opened = 0;
    for (; r == 0 && opened < vm->devices.n; opened++) {
        const struct vm_device *device = &vm->devices.items[opened];
        if (sim_find_extra(host, &device->addr) == NULL) {
            r = sim_open_device(host, name_of(device, name), pid_of(machine, vm), vm->uuid);
        }
        if (r != 0) {
            error_set(err, REASON_DRIVER, vm->name, "VM %s can't open %s: %s", vm->name, name,
                      strerror(-r));
        }
    }
    for (vec_each(&vm->devices, device)) {
        device->live = r == 0;
    }
    vm->state = r == 0 ? VM_RUNNING : VM_SHUT_OFF;
    sim_unlock(host);
    if (r != 0) {
        sim_machine_stop(machine, vm);
    }
    return r == 0 ? 0 : -REASON_DRIVER;
}

void sim_machine_stop(struct sim_machine *machine, struct vm *vm)
{
    char name[40];
    sim_lock(machine->host);
    for (vec_each(&vm->devices, device)) {
        sim_close_device(machine->host, name_of(device, name), pid_of(machine, vm));
        device->live = false;
    }
    vm->state = VM_SHUT_OFF;
    sim_unlock(machine->host);
}
