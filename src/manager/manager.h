/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner of all state: observes the host, admits claims, plans, runs, records events. Every API
 * call is a request to it. Lives on the loop thread; answers either at once or by callback.
 */
#ifndef MANAGER_MANAGER_H
#define MANAGER_MANAGER_H

#include <jansson.h>

#include "base/error.h"
#include "base/evloop.h"
#include "catalog/catalog.h"
#include "exec/runner.h"
#include "port/peer_port.h"
#include "rules/rules.h"
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

/* The answer to a request: exactly one of body (stolen) or err (reason set). */
typedef void manager_reply_fn(json_t *body, const struct error *err, void *data);

/* Who asks, taken from the connection. */
struct caller {
    char author[NAME_SIZE];
    bool root; /* the kernel says so */
};

/* Each calls `reply` exactly once, maybe before returning. Bodies are API JSON (api/openapi.yaml).
 * Changes answer with {"plan": …, "claims": […]}; with dry_run nothing is stored or changed and
 * the plan's state is "planned"; else the plan is running (poll get_plan). */
/* What hangs, what has the turn, and how many wait for it. Never waits. */
void manager_get_health(struct manager *m, manager_reply_fn *reply, void *data);
void manager_get_host(struct manager *m, manager_reply_fn *reply, void *data);
/* Brings back what a reboot or a reload of the driver took. Body, may be NULL: {"timeoutSeconds"?}.
 * Answers at once with how far it is (schema Restore); ask manager_get_restore() for the rest. */
void manager_restore_host(struct manager *m, const struct caller *caller, const json_t *body,
                          bool dry_run, manager_reply_fn *reply, void *data);
void manager_get_restore(struct manager *m, manager_reply_fn *reply, void *data);
void manager_list_gpus(struct manager *m, manager_reply_fn *reply, void *data);
void manager_get_gpu(struct manager *m, const char *gpu, manager_reply_fn *reply, void *data);
void manager_set_gpu_mode(struct manager *m, const struct caller *caller, const char *gpu,
                          const json_t *body, bool dry_run, manager_reply_fn *reply, void *data);
/* Body: {"policy": …, "sliceNs"?, "frequencyHz"?, "averaging"?} */
void manager_set_gpu_scheduler(struct manager *m, const struct caller *caller, const char *gpu,
                               const json_t *body, bool dry_run, manager_reply_fn *reply,
                               void *data);
/* Answer with the GPU. Body: {"reason": …}, may be NULL. */
void manager_cordon_gpu(struct manager *m, const struct caller *caller, const char *gpu,
                        const json_t *body, bool dry_run, manager_reply_fn *reply, void *data);
void manager_uncordon_gpu(struct manager *m, const struct caller *caller, const char *gpu,
                          bool dry_run, manager_reply_fn *reply, void *data);
/* Answers with a change, as a claim's do. */
void manager_recover_gpu(struct manager *m, const struct caller *caller, const char *gpu,
                         bool dry_run, manager_reply_fn *reply, void *data);
void manager_list_profiles(struct manager *m, const char *gpu, manager_reply_fn *reply, void *data);
void manager_list_claims(struct manager *m, manager_reply_fn *reply, void *data);
void manager_get_claim(struct manager *m, const char *name, manager_reply_fn *reply, void *data);
void manager_create_claim(struct manager *m, const struct caller *caller, const json_t *body,
                          bool dry_run, manager_reply_fn *reply, void *data);
void manager_delete_claim(struct manager *m, const struct caller *caller, const char *name,
                          bool dry_run, manager_reply_fn *reply, void *data);
/* A dry run of it as it will be behind the deletion of others: `behind` has their names, with
 * slashes between. */
void manager_foresee_delete(struct manager *m, const struct caller *caller, const char *name,
                            const char *behind, manager_reply_fn *reply, void *data);
/* Claims that were released because their VMs were gone, and can be brought back: {"released":
 * [{"claim", "releasedAt", "reason"}]}. */
void manager_list_released(struct manager *m, manager_reply_fn *reply, void *data);
void manager_restore_claim(struct manager *m, const struct caller *caller, const char *name,
                           bool dry_run, manager_reply_fn *reply, void *data);
/* Body: {"name": "lab", "claims": [claim…]}: the claims of that site become exactly these. */
void manager_apply_site(struct manager *m, const struct caller *caller, const json_t *body,
                        bool dry_run, manager_reply_fn *reply, void *data);
