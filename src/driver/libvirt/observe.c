/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/libvirt/connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "driver/libvirt/argument.h"
#include "driver/libvirt/domain_override.h"
#include "driver/libvirt/machine_xml.h"
#include "driver/libvirt/vm_ends.h"
#include "driver/libvirt/vm_reports.h"

/* libvirt's daemon lists no more (REMOTE_DOMAIN_LIST_MAX in its src/remote/remote_protocol.x) and
 * fails where there are; drivers without a daemon may have more. */
#define MAX_DOMAINS 16384

static enum vm_state state_of(unsigned char state)
{
    switch ((virDomainState)state) {
    case VIR_DOMAIN_RUNNING:
    case VIR_DOMAIN_BLOCKED:
    case VIR_DOMAIN_SHUTDOWN: /* on its way down, but still there */
        return VM_RUNNING;
    case VIR_DOMAIN_PAUSED:
    case VIR_DOMAIN_PMSUSPENDED:
        return VM_PAUSED;
    case VIR_DOMAIN_SHUTOFF:
        return VM_SHUT_OFF;
    case VIR_DOMAIN_CRASHED:
        return VM_CRASHED;
    case VIR_DOMAIN_NOSTATE:
#ifdef VIR_ENUM_SENTINELS
    case VIR_DOMAIN_LAST:
#endif
        break;
    }
    return VM_UNKNOWN;
}

static struct vm_device *find_or_add(struct vm *vm, const struct found_hostdev *found)
{
    const struct hostdev *device = &found->device;
    for (vec_each(&vm->devices, known)) {
        struct hostdev other = {.is_mdev = known->is_mdev, .addr = known->addr};
        STR_SET(other.mdev_uuid, known->mdev_uuid);
        if (hostdev_eq(&other, device)) {
            return known;
        }
    }
    struct vm_device *added = vec_push(&vm->devices);
    added->is_mdev = device->is_mdev;
    added->addr = device->addr;
    STR_SET(added->mdev_uuid, device->mdev_uuid);
    added->managed = found->managed;
    return added;
}

/* Few definitions have arguments for the emulator: the others are not read once more. */
static int add_arguments(struct vm *vm, const char *xml, enum definition which, struct error *err)
{
    CLEANUP_DOC xmlDoc *doc = NULL;
    if (strstr(xml, DOMAIN_QEMU_URI) == NULL) {
        return 0;
    }
    int result = xml_parse(xml, &doc, err);
    if (result == 0) {
        argument_devices(xmlDocGetRootElement(doc), which == LIVE, which == PERSISTENT, vm);
    }
    return result;
}

static int add_devices(struct vm *vm, virDomainPtr domain, enum definition which, struct error *err)
{
    struct hostdevs devices = {0};
    CLEANUP_FREE char *xml = NULL;
    int result = libvirt_definition(domain, which, &xml, err);
    result = result != 0 ? result : domain_xml_hostdevs(xml, &devices, err);
    for (vec_each(&devices, device)) {
        struct vm_device *known = find_or_add(vm, device);
        known->by_argument = false;
        known->live = known->live || which == LIVE;
        known->persistent = known->persistent || which == PERSISTENT;
        if (known->claim[0] == '\0') {
            STR_SET(known->claim, device->claim);
        }
    }
    vec_done(&devices);
    if (result == 0 && which == LIVE) {
        machine_xml_read(xml, &vm->machine);
    }
    return result != 0 ? result : add_arguments(vm, xml, which, err);
}

static int observe_domain(virDomainPtr domain, struct vm *vm, struct error *err)
{
    virDomainInfo info = {0};
    char uuid[VIR_UUID_STRING_BUFLEN] = "";
    const char *name = virDomainGetName(domain);
    if (virDomainGetUUIDString(domain, uuid) == 0) { /* asks nothing of libvirtd */
        STR_SET(vm->uuid, uuid);
    }
    STR_SET(vm->name, vm_known_as(name, vm->uuid));
    if (virDomainGetInfo(domain, &info) < 0) {
        int refused =
            libvirt_error(err, SUBJECT("vm", vm->name), "asking about VM \"%s\"", vm->name);
        STR_SET(vm->unread, err->message);
        return refused;
    }
    vm->state = state_of(info.state);
    vm->vcpus = info.nrVirtCpu;
    vm->mem_kib = info.maxMem;
    int autostart = 0;
    int persistent = virDomainIsPersistent(domain);
    int result = 0;
    vm->transient = persistent == 0;
    vm->autostart = virDomainGetAutostart(domain, &autostart) == 0 && autostart == 1;
    vm->saved = virDomainHasManagedSaveImage(domain, 0) == 1;
    if (vm->saved) {
        saved_state_devices(domain, vm);
    }
    if (virDomainIsActive(domain) != 0) {
        result = add_devices(vm, domain, LIVE, err);
        if (result != 0) {
            STR_SET(vm->unread, err->message);
        }
    }
    if (result == 0 && persistent == 1) {
        result = add_devices(vm, domain, PERSISTENT, err);
    }
    return result;
}

