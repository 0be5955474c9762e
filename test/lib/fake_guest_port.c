/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/str.h"
#include "fake_host.h"

struct fake_guest_port {
    struct guest_port port;
    struct fake_host *host;
    fake_hook_fn *hook;
    void *hook_data;
    guest_changed_fn *changed;
    void *changed_data;
};

static pthread_mutex_t host_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t vm_unlocked = PTHREAD_COND_INITIALIZER;

void fake_lock(void)
{
    pthread_mutex_lock(&host_lock);
}

void fake_unlock(void)
{
    pthread_mutex_unlock(&host_lock);
}

/* Waits like libvirt: for one VM, or (NULL) until no VM's hook runs. */
static void wait_for_hooks(struct fake_host *host, const char *vm)
{
    for (size_t i = 0; i < FAKE_VMS; i++) {
        bool concerned = vm == NULL || str_eq(host->vms[i].name, vm);
        while (concerned && host->vms[i].locked) {
            pthread_cond_wait(&vm_unlocked, &host_lock);
        }
    }
}

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
    wait_for_hooks(guest_host(port), step->vm);
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
        STR_SET(vm->claims[vm->n_devices], step->claim);
        vm->devices[vm->n_devices++] = step->device;
    } else if (step->kind == STEP_DETACH && at < vm->n_devices) {
        vm->devices[at] = vm->devices[--vm->n_devices];
        memmove(vm->claims[at], vm->claims[vm->n_devices], NAME_SIZE);
    }
    return 0;
}

static void show_vm(const struct fake_vm *from, struct vm *vm, bool live, bool persistent)
{
    STR_SET(vm->name, from->name);
    STR_SET(vm->uuid, from->uuid);
    vm->state = !from->running ? VM_SHUT_OFF : from->paused ? VM_PAUSED : VM_RUNNING;
    vm->saved = from->saved && !from->running;
    for (uint32_t i = 0; i < from->n_devices; i++) {
        struct vm_device *device = vec_push(&vm->devices);
        *device =
            (struct vm_device){.addr = from->devices[i], .live = live, .persistent = persistent};
        STR_SET(device->claim, from->claims[i]);
        device->managed = from->managed;
        if (vm->saved) {
            struct vm_device *saved = vec_push(&vm->saved_devices);
            *saved = (struct vm_device){.addr = from->devices[i], .is_mdev = from->saved_mdevs};
            STR_SET(saved->claim, from->claims[i]);
            STR_SET(saved->mdev_uuid, from->saved_mdevs ? FAKE_SAVED_MDEV : "");
        }
    }
}

/* The text is what fake_guest_read_xml() gives: the VM's devices are looked up by its name. */
static int fake_guest_describe(struct guest_port *port, const char *xml, struct vm *ret_vm,
                               struct error *err)
{
    char name[VM_NAME_SIZE];
    const char *from = strstr(xml, "<name>");
    const char *to = from == NULL ? NULL : strstr(from, "</name>");
    if (to == NULL || (size_t)(to - from) - strlen("<name>") >= sizeof(name)) {
        return error_set(err, REASON_INVALID, "domain XML", "it names no VM");
    }
    from += strlen("<name>");
    memcpy(name, from, (size_t)(to - from));
    name[to - from] = '\0';
    struct fake_vm *vm = NULL;
    int r = find_vm(port, name, &vm, err);
    if (r == 0) {
        show_vm(vm, ret_vm, true, false);
    }
    return r;
}

static int fake_guest_observe(struct guest_port *port, struct host *host, struct error *err)
{
    (void)err;
    struct fake_host *fake = guest_host(port);
    wait_for_hooks(fake, NULL);
    STR_SET(host->libvirt_version, "11.3.0");
    host->libvirt_session = fake->libvirt_starts + 1;
    for (size_t i = 0; i < fake->n_ends; i++) {
        *vec_push(&host->vm_ends) = fake->ends[i];
    }
    host->vm_reports_whole = fake->reports_vms;
    for (size_t i = 0; i < fake->n_reports; i++) {
        *vec_push(&host->vm_reports) = fake->reports[i];
    }
    fake->n_reports = 0;
    for (size_t i = 0; i < FAKE_VMS; i++) {
        const struct fake_vm *from = &fake->vms[i];
        if (from->name[0] == '\0') {
            continue;
        }
        struct vm *vm = vec_push(&host->vms);
        show_vm(from, vm, from->running, true);
    }
    return 0;
}

static void fake_guest_follow(struct guest_port *port, guest_changed_fn *changed, void *data)
{
    struct fake_guest_port *guest = (struct fake_guest_port *)port;
    guest->changed = changed;
    guest->changed_data = data;
}

void fake_guest_report(struct guest_port *port)
{
    const struct fake_guest_port *guest = (const struct fake_guest_port *)port;
    if (guest->changed != NULL) {
        guest->changed(guest->changed_data);
    }
}

static int fake_guest_may_define(struct guest_port *port, const char *xml, const char *name,
                                 struct error *err)
{
    if (fake_host_vm(guest_host(port), name) != NULL) {
        return error_set(err, REASON_CONFLICT, name, "VM \"%s\" exists", name);
    }
    if (!str_starts(xml, "<domain")) {
        return error_set(err, REASON_INVALID, name, "that is no domain");
    }
    return 0;
}

