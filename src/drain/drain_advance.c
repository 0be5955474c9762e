/* SPDX-License-Identifier: Apache-2.0 */
/* A drain at work: moves and stops VMs, looks how far they are, and knows when it is over. */
#include "drain/drain_advance.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "drain/drain_plan.h"
#include "drain/drain_run.h"
#include "migration/migrations.h"
#include "state/txn.h"
#include "turn/queue.h"
#include "watch/observe.h"

#define DRAIN_TICK_US 250000
#define DRAIN_ATTEMPTS 2 /* to move a VM to one target */

/* ---- storing: nothing begins that is not written down ---- */

static enum event_kind event_of(enum drain_state state)
{
    static const enum event_kind kinds[DRAIN_STATE_COUNT] = {
        [DRAIN_RUNNING] = EVENT_HOST_DRAINING,
        [DRAIN_DONE] = EVENT_HOST_DRAINED,
        [DRAIN_INCOMPLETE] = EVENT_HOST_NOT_DRAINED,
        [DRAIN_CANCELLED] = EVENT_HOST_DRAIN_CANCELLED,
    };
    return kinds[state];
}

static size_t count(const struct drain *drain, enum drain_step step)
{
    size_t n = 0;
    for (vec_each(&drain->vms, vm)) {
        n += vm->step == step;
    }
    return n;
}

static void put(struct txn *txn, const struct drain_run *d)
{
    txn_begin(txn, d->manager);
    txn_put_drain(txn, d->drain);
}

static void stored(const struct error *err, void *data)
{
    (void)data;
    if (err != NULL) {
        log_warning("the drain can't be stored: %s", err->message);
    }
}

/* In the ledger's turn: the drain as it is by then. */
static void store_as_it_is(void *data)
{
    struct manager *m = data;
    if (m->drain_run == NULL) {
        return; /* it is over, and was forgotten */
    }
    struct txn txn;
    m->drain_run->store_due = false;
    put(&txn, m->drain_run);
    txn_commit_then(&txn, stored, NULL);
}

/* Stores the drain in the ledger's turn; where that fails, the log says so, and the next change
 * takes it along. */
static void store(struct drain_run *d)
{
    if (!d->store_due) {
        d->store_due = true;
        ledger_take_turn(d->manager->ledger, store_as_it_is, d->manager);
    }
}

/* Stores the drain's new state, with its event. */
static void store_state(struct drain_run *d)
{
    struct manager *m = d->manager;
    const struct drain *drain = d->drain;
    if (event_of(drain->state) != EVENT_NONE) {
        txn_event_alone(m, event_of(drain->state), SUBJECT("host", m->host->name), drain->author,
                        "%zu VMs: %zu moved or stopped, %zu stay, %zu failed, %zu left to do",
                        drain->vms.n, count(drain, DRAIN_GONE), count(drain, DRAIN_LEFT),
                        count(drain, DRAIN_FAILED),
                        count(drain, DRAIN_WAITING) + count(drain, DRAIN_MOVING) +
                            count(drain, DRAIN_STOPPING));
    }
    store(d);
}

/* ---- what begins once that is written down ---- */

typedef void begin_fn(struct drain_run *d, size_t i, struct drain_call *call);

static void begun_stored(struct drain_call *call, const struct error *err, begin_fn *begin_it)
{
    struct drain_run *d = call->drain_run;
    size_t i = call->vm;
    bool goes_on =
        err == NULL && !d->gone && !d->manager->stopping && d->drain->state == DRAIN_RUNNING;
    if (goes_on) {
        begin_it(d, i, call);
        return;
    }
    stored(err, NULL);
    if (drain_call_end(call, &d, &i)) {
        drain_vm_move(&d->drain->vms.items[i], DRAIN_WAITING);
        operation_schedule(d->operation, DRAIN_TICK_US);
    }
}

/* ---- one VM ---- */

static const struct vm *find_on(const struct manager *m, const char *name)
{
    const struct vm *vm = host_find_vm(m->host, name);
    return vm_is_on(vm) ? vm : NULL;
}

static const struct migration *find_migration(const struct manager *m, const char *id)
{
    for (vec_each(&m->migrations->outgoing, outgoing)) {
        if (str_eq((*outgoing)->migration->id, id)) {
            return (*outgoing)->migration;
        }
    }
    return NULL;
}

