/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/libvirt/libvirt_port.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"
#include "driver/libvirt/connection.h"
#include "driver/libvirt/domain_edit.h"
#include "driver/libvirt/facts_xml.h"
#include "driver/libvirt/vm_ends.h"
#include "driver/libvirt/vm_reports.h"

static struct libvirt_port *port_of(struct guest_port *port)
{
    return (struct libvirt_port *)port;
}

static int observe(struct guest_port *port, struct host *host, struct error *err)
{
    return libvirt_observe(port_of(port), host, err);
}

static void follow(struct guest_port *port, guest_changed_fn *changed, void *data)
{
    struct libvirt_port *own = port_of(port);
    own->changed = changed;
    own->changed_data = data;
    vm_ends_follow(own->ends, changed, data);
    vm_reports_follow(own->reports, changed, data);
}

static int check(struct guest_port *port, const struct step *step, struct error *err)
{
    return libvirt_check_step(port_of(port), step, err);
}

static int apply(struct guest_port *port, struct step *step, struct error *err)
{
    return libvirt_apply_step(port_of(port), step, err);
}

static int prepare_define(struct guest_port *port, const char *xml, const char *name,
                          char **ret_own, struct error *err)
{
    int result = domain_xml_from_template(xml, name, ret_own, err);
    if (result == 0) {
        result = libvirt_connect(port_of(port), err);
    }
    if (result < 0) {
        return result;
    }
    virConnectPtr connection = port_of(port)->connection;
    CLEANUP_DOMAIN virDomainPtr other = virDomainLookupByName(connection, name);
    if (other != NULL) {
        return error_set(err, REASON_CONFLICT, SUBJECT("vm", name), "a VM \"%s\" exists already",
                         name);
    }
    return 0;
}

static int may_define(struct guest_port *port, const char *xml, const char *name, struct error *err)
{
    CLEANUP_FREE char *own = NULL;
    return prepare_define(port, xml, name, &own, err);
}

static int define(struct guest_port *port, const char *xml, const char *name, struct error *err)
{
    CLEANUP_FREE char *own = NULL;
    int result = prepare_define(port, xml, name, &own, err);
    if (result < 0) {
        return result;
    }
    CLEANUP_DOMAIN virDomainPtr domain = virDomainDefineXML(port_of(port)->connection, own);
    return domain != NULL ? 0 : libvirt_error(err, SUBJECT("vm", name), "defining VM \"%s\"", name);
}

/* A start that fails because another VM has the device is worth telling apart; libvirt has one code
 * for every operation that the present state forbids. */
static int start_problem(const char *vm, struct error *err)
{
    const virError *problem = virGetLastError();
    bool held = problem != NULL && problem->message != NULL &&
                (strstr(problem->message, "is in use by") != NULL ||
                 strstr(problem->message, "another process has it open") != NULL);
    int result = libvirt_error(err, SUBJECT("vm", vm), "starting VM \"%s\"", vm);
    if (held && err != NULL) {
        err->reason = REASON_IN_USE;
    }
    return held ? -REASON_IN_USE : result;
}

static int start(struct guest_port *port, const char *vm, struct error *err)
{
    CLEANUP_DOMAIN virDomainPtr domain = NULL;
    bool active = false;
    int result = libvirt_find(port_of(port), vm, &domain, err);
    if (result == 0) {
        result = libvirt_is_active(domain, &active, err);
    }
    if (result < 0) {
        return result;
    }
    if (active) {
        return error_set(err, REASON_CONFLICT, SUBJECT("vm", vm), "VM \"%s\" is running already",
                         vm);
    }
    result = saved_state_follow(domain, vm, err);
    if (result < 0) {
        return result;
    }
    return virDomainCreate(domain) == 0 ? 0 : start_problem(vm, err);
}

/* A transient VM goes away altogether. While libvirt does not answer, this is unknown. */
static bool is_off(virDomainPtr domain)
{
    int active = virDomainIsActive(domain);
    const virError *problem = active < 0 ? virGetLastError() : NULL;
    return active == 0 || (problem != NULL && problem->code == VIR_ERR_NO_DOMAIN);
}

