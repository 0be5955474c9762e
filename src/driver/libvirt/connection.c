/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/libvirt/connection.h"

#include <libvirt/virterror.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/parse.h"
#include "base/str.h"
#include "driver/libvirt/vm_ends.h"
#include "driver/libvirt/vm_reports.h"

#define MAX_WORDS 600 /* that may name a VM and its file */

static const struct {
    int code; /* virErrorNumber */
    enum reason reason;
} reasons[] = {
    {VIR_ERR_NO_DOMAIN, REASON_NOT_FOUND},        {VIR_ERR_DOM_EXIST, REASON_CONFLICT},
    {VIR_ERR_OPERATION_INVALID, REASON_CONFLICT}, {VIR_ERR_AUTH_FAILED, REASON_PERMISSION},
    {VIR_ERR_ACCESS_DENIED, REASON_PERMISSION},   {VIR_ERR_AUTH_CANCELLED, REASON_PERMISSION},
    {VIR_ERR_XML_ERROR, REASON_INVALID},          {VIR_ERR_XML_DETAIL, REASON_INVALID},
    {VIR_ERR_XML_INVALID_SCHEMA, REASON_INVALID}, {VIR_ERR_INVALID_ARG, REASON_INVALID},
    {VIR_ERR_NO_SUPPORT, REASON_UNSUPPORTED},     {VIR_ERR_CONFIG_UNSUPPORTED, REASON_UNSUPPORTED},
    {VIR_ERR_NO_CONNECT, REASON_UNAVAILABLE},     {VIR_ERR_RPC, REASON_UNAVAILABLE},
};

static enum reason reason_of(const virError *problem)
{
    if (problem->domain == VIR_FROM_RPC) {
        return REASON_UNAVAILABLE;
    }
    for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
        if (reasons[i].code == problem->code) {
            return reasons[i].reason;
        }
    }
    return REASON_DRIVER;
}

int libvirt_error(struct error *err, const char *subject, const char *fmt, ...)
{
    char what[ERROR_TEXT_SIZE / 2];
    char words[MAX_WORDS];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    const virError *problem = virGetLastError();
    bool known = problem != NULL && problem->message != NULL;
    STR_SET(words,
            known ? problem->message : "unknown error"); /* maybe the emulator's output too */
    return error_set(err, problem != NULL ? reason_of(problem) : REASON_DRIVER, subject, "%s: %s",
                     what, str_trim(words));
}

/* Without an event loop of libvirt's own only a call finds out that libvirtd was restarted. */
static bool answers(virConnectPtr connection)
{
    unsigned long version = 0;
    return virConnectIsAlive(connection) == 1 && virConnectGetLibVersion(connection, &version) == 0;
}

void libvirt_disconnect(struct libvirt_port *port)
{
    vm_ends_unsubscribe(TAKE_PTR(port->ends));
    vm_reports_unsubscribe(TAKE_PTR(port->reports));
    if (port->connection != NULL) {
        virConnectClose(TAKE_PTR(port->connection));
    }
}

int libvirt_connect(struct libvirt_port *port, struct error *err)
{
    if (port->connection != NULL && answers(port->connection)) {
        return 0;
    }
    libvirt_disconnect(port);
    if (port->observes) {
        vm_ends_prepare();
    }
    port->connection = virConnectOpen(port->uri);
    if (port->connection != NULL) {
        port->session++;
        port->ends = NULL;
        port->reports = NULL;
        if (port->observes) {
            port->reports = vm_reports_subscribe(port->connection);
            port->ends = vm_ends_subscribe(port->connection);
            vm_ends_follow(port->ends, port->changed, port->changed_data);
            vm_reports_follow(port->reports, port->changed, port->changed_data);
        }
        return 0;
    }
    int result = libvirt_error(err, "libvirt", "libvirt at \"%s\" does not answer", port->uri);
    if (err != NULL) {
        err->reason = REASON_UNAVAILABLE;
        error_hint(err, "cleaved can't see or change VMs until libvirtd runs");
    }
    return result < 0 ? -REASON_UNAVAILABLE : result;
}

int libvirt_find(struct libvirt_port *port, const char *vm, virDomainPtr *ret_domain,
                 struct error *err)
{
    int result = libvirt_connect(port, err);
    if (result < 0) {
        return result;
    }
    /* As virsh does: a VM may have another's UUID as its name. */
    virDomainPtr domain = parse_uuid(vm) ? virDomainLookupByUUIDString(port->connection, vm) : NULL;
    if (domain == NULL) {
        domain = virDomainLookupByName(port->connection, vm);
    }
    if (domain == NULL) {
        const virError *problem = virGetLastError();
        if (problem != NULL && problem->code != VIR_ERR_NO_DOMAIN) {
            return libvirt_error(err, SUBJECT("vm", vm), "looking for VM \"%s\"", vm);
        }
        return error_set(err, REASON_NOT_FOUND, SUBJECT("vm", vm), "libvirt has no VM \"%s\"", vm);
    }
    *ret_domain = domain;
    return 0;
}

int libvirt_is_active(virDomainPtr domain, bool *ret_active, struct error *err)
{
    const char *name = virDomainGetName(domain);
    int active = virDomainIsActive(domain);
    if (active < 0) {
        return libvirt_error(err, SUBJECT("vm", name), "asking whether it runs");
    }
    *ret_active = active == 1;
    return 0;
}

int libvirt_definition(virDomainPtr domain, enum definition which, char **ret_xml,
                       struct error *err)
{
    const char *name = virDomainGetName(domain);
    *ret_xml = virDomainGetXMLDesc(domain, which == LIVE ? 0 : VIR_DOMAIN_XML_INACTIVE);
    return *ret_xml != NULL ? 0 : libvirt_error(err, SUBJECT("vm", name), "reading its definition");
}

int libvirt_hostdevs(virDomainPtr domain, enum definition which, struct hostdevs *ret_devices,
                     struct error *err)
{
    CLEANUP_FREE char *xml = NULL;
    int result = libvirt_definition(domain, which, &xml, err);
    return result != 0 ? result : domain_xml_hostdevs(xml, ret_devices, err);
}
