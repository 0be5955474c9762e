/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other host's side of a migration: cleaved there. Implemented by driver/peer over its HTTP
 * API. All operations block, a minute at most where a host is silent, and run on worker threads:
 * one call at a time to each address, and to several addresses at once. An address is `unix:/path`,
 * `http://host:port`, or `ssh:[user@]host` (through `cleave dial` there).
 */
#ifndef PORT_PEER_PORT_H
#define PORT_PEER_PORT_H

#include "base/error.h"
#include "model/incoming.h"

struct peer_port;

enum peer_offer { PEER_CHECK, PEER_PREPARE };

/* All mandatory. A host that does not answer is -REASON_UNAVAILABLE: then it is unknown whether it
 * did what it was asked for. All but `check_ways` and `link_speed` give the reservation as it is
 * there now, with what the VM does there; the caller frees it. */
struct peer_port_ops {
    /* Do libvirt's URI and the way of the data ("": libvirt's choice) lead to another host, as
     * their names are resolved now? 0, -REASON_PERMISSION or -REASON_UNAVAILABLE. */
    int (*check_ways)(struct peer_port *port, const char *destination, const char *data,
                      struct error *err);
    /* PEER_CHECK: what would happen, with all checks; nothing is kept. PEER_PREPARE: reserves and
     * begins to make the devices, or refuses (-REASON_RULE, -REASON_NO_CAPACITY, …). Repeating it
     * with the same id gives what the first one began. */
    int (*offer)(struct peer_port *port, const char *address, const struct migration_offer *offer,
                 enum peer_offer what, struct incoming **ret_incoming, struct error *err);
    /* -REASON_NOT_FOUND: it never heard of it, or has forgotten it. Also keeps the reservation
     * alive.
     */
    int (*status)(struct peer_port *port, const char *address, const char *id,
                  struct incoming **ret_incoming, struct error *err);
    /* The VM and its claims live there from now on. Idempotent. */
    int (*commit)(struct peer_port *port, const char *address, const char *id,
                  struct incoming **ret_incoming, struct error *err);
    /* Begins to give everything back. Idempotent; -REASON_IN_USE while the VM runs there. */
    int (*abort)(struct peer_port *port, const char *address, const char *id,
                 struct incoming **ret_incoming, struct error *err);
    /* Of the way to the host that data would take (`destination`: libvirt's URI), in bytes per
     * second, as the network interface reports it. */
    struct amount (*link_speed)(struct peer_port *port, const char *destination);
    void (*free)(struct peer_port *port);
};

/* Implementations embed this first. */
struct peer_port {
    const struct peer_port_ops *ops;
};

#endif
