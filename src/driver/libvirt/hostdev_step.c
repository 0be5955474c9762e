/* SPDX-License-Identifier: Apache-2.0 */
/* ATTACH and DETACH: the stored definition of a VM that is off. What a running VM has stays alone.
 */
#include "driver/libvirt/connection.h"

#include <stdio.h>

#include "base/str.h"

/* From 10.0 on libvirt assigns a function whose driver is a vendor's own VFIO driver (libvirt
 * release notes, 10.0.0: "Support vendor-specific VFIO variant drivers"). */
#define VENDOR_VFIO_VERSION 10000000UL

int libvirt_check_version(unsigned long version, const struct step *step, struct error *err)
{
    bool is_vgpu_function =
        step->mdev_uuid[0] == '\0' && pci_addr_cmp(&step->device, &step->gpu) != 0;
    if (step->kind != STEP_ATTACH || !is_vgpu_function || version >= VENDOR_VFIO_VERSION) {
        return 0;
    }
    char bdf[BDF_SIZE];
    int result =
        error_set(err, REASON_UNSUPPORTED, "libvirt",
                  "libvirt %lu.%lu can't assign the vGPU at %s: it doesn't know NVIDIA's VFIO "
                  "driver",
                  version / 1000000, version / 1000 % 1000, pci_addr_format(&step->device, bdf));
    error_hint(err, "install libvirt 10.0 or later (Debian 12 has it in bookworm-backports)");
    return result;
}

static int refuse_running(const char *vm, const struct hostdev *device, struct error *err)
{
    char name[64];
    int result = error_set(err, REASON_IN_USE, SUBJECT("vm", vm),
                           "VM \"%s\" is running: %s can't be put in or taken out now", vm,
                           hostdev_name(device, name, sizeof(name)));
    error_hint(err, "stop the VM first: cleave vm stop %s", vm);
    return result;
}

static int has_device(virDomainPtr domain, enum definition which, const struct hostdev *device,
                      bool *ret_has, struct error *err)
{
    struct hostdevs devices = {0};
    int result = libvirt_hostdevs(domain, which, &devices, err);
    *ret_has = result == 0 && hostdevs_have(&devices, device);
    vec_done(&devices);
    return result;
}

