/* SPDX-License-Identifier: Apache-2.0 */
/* What a manager is made with. */
#ifndef STATE_CONFIG_H
#define STATE_CONFIG_H

#include <stdint.h>

#include "base/evloop.h"
#include "catalog/catalog.h"
#include "exec/runner.h"
#include "port/peer_port.h"
#include "rules/rules.h"
#include "store/store.h"

/* So many calls of each use can be held up in libvirt while others go on: starts, stops that ask
 * the guest, and stops that pull the plug (--now). Together with the connections that look they
 * leave some of the 20 workers of a libvirt daemon free (max_workers, libvirt's virtqemud.conf). */
#define VM_START_LINES 8
#define VM_ASK_LINES 4
#define VM_KILL_LINES 4
#define VM_LINES (VM_START_LINES + VM_ASK_LINES + VM_KILL_LINES)

struct manager_config {
    struct evloop *loop;
    const struct catalog *catalog;
    const struct rules *rules;
    const struct error *rules_problem; /* why a site's own are not among them; NULL: they are */
    struct store *store;
    struct ports ports;
    /* Connections of their own, each for one thread: to observe VMs while they are changed, and to
     * start and stop VMs, which libvirt may take long for (all of those, or none). NULL:
     * ports.guest, which must then bear it. */
    struct guest_port *watch_guest;
    struct guest_port *vm_guests[VM_LINES];
    /* To move VMs: another host's cleaved, a connection that moves and one that watches it. All or
     * none. `move_guest` becomes the manager's own: a move under way may still be using it when the
     * manager goes. */
    struct peer_port *peer;
    struct guest_port *move_guest;
    struct guest_port *track_guest;
    uint64_t migration_tick_us;    /* how often a migration is looked at; 0: the default */
    uint64_t incoming_patience_us; /* how long a VM that comes in may be silent; 0: the default */
    uint64_t restore_timeout_us;   /* after a reboot; 0: the host is restored only when asked */
    uint64_t observe_period_us;    /* 0: only on demand */
    uint64_t vm_grace_us;          /* how long a VM may be gone before its claims go, too */
    /* How long an answer from NVML or sysfs, from libvirt, and to who only reads may take before it
     * is given without; 0: the defaults in watch/looks.h. */
    uint64_t hardware_patience_us, guests_patience_us, read_patience_us;
    uint64_t hook_deadline_us; /* when a VM that waits for its device is refused; 0: a minute */
};

#endif