/* One that went away between the list and the questions is left out; of another that can't be
 * asked all that is known is that it is there. */
static void add_vm(struct host *host, virDomainPtr domain)
{
    struct vm vm = {0};
    struct error err = {0};
    (void)observe_domain(domain, &vm, &err);
    if (err.reason == REASON_NOT_FOUND) {
        vm_drop_devices(&vm);
        return;
    }
    if (err.reason != REASON_NONE) {
        log_warning("%s", err.message);
        vm.state = VM_UNKNOWN;
    }
    *vec_push(&host->vms) = vm;
}

/* libvirt lists in no order; people and tests want one. */
static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct vm *)a)->name, ((const struct vm *)b)->name);
}

static void print_version(unsigned long version, char *out, size_t size)
{
    (void)snprintf(out, size, "%lu.%lu.%lu", version / 1000000, version / 1000 % 1000,
                   version % 1000);
}

static void read_processor(const char *capabilities, struct processor *ret_processor)
{
    CLEANUP_DOC xmlDoc *doc = NULL;
    if (xml_parse_as(capabilities, "capabilities", &doc, NULL) < 0) {
        return;
    }
    const xmlNode *cpu = xml_child(xml_child(xmlDocGetRootElement(doc), "host"), "cpu");
    (void)xml_content(xml_child(cpu, "arch"), ret_processor->arch, sizeof(ret_processor->arch));
    (void)xml_content(xml_child(cpu, "vendor"), ret_processor->vendor,
                      sizeof(ret_processor->vendor));
    (void)xml_content(xml_child(cpu, "model"), ret_processor->model, sizeof(ret_processor->model));
}

/* The processor stays the same while the connection lasts, and costs libvirtd some work. */
static void observe_processor(struct libvirt_port *port, struct host *host)
{
    if (port->processor_session != port->session) {
        CLEANUP_FREE char *capabilities = virConnectGetCapabilities(port->connection);
        port->processor = (struct processor){0};
        port->processor_session = port->session;
        if (capabilities != NULL) {
            read_processor(capabilities, &port->processor);
        }
    }
    STR_SET(host->cpu_arch, port->processor.arch);
    STR_SET(host->cpu_vendor, port->processor.vendor);
    STR_SET(host->cpu_model, port->processor.model);
}

static void observe_version(struct libvirt_port *port, struct host *host)
{
    unsigned long version = 0;
    if (virConnectGetLibVersion(port->connection, &version) == 0) {
        print_version(version, host->libvirt_version, sizeof(host->libvirt_version));
    }
    if (virConnectGetVersion(port->connection, &version) == 0) {
        print_version(version, host->qemu_version, sizeof(host->qemu_version));
    }
    observe_processor(port, host);
}

/* Of more than can be looked at, each that is left out may have any device: then none is known. */
static void take_domains(struct host *host, virDomainPtr *domains, int n)
{
    for (int i = 0; i < n; i++) {
        if (n <= MAX_DOMAINS) {
            add_vm(host, domains[i]);
        }
        virDomainFree(domains[i]);
    }
    free(domains);
    if (n > MAX_DOMAINS) {
        (void)str_print(host->libvirt_problem, sizeof(host->libvirt_problem),
                        "libvirt has %d VMs, but cleave reads at most %d: it is unknown which "
                        "devices they have",
                        n, MAX_DOMAINS);
    }
}

int libvirt_observe(struct libvirt_port *port, struct host *host, struct error *err)
{
    struct error problem = {0};
    virDomainPtr *domains = NULL;
    (void)err;
    port->observes = true;
    int result = libvirt_connect(port, &problem);
    if (result < 0) {
        STR_SET(host->libvirt_problem, problem.message);
        return 0;
    }
    observe_version(port, host);
    int n = virConnectListAllDomains(port->connection, &domains, 0);
    if (n < 0) {
        (void)libvirt_error(&problem, "libvirt", "listing the VMs");
        STR_SET(host->libvirt_problem, problem.message);
        return 0;
    }
    host->libvirt_session = port->session;
    take_domains(host, domains, n);
    if (host->libvirt_problem[0] != '\0') {
        return 0;
    }
    for (vec_each(&host->vms, vm)) {
        host_settle_vm_name(host, vm);
    }
    vm_ends_tell(port->ends, host);
    vm_reports_take(port->reports, host);
    if (host->vms.n > 0) {
        qsort(host->vms.items, host->vms.n, sizeof(host->vms.items[0]), by_name);
    }
    return 0;
}