static int refuse_paused(virDomainPtr domain, const char *vm, struct error *err)
{
    int state = VIR_DOMAIN_NOSTATE;
    int reason = 0;
    if (virDomainGetState(domain, &state, &reason, 0) < 0 || state != VIR_DOMAIN_PAUSED) {
        return 0;
    }
    if (reason == VIR_DOMAIN_PAUSED_STARTING_UP) {
        error_set(err, REASON_CONFLICT, SUBJECT("vm", vm),
                  "VM \"%s\" is being started: its guest does not run yet", vm);
        error_hint(err, "try again when the VM runs; `cleave vm stop --now %s` ends the start",
                   SHELL_ARG(vm));
        return -REASON_CONFLICT;
    }
    return error_set(err, REASON_CONFLICT, SUBJECT("vm", vm),
                     "VM \"%s\" is paused: its guest can't shut down", vm);
}

static int ask_to_stop(virDomainPtr domain, const char *vm, bool *ret_off, struct error *err)
{
    struct error problem = {0}; /* libvirt forgets its own at the next question */
    int result = virDomainShutdown(domain) == 0
                     ? 0
                     : libvirt_error(&problem, SUBJECT("vm", vm),
                                     "asking the guest of VM \"%s\" to shut down", vm);
    *ret_off = is_off(domain);
    if (result < 0 && !*ret_off && err != NULL) {
        *err = problem;
    }
    return *ret_off ? 0 : result;
}

static int pull_the_plug(virDomainPtr domain, const char *vm, bool *ret_off, struct error *err)
{
    struct error problem = {0};
    int result = virDomainDestroy(domain) == 0
                     ? 0
                     : libvirt_error(&problem, SUBJECT("vm", vm), "stopping VM \"%s\"", vm);
    *ret_off = result == 0 || is_off(domain);
    if (!*ret_off && err != NULL) {
        *err = problem;
    }
    return *ret_off ? 0 : result;
}

static int stop(struct guest_port *port, const char *vm, enum guest_stop how, bool *ret_off,
                struct error *err)
{
    CLEANUP_DOMAIN virDomainPtr domain = NULL;
    bool active = false;
    int result = libvirt_find(port_of(port), vm, &domain, err);
    if (result == -REASON_NOT_FOUND && how == GUEST_STOP_LOOK) {
        *ret_off = true; /* a transient VM goes away altogether */
        return 0;
    }
    if (result == 0) {
        result = libvirt_is_active(domain, &active, err);
    }
    *ret_off = result == 0 && !active;
    if (result < 0 || !active || how == GUEST_STOP_LOOK || how == GUEST_STOP_FIND) {
        return result;
    }
    if (how == GUEST_STOP_CHECK || how == GUEST_STOP_ASK) {
        result = refuse_paused(domain, vm, err);
    }
    if (result < 0 || how == GUEST_STOP_CHECK) {
        return result;
    }
    if (how == GUEST_STOP_ASK) {
        return ask_to_stop(domain, vm, ret_off, err);
    }
    return pull_the_plug(domain, vm, ret_off, err);
}

static int undefine(struct guest_port *port, const char *vm, struct error *err)
{
    CLEANUP_DOMAIN virDomainPtr domain = NULL;
    int result = libvirt_find(port_of(port), vm, &domain, err);
    result = result != 0 ? result : libvirt_may_undefine(domain, vm, err);
    if (result < 0) {
        return result;
    }
    /* Without flags: a VM with saved state, snapshots or firmware variables is not thrown away. */
    return virDomainUndefine(domain) == 0
               ? 0
               : libvirt_error(err, SUBJECT("vm", vm), "removing the definition of VM \"%s\"", vm);
}

static int may_undefine(struct guest_port *port, const char *vm, struct error *err)
{
    CLEANUP_DOMAIN virDomainPtr domain = NULL;
    int result = libvirt_find(port_of(port), vm, &domain, err);
    return result != 0 ? result : libvirt_may_undefine(domain, vm, err);
}

static int read_xml(struct guest_port *port, const char *vm, enum guest_xml which, char **ret_xml,
                    struct error *err)
{
    static const unsigned flags[] = {[GUEST_XML_STORED] = VIR_DOMAIN_XML_INACTIVE,
                                     [GUEST_XML_LIVE] = 0,
                                     [GUEST_XML_MIGRATABLE] = VIR_DOMAIN_XML_MIGRATABLE};
    CLEANUP_DOMAIN virDomainPtr domain = NULL;
    bool active = false;
    int result = libvirt_find(port_of(port), vm, &domain, err);
    if (result == 0) {
        result = libvirt_is_active(domain, &active, err);
    }
    if (result < 0) {
        return result;
    }
    if (which != GUEST_XML_STORED && !active) {
        return error_set(err, REASON_CONFLICT, SUBJECT("vm", vm), "VM \"%s\" is not running", vm);
    }
    if (which == GUEST_XML_STORED && virDomainIsPersistent(domain) == 0) {
        return error_set(err, REASON_CONFLICT, SUBJECT("vm", vm),
                         "VM \"%s\" is transient: it has no stored definition", vm);
    }
    *ret_xml = virDomainGetXMLDesc(domain, flags[which] | VIR_DOMAIN_XML_SECURE);
    return *ret_xml != NULL
               ? 0
               : libvirt_error(err, SUBJECT("vm", vm), "reading the definition of VM \"%s\"", vm);
}

