/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtualization layer's side: domains, who holds which device, attach and detach. Implemented
 * by driver/libvirt. All operations block and run on a worker thread, one at a time.
 */
#ifndef PORT_GUEST_PORT_H
#define PORT_GUEST_PORT_H

#include "base/error.h"
#include "model/host.h"
#include "model/plan.h"

struct guest_port;

/* All mandatory. */
struct guest_port_ops {
    /* Read-only. Adds to `host` the libvirt version and all domains with their host devices. A
     * missing libvirt is no error: host->libvirt_problem says it in one sentence. */
    int (*observe)(struct guest_port *port, struct host *host, struct error *err);
    /* Read-only. 0 = apply can only fail for a run-time reason. */
    int (*check)(struct guest_port *port, const struct step *step, struct error *err);
    /* Idempotent: a step whose result is already there succeeds. Reads back and compares; a
     * mismatch is an error. Fills step->got_*. */
    int (*apply)(struct guest_port *port, struct step *step, struct error *err);
    /* Defines a domain from XML text under a new name (UUID dropped, host devices refused). */
    int (*define)(struct guest_port *port, const char *xml, const char *name, struct error *err);
    /* Starts a shut-off domain; -REASON_CONFLICT if it runs already. */
    int (*start)(struct guest_port *port, const char *vm, struct error *err);
    /* Asks the guest to shut down; destroys it after timeout_ms (0: at once). */
    int (*stop)(struct guest_port *port, const char *vm, unsigned timeout_ms, struct error *err);
    /* Removes a shut-off domain's definition. */
    int (*undefine)(struct guest_port *port, const char *vm, struct error *err);
    void (*free)(struct guest_port *port);
};

/* Implementations embed this first. */
struct guest_port {
    const struct guest_port_ops *ops;
};

#endif