/* One that was begun for this drain when cleaved ended before its number was stored. */
static const struct migration *find_begun(const struct drain_run *d, const char *vm)
{
    const struct migration *found = NULL;
    for (vec_each(&d->manager->migrations->outgoing, outgoing)) {
        const struct migration *migration = (*outgoing)->migration;
        if (!(*outgoing)->dry_run && str_eq(migration->request.vm, vm) &&
            migration->created_us >= d->drain->created_us &&
            (found == NULL || migration->created_us > found->created_us)) {
            found = migration;
        }
    }
    return found;
}

static void fail(struct drain_vm *vm, const char *problem)
{
    STR_SET(vm->problem, problem);
    str_make_clean(vm->problem);
    drain_vm_move(vm, DRAIN_FAILED);
}

/* The same target is tried once more if that may help; then the next target, if there is one. */
static void refused(struct drain_run *d, struct drain_vm *vm, enum reason reason,
                    const char *problem)
{
    vm->migration[0] = '\0';
    vm->total_bytes = vm->processed_bytes = (struct amount){0};
    vm->attempts++;
    if (!reason_passes(reason, PASSES_OFTEN) || vm->attempts >= DRAIN_ATTEMPTS) {
        if (vm->target + 1 >= d->drain->n_targets) {
            fail(vm, problem);
            return;
        }
        vm->target++;
        vm->attempts = 0;
    }
    STR_SET(vm->problem, problem);
    str_make_clean(vm->problem);
    drain_vm_move(vm, DRAIN_WAITING);
}

static void begun(json_t *body, const struct error *err, void *data)
{
    struct drain_run *d = NULL;
    size_t i = 0;
    if (drain_call_end(data, &d, &i)) {
        struct drain_vm *vm = &d->drain->vms.items[i];
        const char *id =
            json_string_value(json_object_get(json_object_get(body, "migration"), "id"));
        if (err != NULL) {
            refused(d, vm, err->reason, err->message);
        } else {
            STR_SET(vm->migration, id == NULL ? "" : id);
        }
        store(d);
        operation_schedule(d->operation, 0);
    }
    json_decref(body);
}

static void move_vm(struct drain_run *d, size_t i, struct drain_call *call)
{
    struct migration_request body = drain_migration_request(d, &d->drain->vms.items[i]);
    const struct caller caller = drain_caller(d, ROLES_ALL);
    const struct request migrate = {.caller = &caller, .body = &body, .reply = begun, .data = call};
    service_call(&d->manager->service, VERB_MIGRATE_VM, &migrate);
}

static void move_stored(const struct error *err, void *data)
{
    begun_stored(data, err, move_vm);
}

/* In the ledger's turn. */
static void store_move(void *data)
{
    const struct drain_call *call = data;
    struct txn txn;
    put(&txn, call->drain_run);
    txn_commit_then(&txn, move_stored, data);
}

static void begin_move(struct drain_run *d, size_t i)
{
    struct drain_vm *vm = &d->drain->vms.items[i];
    drain_vm_move(vm, DRAIN_MOVING);
    vm->problem[0] = '\0';
    ledger_take_turn(d->manager->ledger, store_move, drain_call_new(d, i));
}

static void stopped(json_t *body, const struct error *err, void *data)
{
    struct drain_run *d = NULL;
    size_t i = 0;
    if (drain_call_end(data, &d, &i)) {
        struct drain_vm *vm = &d->drain->vms.items[i];
        if (err == NULL || find_on(d->manager, vm->name) == NULL) {
            drain_vm_move(vm, DRAIN_GONE);
        } else {
            fail(vm, err->message);
        }
        store(d);
        operation_schedule(d->operation, 0);
    }
    json_decref(body);
}

static void stop_vm(struct drain_run *d, size_t i, struct drain_call *call)
{
    const struct caller caller = drain_caller(d, ROLES_CONNECTED);
    const struct request stop = {
        .caller = &caller, .target = d->drain->vms.items[i].name, .reply = stopped, .data = call};
    service_call(&d->manager->service, VERB_STOP_VM, &stop);
}

static void stop_stored(const struct error *err, void *data)
{
    begun_stored(data, err, stop_vm);
}

/* In the ledger's turn. */
static void store_stop(void *data)
{
    const struct drain_call *call = data;
    struct txn txn;
    put(&txn, call->drain_run);
    txn_commit_then(&txn, stop_stored, data);
}