static int fake_guest_define(struct guest_port *port, const char *xml, const char *name,
                             struct error *err)
{
    int r = fake_guest_may_define(port, xml, name, err);
    if (r != 0) {
        return r;
    }
    return fake_host_add_vm(guest_host(port), name) != NULL
               ? 0
               : error_set(err, REASON_DRIVER, name, "too many VMs");
}

void fake_guest_set_hook(struct guest_port *port, fake_hook_fn *fn, void *data)
{
    struct fake_guest_port *guest = (struct fake_guest_port *)port;
    guest->hook = fn;
    guest->hook_data = data;
}

/* With the lock; without it while the hook runs. */
static int call_hook(struct guest_port *port, struct fake_vm *vm, const char *operation,
                     struct error *err)
{
    struct fake_guest_port *guest = (struct fake_guest_port *)port;
    if (guest->hook == NULL) {
        return 0;
    }
    vm->locked = true;
    fake_unlock();
    int r = guest->hook(vm->name, operation, guest->hook_data, err);
    fake_lock();
    vm->locked = false;
    pthread_cond_broadcast(&vm_unlocked);
    return r;
}

static int fake_guest_start(struct guest_port *port, const char *name, struct error *err)
{
    struct fake_vm *vm = NULL;
    fake_lock();
    wait_for_hooks(guest_host(port), name);
    int r = find_vm(port, name, &vm, err);
    if (r == 0 && vm->running) {
        r = error_set(err, REASON_CONFLICT, name, "VM \"%s\" is running", name);
    }
    r = r != 0 ? r : call_hook(port, vm, "prepare", err);
    while (r == 0 && vm->stuck) {
        fake_unlock();
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        fake_lock();
    }
    if (r == 0 && vm->broken) {
        r = error_set(err, REASON_DRIVER, name, "its emulator ends at once");
    }
    if (r == 0) {
        vm->running = true;
        if (guest_host(port)->reports_starts) {
            fake_host_report(guest_host(port), name, VM_HAPPENED_STARTED);
        }
    } else if (vm != NULL) {
        (void)call_hook(port, vm, "release", NULL);
    }
    fake_unlock();
    return r;
}

static int fake_guest_stop(struct guest_port *port, const char *name, enum guest_stop how,
                           bool *ret_off, struct error *err)
{
    struct fake_vm *vm = NULL;
    fake_lock();
    wait_for_hooks(guest_host(port), name);
    int r = find_vm(port, name, &vm, err);
    while (r == 0 && vm->firm) {
        fake_unlock();
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        fake_lock();
    }
    bool ends = how == GUEST_STOP_KILL || (how == GUEST_STOP_ASK && r == 0 && !vm->deaf);
    if (r == 0 && (how == GUEST_STOP_ASK || how == GUEST_STOP_CHECK) && vm->running && vm->paused) {
        r = error_set(err, REASON_CONFLICT, name, "VM \"%s\" is paused", name);
    }
    if (r == 0 && vm->running && ends) {
        vm->running = false;
        vm->killed = how == GUEST_STOP_KILL;
        (void)call_hook(port, vm, "release", NULL);
    }
    *ret_off = r == 0 && !vm->running;
    fake_unlock();
    return r;
}

static int fake_guest_may_undefine(struct guest_port *port, const char *name, struct error *err)
{
    struct fake_vm *vm = NULL;
    int r = find_vm(port, name, &vm, err);
    if (r == 0 && vm->saved) {
        r = error_set(err, REASON_IN_USE, name, "VM \"%s\" has a saved state", name);
    }
    return r;
}

static int fake_guest_undefine(struct guest_port *port, const char *name, struct error *err)
{
    struct fake_vm *vm = NULL;
    int r = fake_guest_may_undefine(port, name, err);
    r = r != 0 ? r : find_vm(port, name, &vm, err);
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

static int fake_guest_facts(struct guest_port *port, const char *name,
                            struct domain_facts *ret_facts, struct error *err)
{
    struct fake_vm *vm = NULL;
    int r = find_vm(port, name, &vm, err);
    for (uint32_t i = 0; r == 0 && i < vm->n_devices; i++) {
        *vec_push(&ret_facts->devices) =
            (struct domain_device){.line = i + 1, .addr = vm->devices[i], .managed = TRI_NO};
    }
    if (r == 0) {
        STR_SET(ret_facts->name, vm->name);
        ret_facts->running = vm->running;
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
    .follow = fake_guest_follow,
    .check = fake_guest_check,
    .apply = fake_guest_apply,
    .may_define = fake_guest_may_define,
    .define = fake_guest_define,
    .start = fake_guest_start,
    .stop = fake_guest_stop,
    .may_undefine = fake_guest_may_undefine,
    .undefine = fake_guest_undefine,
    .read_xml = fake_guest_read_xml,
    .facts = fake_guest_facts,
    .rewrite = fake_guest_rewrite,
    .describe = fake_guest_describe,
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