static int rewrite(struct guest_port *port, const char *xml, const struct hostdev_change *changes,
                   size_t n_changes, char **ret_xml, struct error *err)
{
    (void)port;
    return domain_edit_rewrite(xml, changes, n_changes, ret_xml, err);
}

static int facts(struct guest_port *port, const char *vm, struct domain_facts *ret_facts,
                 struct error *err)
{
    CLEANUP_DOMAIN virDomainPtr domain = NULL;
    bool active = false;
    int autostart = 0;
    int result = libvirt_find(port_of(port), vm, &domain, err);
    if (result == 0) {
        result = libvirt_is_active(domain, &active, err);
    }
    if (result < 0) {
        return result;
    }
    bool transient = virDomainIsPersistent(domain) == 0;
    CLEANUP_FREE char *xml = virDomainGetXMLDesc(domain, transient ? 0 : VIR_DOMAIN_XML_INACTIVE);
    if (xml == NULL) {
        return libvirt_error(err, SUBJECT("vm", vm), "reading the definition of VM \"%s\"", vm);
    }
    CLEANUP_FREE char *capabilities = virConnectGetCapabilities(port_of(port)->connection);
    result = facts_xml_read(xml, capabilities, ret_facts, err);
    if (!active) {
        saved_state_facts(domain, ret_facts);
    }
    ret_facts->running = active;
    ret_facts->transient = transient;
    ret_facts->autostart = virDomainGetAutostart(domain, &autostart) == 0 && autostart == 1;
    return result;
}

static int migrate(struct guest_port *port, const struct guest_migration *migration,
                   struct guest_progress *ret_done, struct error *err)
{
    return libvirt_migrate(port_of(port), migration, ret_done, err);
}

static int migrate_progress(struct guest_port *port, const char *vm,
                            struct guest_progress *ret_progress, struct error *err)
{
    return libvirt_migrate_progress(port_of(port), vm, ret_progress, err);
}

static int migrate_cancel(struct guest_port *port, const char *vm, struct error *err)
{
    return libvirt_migrate_cancel(port_of(port), vm, err);
}

static int dirty_rate(struct guest_port *port, const char *vm, uint64_t *ret_bytes_per_s,
                      struct error *err)
{
    return libvirt_dirty_rate(port_of(port), vm, ret_bytes_per_s, err);
}

static int describe(struct guest_port *port, const char *xml, struct vm *ret_vm, struct error *err)
{
    (void)port;
    return libvirt_describe(xml, ret_vm, err);
}

static void free_port(struct guest_port *port)
{
    struct libvirt_port *own = port_of(port);
    libvirt_disconnect(own);
    free(own->uri);
    free(own);
}

static const struct guest_port_ops ops = {
    .observe = observe,
    .follow = follow,
    .check = check,
    .apply = apply,
    .may_define = may_define,
    .define = define,
    .start = start,
    .stop = stop,
    .may_undefine = may_undefine,
    .undefine = undefine,
    .read_xml = read_xml,
    .facts = facts,
    .rewrite = rewrite,
    .describe = describe,
    .migrate = migrate,
    .migrate_progress = migrate_progress,
    .migrate_cancel = migrate_cancel,
    .dirty_rate = dirty_rate,
    .free = free_port,
};

/* libvirt prints each error by default; here errors are values. */
static void say_nothing(void *data, virErrorPtr problem)
{
    (void)data;
    (void)problem;
}

struct guest_port *libvirt_port_new(const char *uri)
{
    struct libvirt_port *port = xcalloc(1, sizeof(*port));
    xmlInitParser();
    virInitialize();
    virSetErrorFunc(NULL, say_nothing);
    port->port.ops = &ops;
    port->uri = xstrdup(uri);
    return &port->port;
}