static void begin_stop(struct drain_run *d, size_t i)
{
    drain_vm_move(&d->drain->vms.items[i], DRAIN_STOPPING);
    ledger_take_turn(d->manager->ledger, store_stop, drain_call_new(d, i));
}

static void begin(struct drain_run *d, size_t i)
{
    struct drain_vm *vm = &d->drain->vms.items[i];
    if (find_on(d->manager, vm->name) == NULL) {
        drain_vm_move(vm, DRAIN_GONE); /* on its own, or by another command */
        return;
    }
    if (holds_have(&d->manager->holds, HOLD_START, hold_vm(vm->name, ""))) {
        return; /* its turn comes when it runs, or is off */
    }
    switch (vm->verdict) {
    case DRAIN_MIGRATE:
        begin_move(d, i);
        break;
    case DRAIN_STOP:
        begin_stop(d, i);
        break;
    case DRAIN_STAY:
    case DRAIN_UNDECIDED:
    case DRAIN_VERDICT_COUNT:
        drain_vm_move(vm, DRAIN_LEFT);
        break;
    }
}

/* True when it is no longer under way. */
static bool follow(struct drain_run *d, struct drain_vm *vm)
{
    const struct migration *migration = find_migration(d->manager, vm->migration);
    if (migration == NULL) {
        if (find_on(d->manager, vm->name) == NULL) {
            drain_vm_move(vm, DRAIN_GONE);
        } else {
            fail(vm,
                 "cleaved has no record of its migration any more, and the VM runs on this host");
        }
        return true;
    }
    vm->total_bytes = migration->progress.total_bytes;
    vm->processed_bytes = migration->progress.processed_bytes;
    vm->downtime_ms = migration->progress.downtime_ms;
    if (!migration_is_over(migration)) {
        return false;
    }
    if (migration->state == MIGRATION_DONE) {
        drain_vm_move(vm, DRAIN_GONE);
    } else if (d->drain->state == DRAIN_CANCELLING) {
        STR_SET(vm->problem, "cancelled");
        drain_vm_move(vm, DRAIN_LEFT);
    } else if (migration->state == MIGRATION_CANCELLED) {
        fail(vm, "its migration was cancelled");
    } else {
        refused(d, vm, migration->reason, migration->problem);
    }
    return true;
}

/* ---- all of them ---- */

/* Cancels the migrations that are under way, as far as that is still possible. */
static void call_back(struct drain_run *d)
{
    const struct caller caller = drain_caller(d, ROLES_CONNECTED);
    for (vec_each(&d->drain->vms, vm)) {
        const struct migration *migration = find_migration(d->manager, vm->migration);
        if (vm->step == DRAIN_WAITING) {
            STR_SET(vm->problem, "cancelled");
            drain_vm_move(vm, DRAIN_LEFT);
        } else if (vm->step == DRAIN_MOVING && migration != NULL && !migration->cancel) {
            const struct request cancel = {
                .caller = &caller, .target = vm->migration, .reply = change_unasked};
            service_call(&d->manager->service, VERB_CANCEL_MIGRATION, &cancel);
        }
    }
}

/* VMs that came to run after the drain began were judged by no one: they stay, and are named.
 * False: more of them run than can be named. */
static bool add_latecomers(struct drain_run *d)
{
    size_t judged = d->drain->vms.n;
    bool complete = drain_collect(d);
    for (size_t i = judged; i < d->drain->vms.n; i++) {
        struct drain_vm *vm = &d->drain->vms.items[i];
        vm->verdict = DRAIN_STAY;
        STR_SET(vm->why, "it came to run after the drain began: drain the host once more");
        drain_vm_move(vm, DRAIN_LEFT);
    }
    return complete;
}

static void end(struct drain_run *d)
{
    struct drain *drain = d->drain;
    bool complete = drain->state == DRAIN_CANCELLING || add_latecomers(d);
    bool all = complete && count(drain, DRAIN_GONE) == drain->vms.n;
    enum drain_state done = all ? DRAIN_DONE : DRAIN_INCOMPLETE;
    drain->finished_us = clock_realtime_us();
    drain_run_enter(d, drain->state == DRAIN_CANCELLING ? DRAIN_CANCELLED : done);
    store_state(d);
    log_info("the drain is %s", drain_state_name(drain->state));
}

