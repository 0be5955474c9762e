/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ATTACH and DETACH: the stored definition of a VM that is off. What a running VM has stays alone.
 * A definition is read, edited and defined again as a whole: device, window, hint and notes come
 * and go together, whenever the power fails.
 */
#include "driver/libvirt/connection.h"

#include <stdio.h>

#include "base/str.h"
#include "driver/libvirt/domain_edit.h"

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
                  "libvirt %lu.%lu can't assign the vGPU at %s, because it doesn't support "
                  "NVIDIA's VFIO driver",
                  version / 1000000, version / 1000 % 1000, pci_addr_format(&step->device, bdf));
    error_hint(err, "install libvirt 10.0 or later (Debian 12 has it in bookworm-backports)");
    return result;
}

static int refuse_running(const char *vm, const struct hostdev *device, struct error *err)
{
    char name[64];
    int result = error_set(err, REASON_IN_USE, SUBJECT("vm", vm),
                           "VM \"%s\" is running, so %s can't be added or removed now", vm,
                           hostdev_name(device, name, sizeof(name)));
    error_hint(err, "stop the VM first: `cleave vm stop %s`", SHELL_ARG(vm));
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

/* The stored definition may name it for another claim. */
static int has_for_claim(virDomainPtr domain, const struct hostdev *device, const char *claim,
                         bool *ret_has, struct error *err)
{
    struct hostdevs devices = {0};
    int result = libvirt_hostdevs(domain, PERSISTENT, &devices, err);
    *ret_has = false;
    for (vec_each(&devices, other)) {
        bool its = other->claim[0] == '\0' || str_eq(other->claim, claim);
        *ret_has = *ret_has || (its && hostdev_eq(&other->device, device));
    }
    vec_done(&devices);
    return result;
}

/* ---- what a step means ---- */

static struct hostdev device_of(const struct step *step)
{
    struct hostdev device = {.is_mdev = step->mdev_uuid[0] != '\0'};
    if (device.is_mdev) {
        STR_SET(device.mdev_uuid, step->mdev_uuid);
    } else {
        device.addr = step->device;
    }
    return device;
}

static struct attachment attachment_of(const struct step *step)
{
    struct attachment attachment = {.claim = step->claim,
                                    .device = device_of(step),
                                    .kind = HOSTDEV_VENDOR_VFIO,
                                    .numa_node = step->numa_node};
    if (attachment.device.is_mdev) {
        attachment.kind = HOSTDEV_MDEV;
    } else if (pci_addr_cmp(&step->device, &step->gpu) == 0) {
        attachment.kind = HOSTDEV_WHOLE;
        attachment.mmio_bytes = step->mmio_bytes;
    }
    return attachment;
}

/* ---- attach ---- */

static int read_stored(virDomainPtr domain, const char *vm, char **ret_xml, struct error *err)
{
    /* With its secrets: what is left out would be lost when it is defined again. */
    CLEANUP_FREE char *xml =
        virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
    if (xml == NULL) {
        return libvirt_error(err, SUBJECT("vm", vm), "reading its definition");
    }
    *ret_xml = TAKE_PTR(xml);
    return 0;
}

static int presence(virDomainPtr domain, const struct step *step,
                    const struct attachment *attachment, enum presence *ret_presence,
                    struct error *err)
{
    CLEANUP_FREE char *xml = NULL;
    int result = read_stored(domain, step->vm, &xml, err);
    return result < 0 ? result : domain_edit_presence(xml, attachment, ret_presence, err);
}

/* *ret_there: nothing is left to do. */
static int check_attach(struct libvirt_port *port, virDomainPtr domain, const struct step *step,
                        bool *ret_there, struct error *err)
{
    struct attachment attachment = attachment_of(step);
    enum presence there = DEVICE_ABSENT;
    unsigned long version = 0;
    bool active = false;
    int result = presence(domain, step, &attachment, &there, err);
    if (result == 0 && there != DEVICE_PRESENT) {
        result = libvirt_is_active(domain, &active, err);
    }
    /* One that was put in by hand becomes the claim's when the VM is off. */
    *ret_there = there == DEVICE_PRESENT || (active && there == DEVICE_BY_HAND);
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
    if (result == 0 && active) {
        result = refuse_running(step->vm, &attachment.device, err);
    }
    /* Whether another VM has it is the planner's to know. Asking here would list the VMs, which
     * waits for the hook of each; and a hook may be waiting for the plan that this step is of. */
    return result;
}

/* ---- detach ---- */

static int take_out(const char *xml, const struct step *step, char **ret_edited, struct error *err)
{
    struct hostdev device = device_of(step);
    return step->keeps ? domain_edit_set_aside(xml, &device, step->claim, ret_edited, err)
                       : domain_edit_detach(xml, &device, step->claim, ret_edited, err);
}

static int check_detach(virDomainPtr domain, const struct step *step, bool *ret_there,
                        struct error *err)
{
    struct attachment attachment = attachment_of(step);
    bool active = false;
    bool live = false;
    int result = libvirt_is_active(domain, &active, err);
    if (result == 0 && active) {
        result = has_device(domain, LIVE, &attachment.device, &live, err);
    }
    if (result == 0 && live) {
        return refuse_running(step->vm, &attachment.device, err);
    }
    CLEANUP_FREE char *xml = NULL;
    CLEANUP_FREE char *without = NULL;
    if (result == 0 && virDomainIsPersistent(domain) == 1) {
        result = read_stored(domain, step->vm, &xml, err);
    }
    if (result == 0 && xml != NULL) {
        result = take_out(xml, step, &without, err);
    }
    *ret_there = without == NULL;
    return result;
}

/* ---- both ---- */

static int edit(struct libvirt_port *port, const char *xml, const struct step *step,
                char **ret_edited, struct error *err)
{
    struct attachment attachment = attachment_of(step);
    virNodeInfo node = {0};
    if (step->kind == STEP_DETACH) {
        return take_out(xml, step, ret_edited, err);
    }
    if (virNodeGetInfo(port->connection, &node) == 0) {
        attachment.n_host_nodes = node.nodes;
    }
    return domain_edit_attach(xml, &attachment, ret_edited, err);
}

/* libvirt can't define "unless it changed": that no one did meanwhile is seen by reading again. */
static int redefine(struct libvirt_port *port, virDomainPtr domain, const struct step *step,
                    struct error *err)
{
    CLEANUP_FREE char *xml = NULL;
    CLEANUP_FREE char *again = NULL;
    CLEANUP_FREE char *edited = NULL;
    int result = read_stored(domain, step->vm, &xml, err);
    if (result == 0) {
        result = edit(port, xml, step, &edited, err);
    }
    if (result < 0 || edited == NULL) {
        return result;
    }
    result = read_stored(domain, step->vm, &again, err);
    if (result == 0 && !str_eq(xml, again)) {
        result = error_set(err, REASON_CONFLICT, SUBJECT("vm", step->vm),
                           "the definition of VM \"%s\" was changed at the same time", step->vm);
        error_hint(err, "try again");
    }
    if (result < 0) {
        return result;
    }
    CLEANUP_DOMAIN virDomainPtr defined = virDomainDefineXML(port->connection, edited);
    if (defined != NULL) {
        return 0;
    }
    return libvirt_error(err, SUBJECT("vm", step->vm), "%s VM \"%s\"",
                         step->kind == STEP_ATTACH ? "putting the device into"
                                                   : "taking the device out of",
                         step->vm);
}

/* A VM may have been renamed since the plan was made; and one defined again has its name. */
static int find_vm(struct libvirt_port *port, const struct step *step, virDomainPtr *ret_domain,
                   struct error *err)
{
    const char *first = step->vm_uuid[0] != '\0' ? step->vm_uuid : step->vm;
    int result = libvirt_find(port, first, ret_domain, err);
    return result == -REASON_NOT_FOUND && first != step->vm
               ? libvirt_find(port, step->vm, ret_domain, err)
               : result;
}

/* Finds the VM and checks. A VM that is gone has nothing to be taken out of. */
static int prepare(struct libvirt_port *port, const struct step *step, virDomainPtr *ret_domain,
                   bool *ret_there, struct error *err)
{
    if (step->kind != STEP_ATTACH && step->kind != STEP_DETACH) {
        return error_set(err, REASON_INTERNAL, "libvirt", "a step \"%s\" is not for VMs",
                         step_kind_name(step->kind));
    }
    struct error problem = {0};
    int result = find_vm(port, step, ret_domain, &problem);
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
    struct hostdev device = device_of(step);
    bool there = false;
    int result = prepare(port, step, &domain, &there, err);
    if (result < 0 || there) {
        return result;
    }
    result = redefine(port, domain, step, err);
    bool has = false;
    if (result == 0) {
        result = has_for_claim(domain, &device, step->claim, &has, err);
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
