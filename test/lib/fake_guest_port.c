/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "fake_host.h"

struct fake_guest_port {
    struct guest_port port;
    struct fake_host *host;
};

static struct fake_host *guest_host(struct guest_port *port)
{
    return ((struct fake_guest_port *)port)->host;
}

static int find_vm(struct guest_port *port, const char *name, struct fake_vm **ret_vm,
                   struct error *err)
{
    *ret_vm = fake_host_vm(guest_host(port), name);
    return *ret_vm != NULL ? 0 : error_set(err, REASON_NOT_FOUND, name, "no VM \"%s\"", name);
}

static uint32_t find_device(const struct fake_vm *vm, const struct pci_addr *device)
{
    uint32_t i = 0;
    while (i < vm->n_devices && pci_addr_cmp(&vm->devices[i], device) != 0) {
        i++;
    }
    return i;
}

static int fake_guest_check(struct guest_port *port, const struct step *step, struct error *err)
{
    struct fake_vm *vm = NULL;
    int r = find_vm(port, step->vm, &vm, err);
    if (r != 0) {
        return step->kind == STEP_DETACH ? 0 : r;
    }
    bool there = find_device(vm, &step->device) < vm->n_devices;
    if (there == (step->kind == STEP_ATTACH)) {
        return 0;
    }
    if (vm->running) {
        return error_set(err, REASON_IN_USE, vm->name, "VM \"%s\" is running", vm->name);
    }
    return 0;
}

static int fake_guest_apply(struct guest_port *port, struct step *step, struct error *err)
{
    int r = fake_guest_check(port, step, err);
    struct fake_vm *vm = fake_host_vm(guest_host(port), step->vm);
    if (r != 0 || vm == NULL) {
        return r;
    }
    uint32_t at = find_device(vm, &step->device);
    if (step->kind == STEP_ATTACH && at == vm->n_devices) {
        if (vm->n_devices == FAKE_DEVICES) {
            return error_set(err, REASON_DRIVER, vm->name, "too many devices");
        }
        vm->devices[vm->n_devices++] = step->device;
    } else if (step->kind == STEP_DETACH && at < vm->n_devices) {
        vm->devices[at] = vm->devices[--vm->n_devices];
    }
    return 0;
}

static int fake_guest_observe(struct guest_port *port, struct host *host, struct error *err)
{
    (void)err;
    const struct fake_host *fake = guest_host(port);
    STR_SET(host->libvirt_version, "0.0");
    for (size_t i = 0; i < FAKE_VMS; i++) {
        const struct fake_vm *from = &fake->vms[i];
        if (from->name[0] == '\0') {
            continue;
        }
        struct vm *vm = vec_push(&host->vms);
        STR_SET(vm->name, from->name);
        vm->state = from->running ? VM_RUNNING : VM_SHUT_OFF;
        for (uint32_t j = 0; j < from->n_devices; j++) {
            *vec_push(&vm->devices) = (struct vm_device){
                .addr = from->devices[j], .live = from->running, .persistent = true};
        }
    }
    return 0;
}

static int fake_guest_define(struct guest_port *port, const char *xml, const char *name,
                             struct error *err)
{
    if (fake_host_vm(guest_host(port), name) != NULL) {
        return error_set(err, REASON_CONFLICT, name, "VM \"%s\" exists", name);
    }
    if (!str_starts(xml, "<domain")) {
        return error_set(err, REASON_INVALID, name, "that is no domain");
    }
    return fake_host_add_vm(guest_host(port), name) != NULL
               ? 0
               : error_set(err, REASON_DRIVER, name, "too many VMs");
}

static int fake_guest_start(struct guest_port *port, const char *name, struct error *err)
{
    struct fake_vm *vm = NULL;
    int r = find_vm(port, name, &vm, err);
    if (r == 0 && vm->running) {
        r = error_set(err, REASON_CONFLICT, name, "VM \"%s\" is running", name);
    }
    if (r == 0) {
        vm->running = true;
    }
    return r;
}

static int fake_guest_stop(struct guest_port *port, const char *name, unsigned timeout_ms,
                           struct error *err)
{
    (void)timeout_ms;
    struct fake_vm *vm = NULL;
    int r = find_vm(port, name, &vm, err);
    if (r == 0) {
        vm->running = false;
    }
    return r;
}

static int fake_guest_undefine(struct guest_port *port, const char *name, struct error *err)
{
    struct fake_vm *vm = NULL;
    int r = find_vm(port, name, &vm, err);
    if (r == 0) {
        *vm = (struct fake_vm){0};
    }
    return r;
}

static int fake_guest_read_xml(struct guest_port *port, const char *name, enum guest_xml which,
                               char **ret_xml, struct error *err)
{
    struct fake_vm *vm = NULL;
    int r = find_vm(port, name, &vm, err);
    if (r == 0 && which != GUEST_XML_STORED && !vm->running) {
        r = error_set(err, REASON_CONFLICT, name, "VM \"%s\" is not running", name);
    }
    if (r == 0) {
        *ret_xml = xasprintf("<domain><name>%s</name></domain>", name);
    }
    return r;
}

static int fake_guest_rewrite(struct guest_port *port, const char *xml,
                              const struct hostdev_change *changes, size_t n_changes,
                              char **ret_xml, struct error *err)
{
    (void)port;
    (void)changes;
    (void)n_changes;
    (void)err;
    *ret_xml = xstrdup(xml);
    return 0;
}

/* The target is nowhere: the VM is gone from here. */
static int fake_guest_migrate(struct guest_port *port, const struct guest_migration *migration,
                              struct guest_progress *ret_done, struct error *err)
{
    struct fake_vm *vm = NULL;
    int r = find_vm(port, migration->vm, &vm, err);
    if (r == 0 && !vm->running) {
        r = error_set(err, REASON_CONFLICT, vm->name, "VM \"%s\" is not running", vm->name);
    }
    if (r != 0) {
        return r;
    }
    if (migration->keep_source) {
        vm->running = false;
    } else {
        *vm = (struct fake_vm){0};
    }
    if (ret_done != NULL) {
        *ret_done = (struct guest_progress){.job = GUEST_JOB_DONE};
    }
    return 0;
}

static int fake_guest_migrate_progress(struct guest_port *port, const char *name,
                                       struct guest_progress *ret_progress, struct error *err)
{
    struct fake_vm *vm = NULL;
    *ret_progress = (struct guest_progress){.job = GUEST_JOB_NONE};
    return find_vm(port, name, &vm, err);
}

static int fake_guest_migrate_cancel(struct guest_port *port, const char *name, struct error *err)
{
    struct fake_vm *vm = NULL;
    return find_vm(port, name, &vm, err);
}

static void fake_guest_free(struct guest_port *port)
{
    free(port);
}

static const struct guest_port_ops guest_ops = {
    .observe = fake_guest_observe,
    .check = fake_guest_check,
    .apply = fake_guest_apply,
    .define = fake_guest_define,
    .start = fake_guest_start,
    .stop = fake_guest_stop,
    .undefine = fake_guest_undefine,
    .read_xml = fake_guest_read_xml,
    .rewrite = fake_guest_rewrite,
    .migrate = fake_guest_migrate,
    .migrate_progress = fake_guest_migrate_progress,
    .migrate_cancel = fake_guest_migrate_cancel,
    .free = fake_guest_free,
};

struct guest_port *fake_guest_port_new(struct fake_host *host)
{
    struct fake_guest_port *guest = xcalloc(1, sizeof(*guest));
    *guest = (struct fake_guest_port){.port = {.ops = &guest_ops}, .host = host};
    return &guest->port;
}