static bool is_finished(const struct drain_run *d)
{
    const struct drain *drain = d->drain;
    return d->calls.n == 0 && count(drain, DRAIN_WAITING) + count(drain, DRAIN_MOVING) +
                                      count(drain, DRAIN_STOPPING) ==
                                  0;
}

/* Until libvirt answers it is not known which VMs run here. */
static void last_observed(struct manager *m, const struct error *err, void *data)
{
    (void)data;
    struct drain_run *d = m->drain_run;
    if (m->stopping || d == NULL || !d->looks || drain_is_over(d->drain->state)) {
        return;
    }
    d->looks = false;
    bool seen = err == NULL && m->host->libvirt_problem[0] == '\0';
    if (is_finished(d) && (seen || d->drain->state == DRAIN_CANCELLING)) {
        end(d);
    } else {
        operation_schedule(d->operation, 4 * DRAIN_TICK_US);
    }
}

/* A VM may have come since the last look, so the newest one decides what is left. */
static void look_and_end(struct drain_run *d)
{
    if (d->drain->state == DRAIN_CANCELLING) {
        end(d);
    } else if (!d->looks) {
        d->looks = true;
        observe_all(d->manager, last_observed, NULL);
    }
}

static bool work_on(struct drain_run *d)
{
    struct drain *drain = d->drain;
    bool changed = false;
    for (vec_each(&drain->vms, vm)) {
        changed =
            (vm->step == DRAIN_MOVING && vm->migration[0] != '\0' && follow(d, vm)) || changed;
    }
    for (size_t i = 0; i < drain->vms.n && drain->state == DRAIN_RUNNING; i++) {
        size_t under_way = count(drain, DRAIN_MOVING) + count(drain, DRAIN_STOPPING);
        if (drain->vms.items[i].step == DRAIN_WAITING && under_way < drain->parallel) {
            begin(d, i);
            changed = true;
        }
    }
    return changed;
}

static void go_on(struct drain_run *d)
{
    struct drain *drain = d->drain;
    if (drain_is_over(drain->state) || drain->state == DRAIN_PLANNING) {
        return;
    }
    if (drain->state == DRAIN_CANCELLING) {
        call_back(d);
    }
    bool changed = work_on(d);
    size_t left =
        count(drain, DRAIN_WAITING) + count(drain, DRAIN_MOVING) + count(drain, DRAIN_STOPPING);
    if (left == 0 && d->calls.n == 0) {
        look_and_end(d);
        return;
    }
    if (changed) {
        store(d);
    }
    operation_schedule(d->operation, DRAIN_TICK_US);
}

void drain_planned(struct drain_run *d)
{
    if (d->operation->dry_run) {
        drain_run_answer(d, NULL);
        return;
    }
    drain_run_enter(d, DRAIN_RUNNING);
    store_state(d);
    operation_schedule(d->operation, 0);
}

/* ---- after a restart ---- */

static void resumed(struct manager *m, const struct error *err, void *data)
{
    (void)data;
    struct drain_run *d = m->drain_run;
    if (m->stopping || d == NULL || !d->unseen || drain_is_over(d->drain->state)) {
        return;
    }
    if (err != NULL || m->host->libvirt_problem[0] != '\0') { /* not known what runs here */
        operation_schedule(d->operation, 4 * DRAIN_TICK_US);
        return;
    }
    d->unseen = false;
    for (vec_each(&d->drain->vms, vm)) {
        const struct migration *migration = find_begun(d, vm->name);
        if (vm->step == DRAIN_STOPPING) {
            drain_vm_move(vm, DRAIN_WAITING);
        } else if (vm->step == DRAIN_MOVING && vm->migration[0] == '\0' && migration != NULL) {
            STR_SET(vm->migration, migration->id);
        } else if (vm->step == DRAIN_MOVING && vm->migration[0] == '\0') {
            drain_vm_move(vm, DRAIN_WAITING);
        }
    }
    if (d->drain->state == DRAIN_PLANNING) {
        drain_plan(d, drain_planned);
    } else {
        go_on(d);
    }
}

void drain_advance(struct operation *operation)
{
    struct drain_run *d = operation->data;
    if (d->unseen) {
        observe_all(d->manager, resumed, NULL);
    } else {
        go_on(d);
    }
}