void manager_list_plans(struct manager *m, manager_reply_fn *reply, void *data);
void manager_get_plan(struct manager *m, const char *id, manager_reply_fn *reply, void *data);
void manager_list_vms(struct manager *m, manager_reply_fn *reply, void *data);
/* Body: {"name": …, "template": "<domain …>"} */
void manager_create_vm(struct manager *m, const struct caller *caller, const json_t *body,
                       bool dry_run, manager_reply_fn *reply, void *data);
void manager_start_vm(struct manager *m, const struct caller *caller, const char *vm, bool dry_run,
                      manager_reply_fn *reply, void *data);
/* As manager_foresee_delete(), behind the start of other VMs. */
void manager_foresee_start(struct manager *m, const struct caller *caller, const char *vm,
                           const char *behind, manager_reply_fn *reply, void *data);
/* What is wrong with its definition, as src/lint has it. */
void manager_lint_vm(struct manager *m, const char *vm, manager_reply_fn *reply, void *data);
void manager_stop_vm(struct manager *m, const struct caller *caller, const char *vm,
                     const json_t *body, bool dry_run, manager_reply_fn *reply, void *data);
void manager_delete_vm(struct manager *m, const struct caller *caller, const char *vm, bool dry_run,
                       manager_reply_fn *reply, void *data);
/* libvirt's hook script asks. Body: {"domain": name, "operation": "prepare", "subOperation":
 * "begin", "extra": "-", "xml": "<domain …>"}. {"answer": "allow"}, or an error that says why the
 * VM may not start. Never waits for libvirt. */
void manager_run_hook(struct manager *m, const struct caller *caller, const json_t *body,
                      manager_reply_fn *reply, void *data);
/* What no VM and no claim needs any more: {"garbage": […], "kept": […]}, and the plan that clears
 * it. */
void manager_list_garbage(struct manager *m, manager_reply_fn *reply, void *data);
void manager_collect_garbage(struct manager *m, const struct caller *caller, bool dry_run,
                             manager_reply_fn *reply, void *data);
/* Body: {"vm", "destination", "peer"?, "migrateUri"?, "bandwidthBytes"?, "maxDowntimeMs"?,
 * "strict"?}. Answers with the migration; a dry run with one that was only checked. */
void manager_migrate_vm(struct manager *m, const struct caller *caller, const json_t *body,
                        bool dry_run, manager_reply_fn *reply, void *data);
void manager_list_migrations(struct manager *m, manager_reply_fn *reply, void *data);
void manager_get_migration(struct manager *m, const char *id, manager_reply_fn *reply, void *data);
void manager_cancel_migration(struct manager *m, const struct caller *caller, const char *id,
                              bool dry_run, manager_reply_fn *reply, void *data);
/* A person says where the VM is, since the target can't. Body: {"vm": "away"|"here"}. Answers with
 * the migration and what that means (schema SettlementReply); refused while the target answers. */
void manager_settle_migration(struct manager *m, const struct caller *caller, const char *id,
                              const json_t *body, bool dry_run, manager_reply_fn *reply,
                              void *data);
/* What another host asks: body is a MigrationOffer; answers with the reservation. */
void manager_offer_incoming(struct manager *m, const struct caller *caller, const json_t *body,
                            bool dry_run, manager_reply_fn *reply, void *data);
void manager_get_incoming(struct manager *m, const char *id, manager_reply_fn *reply, void *data);
void manager_commit_incoming(struct manager *m, const struct caller *caller, const char *id,
                             bool dry_run, manager_reply_fn *reply, void *data);
void manager_abort_incoming(struct manager *m, const struct caller *caller, const char *id,
                            bool dry_run, manager_reply_fn *reply, void *data);
/* Body: {"to": [{"destination", "peer"?, "migrateUri"?}…], "stop"?, "parallel"?, "reason"?}.
 * Replies at once with the drain, which continues in the background; a dry run: the verdicts. */
void manager_drain_host(struct manager *m, const struct caller *caller, const json_t *body,
                        bool dry_run, manager_reply_fn *reply, void *data);
void manager_get_drain(struct manager *m, manager_reply_fn *reply, void *data);
void manager_cancel_drain(struct manager *m, const struct caller *caller, bool dry_run,
                          manager_reply_fn *reply, void *data);
/* Ends the maintenance: forgets the drain, and its cordons. */
void manager_undrain_host(struct manager *m, const struct caller *caller, bool dry_run,
                          manager_reply_fn *reply, void *data);
void manager_list_events(struct manager *m, uint64_t after, size_t max, manager_reply_fn *reply,
                         void *data);
void manager_list_rules(struct manager *m, manager_reply_fn *reply, void *data);

#endif
