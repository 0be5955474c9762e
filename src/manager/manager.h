/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner of all state: observes the host, admits claims, plans, runs, records events. Every API
 * call is a request to it. Lives on the loop thread; answers either at once or by callback.
 */
#ifndef MANAGER_MANAGER_H
#define MANAGER_MANAGER_H

#include "base/error.h"
#include "base/evloop.h"
#include "catalog/catalog.h"
#include "exec/runner.h"
#include "port/peer_port.h"
#include "rules/rules.h"
#include "service/service.h"
#include "store/store.h"

struct manager;

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
     * is given without; 0: the defaults in manager/state.h. */
    uint64_t hardware_patience_us, guests_patience_us, read_patience_us;
    uint64_t hook_deadline_us; /* when a VM that waits for its device is refused; 0: a minute */
};

/* Loads the store, resumes unfinished plans, starts observing. Takes nothing; all is borrowed. */
int manager_new(const struct manager_config *config, struct manager **ret_manager,
                struct error *err);
/* Once the loop has ended: answers who still waits, a VM's hook above all: a worker may be
 * starting that very VM, and would never come back. Those answers must go out before
 * manager_free(). */
void manager_stop(struct manager *manager);
/* Once the loop has ended: waits until `until_us` (monotonic) for what hangs in a driver or in
 * libvirt. False: it still does, and the threads are left to themselves; then the process has to
 * end without freeing what they use, the manager first of all. The journal has all that they did.
 */
bool manager_finish(struct manager *manager, uint64_t until_us);
/* Once the loop has ended: journals the step that is being applied, refuses what still waits. */
void manager_free(struct manager *manager);
DEFINE_FREEP(struct manager *, manager_free)

/* The door to all that can be asked of it; the manager's own. */
const struct service *manager_service(struct manager *manager);

/* What verbs do, as the rows of service/verbs.def name it: for that table, and for nothing else.
 * Answers are API JSON (api/openapi.yaml). Changes answer with {"plan": …, "claims":
 * […]}; with dry_run nothing is stored or changed and the plan's state is "planned"; else the plan
 * is running (ask GET_PLAN). */
#define VERB(id, name, method, path, permission, body, flags, begins, function) verb_fn function;
#include "service/verbs.def"
#undef VERB

#endif
