/* SPDX-License-Identifier: Apache-2.0 */
/* The connection to libvirt: opened when needed, opened again when it broke, never noisy. */
#ifndef DRIVER_LIBVIRT_CONNECTION_H
#define DRIVER_LIBVIRT_CONNECTION_H

#include <libvirt/libvirt.h>

#include "base/error.h"
#include "driver/libvirt/domain_xml.h"
#include "port/guest_port.h"

/* The host's, as libvirt names it; "" unknown. */
struct processor {
    char arch[16], vendor[32], model[64];
};

struct libvirt_port {
    struct guest_port port; /* first */
    char *uri;
    virConnectPtr connection; /* NULL: not connected now */
    uint64_t session;         /* connections so far */
    struct processor processor;
    uint64_t processor_session; /* of which it was read */
    bool observes;              /* wants to hear of VMs that end */
    struct vm_ends *ends;       /* of this connection; NULL: nothing is reported */
    struct vm_reports *reports; /* likewise */
    guest_changed_fn *changed;  /* who hears of each event; NULL: it is only kept for looks */
    void *changed_data;
};

DEFINE_FREEP(virDomainPtr, virDomainFree)
#define CLEANUP_DOMAIN CLEANUP(virDomainFreep)

/* -REASON_UNAVAILABLE when libvirt doesn't answer. */
int libvirt_connect(struct libvirt_port *port, struct error *err);
/* With what came over the connection, if there is one. */
void libvirt_disconnect(struct libvirt_port *port);
/* By name or UUID; connects. */
int libvirt_find(struct libvirt_port *port, const char *vm, virDomainPtr *ret_domain,
                 struct error *err);

/* Is it running, or paused, or on its way in or out? */
int libvirt_is_active(virDomainPtr domain, bool *ret_active, struct error *err);
/* Host devices of the running (live) or the stored definition. */
enum definition { LIVE, PERSISTENT };
/* Lets a saved state name the devices that the stored definition names (saved_state.c). */
int saved_state_follow(virDomainPtr domain, const char *vm, struct error *err);
/* The definition as text; caller frees. */
int libvirt_definition(virDomainPtr domain, enum definition which, char **ret_xml,
                       struct error *err);
/* The devices that a saved state names for claims, if there is one that can be read. */
void saved_state_facts(virDomainPtr domain, struct domain_facts *facts);
/* May it be undefined: is it off, and does libvirt keep nothing else for it (kept.c)? -IN_USE names
 * what it keeps. */
int libvirt_may_undefine(virDomainPtr domain, const char *vm, struct error *err);
/* All that it names: adds to vm->saved_devices, nothing if it can't be read. */
void saved_state_devices(virDomainPtr domain, struct vm *vm);
int libvirt_hostdevs(virDomainPtr domain, enum definition which, struct hostdevs *ret_devices,
                     struct error *err);

/* Turns libvirt's last error into ours: "<what it was about>: <libvirt's words>". Every other call
 * to libvirt forgets that error, virDomainGetName() too: no argument may be one. */
int libvirt_error(struct error *err, const char *subject, const char *fmt, ...) PRINTF_ATTR(3, 4);

/* check and apply of ATTACH and DETACH steps (hostdev_step.c). */
int libvirt_check_step(struct libvirt_port *port, const struct step *step, struct error *err);
int libvirt_apply_step(struct libvirt_port *port, const struct step *step, struct error *err);
/* Can this libvirt (its number as virConnectGetLibVersion has it) assign the step's device? */
int libvirt_check_version(unsigned long version, const struct step *step, struct error *err);

/* migration (migrate.c). */
int libvirt_migrate(struct libvirt_port *port, const struct guest_migration *migration,
                    struct guest_progress *ret_done, struct error *err);
int libvirt_migrate_progress(struct libvirt_port *port, const char *vm,
                             struct guest_progress *ret_progress, struct error *err);
int libvirt_migrate_cancel(struct libvirt_port *port, const char *vm, struct error *err);
int libvirt_dirty_rate(struct libvirt_port *port, const char *vm, uint64_t *ret_bytes_per_s,
                       struct error *err);

/* describe (describe.c). */
int libvirt_describe(const char *xml, struct vm *ret_vm, struct error *err);

/* observe (observe.c). */
int libvirt_observe(struct libvirt_port *port, struct host *host, struct error *err);

#endif