/* No other running VM may have it: libvirt would refuse the start, but that is late. */
static int check_holders(struct libvirt_port *port, const char *vm, const struct hostdev *device,
                         struct error *err)
{
    virDomainPtr *domains = NULL;
    int result = 0;
    int n = virConnectListAllDomains(port->connection, &domains, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    if (n < 0) {
        return libvirt_error(err, "libvirt", "listing the running VMs");
    }
    for (int i = 0; i < n; i++) {
        const char *other = virDomainGetName(domains[i]);
        bool has = false;
        /* One that ended meanwhile holds nothing. */
        (void)has_device(domains[i], LIVE, device, &has, NULL);
        if (result == 0 && has && !str_eq(other, vm)) {
            char name[64];
            result = error_set(err, REASON_IN_USE, hostdev_name(device, name, sizeof(name)),
                               "%s is in use by the running VM \"%s\"", name, other);
        }
        virDomainFree(domains[i]);
    }
    free(domains);
    return result;
}

/* ---- attach ---- */

/* *ret_there: nothing is left to do. */
static int check_attach(struct libvirt_port *port, virDomainPtr domain, const struct step *step,
                        bool *ret_there, struct error *err)
{
    struct hostdev device = hostdev_of_step(step);
    unsigned long version = 0;
    bool active = false;
    int result = has_device(domain, PERSISTENT, &device, ret_there, err);
    if (result < 0 || *ret_there) {
        return result;
    }
    if (virConnectGetLibVersion(port->connection, &version) < 0) {
        return libvirt_error(err, "libvirt", "asking for its version");
    }
    result = libvirt_check_version(version, step, err);
    if (result == 0 && virDomainIsPersistent(domain) != 1) {
        result = error_set(err, REASON_UNSUPPORTED, SUBJECT("vm", step->vm),
                           "VM \"%s\" is transient: it has no stored definition", step->vm);
    }
    if (result == 0) {
        result = libvirt_is_active(domain, &active, err);
    }
    if (result == 0 && active) {
        result = refuse_running(step->vm, &device, err);
    }
    return result < 0 ? result : check_holders(port, step->vm, &device, err);
}

static int attach(virDomainPtr domain, const struct step *step, struct error *err)
{
    struct hostdev device = hostdev_of_step(step);
    CLEANUP_FREE char *xml = hostdev_xml(&device);
    if (virDomainAttachDeviceFlags(domain, xml, VIR_DOMAIN_AFFECT_CONFIG) < 0) {
        return libvirt_error(err, SUBJECT("vm", step->vm), "putting the device into VM \"%s\"",
                             step->vm);
    }
    return 0;
}

/* ---- detach ---- */

static int check_detach(virDomainPtr domain, const struct step *step, bool *ret_there,
                        struct error *err)
{
    struct hostdev device = hostdev_of_step(step);
    bool active = false;
    bool live = false;
    int result = libvirt_is_active(domain, &active, err);
    if (result == 0 && active) {
        result = has_device(domain, LIVE, &device, &live, err);
    }
    if (result == 0 && live) {
        return refuse_running(step->vm, &device, err);
    }
    bool has = false;
    if (result == 0 && virDomainIsPersistent(domain) == 1) {
        result = has_device(domain, PERSISTENT, &device, &has, err);
    }
    *ret_there = !has;
    return result;
}

static int detach(virDomainPtr domain, const struct step *step, struct error *err)
{
    struct hostdev device = hostdev_of_step(step);
    CLEANUP_FREE char *xml = hostdev_xml(&device);
    if (virDomainDetachDeviceFlags(domain, xml, VIR_DOMAIN_AFFECT_CONFIG) < 0) {
        return libvirt_error(err, SUBJECT("vm", step->vm), "taking the device out of VM \"%s\"",
                             step->vm);
    }
    return 0;
}

/* ---- both ---- */

/* Finds the VM and checks. A VM that is gone has nothing to be taken out of. */
static int prepare(struct libvirt_port *port, const struct step *step, virDomainPtr *ret_domain,
                   bool *ret_there, struct error *err)
{
    if (step->kind != STEP_ATTACH && step->kind != STEP_DETACH) {
        return error_set(err, REASON_INTERNAL, "libvirt", "a step \"%s\" is not for VMs",
                         step_kind_name(step->kind));
    }
    struct error problem = {0};
    int result = libvirt_find(port, step->vm, ret_domain, &problem);
    if (result == -REASON_NOT_FOUND && step->kind == STEP_DETACH) {
        *ret_there = true;
        return 0;
    }
    if (result < 0) {
        if (err != NULL) {
            *err = problem;
        }
        return result;
    }
    return step->kind == STEP_ATTACH ? check_attach(port, *ret_domain, step, ret_there, err)
                                     : check_detach(*ret_domain, step, ret_there, err);
}

int libvirt_check_step(struct libvirt_port *port, const struct step *step, struct error *err)
{
    CLEANUP_DOMAIN virDomainPtr domain = NULL;
    bool there = false;
    return prepare(port, step, &domain, &there, err);
}

int libvirt_apply_step(struct libvirt_port *port, const struct step *step, struct error *err)
{
    CLEANUP_DOMAIN virDomainPtr domain = NULL;
    struct hostdev device = hostdev_of_step(step);
    bool there = false;
    int result = prepare(port, step, &domain, &there, err);
    if (result < 0 || there) {
        return result;
    }
    result = step->kind == STEP_ATTACH ? attach(domain, step, err) : detach(domain, step, err);
    bool has = false;
    if (result == 0) {
        result = has_device(domain, PERSISTENT, &device, &has, err);
    }
    if (result == 0 && has != (step->kind == STEP_ATTACH)) {
        char name[64];
        result = error_set(err, REASON_DRIVER, SUBJECT("vm", step->vm),
                           "libvirt reported success, but %s is %s the definition of VM \"%s\"",
                           hostdev_name(&device, name, sizeof(name)), has ? "still in" : "not in",
                           step->vm);
    }
    return result;
}
