/* SPDX-License-Identifier: Apache-2.0 */
/* A migration from state to state. Whatever fails, where the VM is decides: move_decide(). */
#include <stdio.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/str.h"
#include "manager/migrations.h"
#include "manager/reply_json.h"
#include "plan/estimate.h"
#include "plan/whereabouts.h"

#define TICK_US 250000
/* The longest pause between two attempts, and how long the source goes on asking a target to give
 * back (it will by itself, later): in ticks. */
#define PAUSE_MAX_TICKS 40
#define ABORT_PATIENCE_TICKS 240
#define TWICE_MAX 10
#define REFUSALS_MAX 10

static void decide(struct move *move);

/* ---- moving on ---- */

uint64_t move_tick_us(const struct manager *m)
{
    return m->config.migration_tick_us == 0 ? TICK_US : m->config.migration_tick_us;
}

void move_try_later(struct move *move)
{
    uint64_t tick_us = move_tick_us(move->manager);
    if (move->manager->stopping || move->finished) {
        return;
    }
    move->pause_us = move->pause_us == 0 ? tick_us : move->pause_us;
    (void)evloop_timer_set(move->timer, move->pause_us);
    move->pause_us = move->pause_us * 2 < PAUSE_MAX_TICKS * tick_us ? move->pause_us * 2
                                                                    : PAUSE_MAX_TICKS * tick_us;
}

static void soon(struct move *move)
{
    (void)evloop_timer_set(move->timer, move_tick_us(move->manager));
}

void move_note(struct txn *txn, const struct migration *migration)
{
    static const char *const kinds[MIGRATION_STATE_COUNT] = {
        [MIGRATION_CHECKING] = "vm-migrating",      [MIGRATION_DONE] = "vm-migrated",
        [MIGRATION_CANCELLED] = "vm-not-migrated",  [MIGRATION_FAILED] = "vm-not-migrated",
        [MIGRATION_SWITCHING] = "vm-arrived-there",
    };
    if (kinds[migration->state] == NULL) {
        return;
    }
    txn_event(txn, kinds[migration->state], SUBJECT("vm", migration->request.vm), migration->author,
              "migration %s to %s is %s%s%s", migration->id,
              migration->target[0] != '\0' ? migration->target : migration->request.destination,
              migration_state_name(migration->state), migration->problem[0] != '\0' ? ": " : "",
              migration->problem);
}

int move_store(struct move *move, enum migration_state state, struct error *err)
{
    struct migration next = *move->migration;
    if (next.state != state && !sm_move(&migration_machine, &next.state, state)) {
        return error_set(err, REASON_INTERNAL, next.id, "a migration can't go from %s to %s",
                         migration_state_name(next.state), migration_state_name(state));
    }
    if (migration_is_over(&next) && next.finished_us == 0) {
        next.finished_us = clock_realtime_us();
    }
    if (!move->dry_run) {
        struct txn txn;
        txn_begin(&txn, move->manager);
        txn_put_move(&txn, &next);
        move_note(&txn, &next);
        int r = txn_commit(&txn, err);
        if (r != 0) {
            return r;
        }
    }
    *move->migration = next;
    log_info("migration %s of VM %s is %s", next.id, next.request.vm,
             migration_state_name(next.state));
    return 0;
}

/* The others wait for their turn to move. */
static void wake_others(struct manager *m)
{
    for (vec_each(&m->migrations->moves, move)) {
        if (!(*move)->finished && (*move)->checked &&
            (*move)->migration->state == MIGRATION_CHECKING) {
            (void)evloop_timer_set((*move)->timer, 0);
        }
    }
}

static void finish(struct move *move)
{
    move->finished = true;
    manager_disown_vm(move->manager, move->migration->request.vm);
    if (move->dry_run) {
        struct error none = {0};
        struct error err = move->err.reason != REASON_NONE ? move->err : none;
        json_t *body = err.reason != REASON_NONE ? NULL : reply_migration(move->migration);
        move->reply(body, err.reason != REASON_NONE ? &err : NULL, move->data);
    }
    wake_others(move->manager);
}

/* Stores the next state and goes on from there; tries again later if it can't be stored. */
static void enter(struct move *move, enum migration_state state)
{
    struct error err = {0};
    if (move_store(move, state, &err) != 0) {
        log_error("migration %s: %s", move->migration->id, err.message);
        move_try_later(move);
        return;
    }
    move->pause_us = 0;
    move->touched_us = 0;
    if (migration_is_over(move->migration)) {
        finish(move);
        return;
    }
    (void)evloop_timer_set(move->timer, 0);
}

static void blame(struct move *move, const struct error *err)
{
    struct migration *migration = move->migration;
    move->err = *err;
    migration->reason = err->reason;
    STR_SET(migration->problem, err->message);
    STR_SET(migration->hint, err->hint);
    STR_SET(migration->rule, err->rule);
    str_make_clean(migration->problem);
    str_make_clean(migration->hint);
}

void move_fail(struct move *move, const struct error *err)
{
    blame(move, err);
    if (move->dry_run) {
        finish(move);
        return;
    }
    enter(move, MIGRATION_FAILED);
}

/* The VM is here, and the target may have something to give back. */
static void go_back(struct move *move, const struct error *err)
{
    if (err != NULL && move->migration->problem[0] == '\0') {
        blame(move, err);
    }
    enter(move, MIGRATION_ABORTING);
}

/* ---- checking ---- */

static void refuse(struct move *move, const struct check *check)
{
    struct error err = {0};
    error_set(&err, REASON_RULE, SUBJECT("vm", move->migration->request.vm),
              "VM \"%s\" can't migrate to %s: %s", move->migration->request.vm,
              move->migration->target[0] != '\0' ? move->migration->target : "that host",
              check->message);
    error_hint(&err, "%s", check->hint);
    STR_SET(err.rule, check->rule);
    move_fail(move, &err);
}

static void peer_checked(struct move *move, struct incoming *incoming, const struct error *err)
{
    struct migration *migration = move->migration;
    if (err != NULL) {
        move_fail(move, err);
        return;
    }
    STR_SET(migration->target, incoming->target);
    vec_done(&migration->checks);
    migration->checks = incoming->checks;
    incoming->checks = (struct checks){0};
    const struct check *refusal = checks_refusal(&migration->checks, migration->request.strict);
    if (refusal != NULL && !move->dry_run) {
        refuse(move, refusal);
        return;
    }
    move->checked = true;
    if (move->dry_run) {
        finish(move);
        return;
    }
    (void)evloop_timer_set(move->timer, 0);
}

static void measured(void *data)
{
    struct move *move = data;
    const struct migration_request *request = &move->migration->request;
    struct migration_estimate *estimate = &move->migration->estimate;
    uint64_t link = estimate->link_bytes_per_s;
    bool limited = request->bandwidth_bytes != 0 && (link == 0 || request->bandwidth_bytes < link);
    estimate->link_bytes_per_s = limited ? request->bandwidth_bytes : link;
    estimate_fill(estimate, request->max_downtime_ms);
    move_ask_peer(move, PEER_ASK_CHECK, peer_checked);
}

static void offer_observed(struct manager *m, const struct error *err, void *data)
{
    struct move *move = data;
    struct error own = {0};
    move->jobs--;
    if (m->stopping) {
        return;
    }
    const struct vm *vm = err == NULL ? host_find_vm(m->host, move->migration->request.vm) : NULL;
    struct planner planner = manager_planner(m);
    int r = err != NULL ? error_set(&own, err->reason, err->subject, "%s", err->message) : 0;
    if (r == 0 && vm == NULL) {
        r = error_set(&own, REASON_NOT_FOUND, SUBJECT("vm", move->migration->request.vm),
                      "VM \"%s\" is gone", move->migration->request.vm);
    }
    r = r != 0 ? r : preflight_offer(&planner, vm, &move->offer, &own);
    if (r != 0) {
        move_fail(move, &own);
        return;
    }
    STR_SET(move->offer->id, move->migration->id);
    move->offer->strict = move->migration->request.strict;
    move->migration->estimate.memory_bytes = vm->mem_kib * 1024;
    move->migration->estimate.framebuffer_bytes = 0;
    move_measure(move, measured);
}

static bool another_moves(const struct move *move)
{
    for (vec_each(&move->manager->migrations->moves, other)) {
        if (*other != move && !(*other)->finished &&
            (*other)->migration->state != MIGRATION_CHECKING) {
            return true;
        }
    }
    return false;
}

static void keep_checking(struct move *move)
{
    if (move->migration->cancel) {
        enter(move, MIGRATION_CANCELLED);
    } else if (move->resumed) {
        struct error err = {0};
        error_set(&err, REASON_UNAVAILABLE, "cleaved", "cleaved was restarted before it began");
        error_hint(&err, "ask for it again");
        move_fail(move, &err);
    } else if (!move->checked) {
        move->jobs++;
        manager_observe(move->manager, offer_observed, move);
    } else if (!another_moves(move)) {
        enter(move, MIGRATION_PREPARING);
    }
}

/* ---- preparing ---- */

static void take_devices(struct migration *migration, const struct incoming *incoming)
{
    for (vec_each(&migration->devices, device)) {
        for (vec_each(&incoming->devices, other)) {
            if (str_eq(device->claim, other->claim)) {
                device->to = other->to;
            }
        }
    }
}

static void target_answered(struct move *move, struct incoming *incoming, const struct error *err)
{
    if (err != NULL) {
        go_back(move, err);
        return;
    }
    move->offered = true;
    if (incoming->state == INCOMING_PREPARED) {
        take_devices(move->migration, incoming);
        enter(move, MIGRATION_MOVING);
    } else if (incoming->state == INCOMING_PREPARING) {
        soon(move);
    } else {
        struct error own = {0};
        error_set(&own, REASON_DRIVER, SUBJECT("vm", incoming->vm),
                  "%s could not prepare for VM \"%s\": %.300s", incoming->target, incoming->vm,
                  incoming->problem);
        error_hint(&own, "`cleave plan list` there shows what was tried");
        go_back(move, &own);
    }
}

static void keep_preparing(struct move *move)
{
    struct error err = {0};
    if (move->migration->cancel) {
        go_back(move, NULL);
    } else if (move->offer == NULL) {
        error_set(&err, REASON_UNAVAILABLE, "cleaved", "cleaved was restarted before the VM moved");
        error_hint(&err, "ask for it again");
        go_back(move, &err);
    } else {
        move_ask_peer(move, move->offered ? PEER_ASK_STATUS : PEER_ASK_PREPARE, target_answered);
    }
}

/* ---- moving ---- */

static void moved(struct move *move, struct incoming *incoming, const struct error *err)
{
    (void)incoming;
    move->moving = false;
    if (err == NULL) {
        move->migration->moved = true;
    } else {
        blame(move, err);
        move->deciding = true;
    }
    move->pause_us = 0;
    (void)evloop_timer_set(move->timer, 0);
}

static void watched(struct move *move, struct incoming *incoming, const struct error *err)
{
    (void)incoming;
    if (move->moving || move->finished || move->migration->state != MIGRATION_MOVING) {
        return;
    }
    if (err != NULL && move->resumed) {
        if (err->reason == REASON_UNAVAILABLE) { /* libvirt is away: it may still be moving */
            move_try_later(move);
            return;
        }
        move->deciding = true;
    }
    soon(move);
}

static void touched(struct move *move, struct incoming *incoming, const struct error *err)
{
    (void)incoming;
    if (err != NULL) {
        log_warning("migration %s: %s", move->migration->id, err->message);
    }
}

static void touch(struct move *move)
{
    uint64_t now = clock_monotonic_us();
    if (now - move->touched_us >= MIGRATION_TOUCH_US) {
        move->touched_us = now;
        move_ask_peer(move, PEER_ASK_STATUS, touched);
    }
}

static void keep_moving(struct move *move)
{
    if (move->migration->moved) {
        enter(move, MIGRATION_SWITCHING);
    } else if (move->deciding) {
        decide(move);
    } else if (move->moving || move->resumed) {
        move_watch(move, watched);
        touch(move);
        if (move->moving) {
            soon(move);
        }
    } else {
        move->moving = true;
        manager_own_vm(move->manager, move->migration->request.vm);
        move_run(move, moved);
        soon(move);
    }
}

/* ---- where is it? ---- */

static enum place place_of(const struct vm *vm)
{
    if (vm == NULL) {
        return PLACE_ABSENT;
    }
    switch (vm->state) {
    case VM_RUNNING:
        return PLACE_RUNNING;
    case VM_PAUSED:
        return PLACE_PAUSED;
    case VM_SHUT_OFF:
    case VM_CRASHED:
        return PLACE_OFF;
    case VM_UNKNOWN:
        break;
    }
    return PLACE_UNKNOWN;
}

static enum place place_here(const struct move *move)
{
    const struct host *host = move->manager->host;
    if (host->libvirt_problem[0] != '\0') {
        return PLACE_UNKNOWN;
    }
    const char *uuid = move->migration->vm_uuid;
    return place_of(host_find_vm(host, uuid[0] != '\0' ? uuid : move->migration->request.vm));
}

static enum place place_there(const struct incoming *incoming, const struct error *err)
{
    if (err != NULL) {
        return err->reason == REASON_NOT_FOUND ? PLACE_ABSENT : PLACE_UNKNOWN;
    }
    if (incoming->state == INCOMING_COMMITTED) {
        return PLACE_RUNNING; /* it saw it arrive */
    }
    if (!incoming->vm_present) {
        return PLACE_ABSENT;
    }
    const struct vm vm = {.state = incoming->vm_state};
    return place_of(&vm);
}

static void runs_twice(struct move *move)
{
    struct error err = {0};
    if (move->both++ < TWICE_MAX) {
        move_try_later(move);
        return;
    }
    error_set(&err, REASON_CONFLICT, SUBJECT("vm", move->migration->request.vm),
              "VM \"%s\" runs here and on %s; both keep its claims", move->migration->request.vm,
              move->migration->target);
    error_hint(&err, "stop one of them at once: two VMs on one disk destroy it");
    if (move->migration->state == MIGRATION_ABORTING) {
        blame(move, &err);
    }
    move_fail(move, &err);
}

static void target_located(struct move *move, struct incoming *incoming, const struct error *err)
{
    enum migration_state state = move->migration->state;
    enum place here = place_here(move);
    enum place there = place_there(incoming, err);
    enum whereabouts where = whereabouts(here, there, move->migration->moved);
    log_info("migration %s: VM %s is %s here and %s there", move->migration->id,
             move->migration->request.vm, place_name(here), place_name(there));
    switch (where) {
    case WHERE_WAIT:
        move_try_later(move);
        return;
    case WHERE_HOME:
        move->deciding = false;
        move->migration->moved = false;
        if (state == MIGRATION_ABORTING) { /* as thought: the target will see it, too */
            move_try_later(move);
            return;
        }
        go_back(move, move->err.reason != REASON_NONE ? &move->err : NULL);
        return;
    case WHERE_AWAY:
        move->deciding = false;
        move->migration->moved = true;
        if (state == MIGRATION_SWITCHING) {
            move_try_later(move);
            return;
        }
        enter(move, MIGRATION_SWITCHING);
        return;
    case WHERE_BOTH:
        runs_twice(move);
        return;
    }
}

static void here_located(struct manager *m, const struct error *err, void *data)
{
    struct move *move = data;
    move->jobs--;
    if (m->stopping) {
        return;
    }
    if (err != NULL) {
        move_try_later(move);
        return;
    }
    move_ask_peer(move, PEER_ASK_STATUS, target_located);
}

static void decide(struct move *move)
{
    move->jobs++;
    manager_observe(move->manager, here_located, move);
}

/* ---- switching ---- */

/* The target has forgotten its reservation, or gave it back, and still has the VM. Nothing that is
 * kept here would help it. */
static bool is_lost_there(struct move *move, const struct error *err)
{
    return err->reason == REASON_NOT_FOUND ||
           (err->reason == REASON_CONFLICT && ++move->refusals > REFUSALS_MAX);
}

static void committed(struct move *move, struct incoming *incoming, const struct error *err)
{
    if (err == NULL && incoming->state == INCOMING_COMMITTED) {
        move->migration->problem[0] = '\0';
        enter(move, MIGRATION_RELEASING);
        return;
    }
    if (err != NULL && move->migration->moved && is_lost_there(move, err)) {
        log_warning("migration %s: the VM is on %s, but its claims are not: %s",
                    move->migration->id, move->migration->target, err->message);
        enter(move, MIGRATION_RELEASING);
        return;
    }
    bool silent = err != NULL && err->reason == REASON_UNAVAILABLE;
    move->deciding = !silent;
    move_try_later(move);
}

static void keep_switching(struct move *move)
{
    if (move->deciding) {
        decide(move);
        return;
    }
    move_ask_peer(move, PEER_ASK_COMMIT, committed);
}

/* ---- releasing ---- */

static void release_replied(json_t *body, const struct error *err, void *data)
{
    struct move *move = data;
    json_decref(body);
    move->jobs--;
    if (err != NULL) {
        move->releasing = false;
        log_warning("migration %s: releasing what VM %s had: %s", move->migration->id,
                    move->migration->request.vm, err->message);
        move_try_later(move);
    }
}

static void run_release(struct change *change)
{
    struct manager *m = change->manager;
    const struct migration *migration = change->move->migration;
    const char *names[MIGRATION_MAX_CLAIMS];
    size_t n = 0;
    for (vec_each(&migration->devices, device)) {
        if (claims_find(&m->claims, device->claim) != NULL) {
            names[n++] = device->claim;
        }
    }
    char reason[128];
    snprintf(reason, sizeof(reason), "vm migrate %.80s: release", migration->request.vm);
    struct plan_request request = {.remove = names,
                                   .n_remove = n,
                                   .author = migration->author,
                                   .reason = reason,
                                   .new_uuid = id_uuid};
    struct planner planner = manager_planner(m);
    struct plan *plan = NULL;
    struct error err = {0};
    if (planner_build(&planner, &request, &plan, &err) != 0) {
        change_refuse(change, &err);
        return;
    }
    change_carry_out(change, plan);
}

static void undefined(struct move *move, struct incoming *incoming, const struct error *err)
{
    (void)incoming;
    if (err != NULL) {
        move->releasing = false;
        log_warning("migration %s: removing the definition of VM %s: %s", move->migration->id,
                    move->migration->request.vm, err->message);
        move_try_later(move);
        return;
    }
    struct caller caller = {{0}};
    STR_SET(caller.author, move->migration->author);
    struct request request = {.caller = &caller, .reply = release_replied, .data = move};
    struct change *change =
        change_new(move->manager, run_release, &request, move->migration->request.vm);
    change->move = move;
    move->jobs++;
    change_enqueue(change);
}

static void keep_releasing(struct move *move)
{
    /* One that was begun before a restart goes on by itself. */
    if (move->releasing || move->migration->plan[0] != '\0') {
        return;
    }
    move->releasing = true;
    manager_own_vm(move->manager, move->migration->request.vm);
    move_undefine(move, undefined);
}

void move_after_plan(struct migration *migration, const struct plan *plan)
{
    migration->plan[0] = '\0';
    if (plan->state == PLAN_DONE &&
        sm_move(&migration_machine, &migration->state, MIGRATION_DONE)) {
        migration->finished_us = clock_realtime_us();
    }
}

/* ---- aborting ---- */

static void end_abort(struct move *move)
{
    bool cancelled = move->migration->cancel;
    if (!cancelled && move->migration->problem[0] == '\0') {
        STR_SET(move->migration->problem, "the VM stays here");
        move->migration->reason = REASON_DRIVER;
    }
    enter(move, cancelled ? MIGRATION_CANCELLED : MIGRATION_FAILED);
}

static void aborted(struct move *move, struct incoming *incoming, const struct error *err)
{
    if (err == NULL && incoming->state != INCOMING_ABORTED) {
        soon(move);
        return;
    }
    if (err == NULL || err->reason == REASON_NOT_FOUND) {
        end_abort(move);
        return;
    }
    if (err->reason != REASON_UNAVAILABLE) { /* maybe it is there after all */
        move->deciding = true;
        move_try_later(move);
        return;
    }
    uint64_t now = clock_monotonic_us();
    move->touched_us = move->touched_us == 0 ? now : move->touched_us;
    if (now - move->touched_us > ABORT_PATIENCE_TICKS * move_tick_us(move->manager)) {
        log_warning("migration %s: %s does not answer; it gives back what it has by itself",
                    move->migration->id, move->migration->request.peer);
        end_abort(move);
        return;
    }
    move_try_later(move);
}

static void keep_aborting(struct move *move)
{
    if (move->deciding) {
        decide(move);
        return;
    }
    move_ask_peer(move, PEER_ASK_ABORT, aborted);
}

/* ---- all states ---- */

void move_go_on(void *data)
{
    static void (*const keep[MIGRATION_STATE_COUNT])(struct move *move) = {
        [MIGRATION_CHECKING] = keep_checking,   [MIGRATION_PREPARING] = keep_preparing,
        [MIGRATION_MOVING] = keep_moving,       [MIGRATION_SWITCHING] = keep_switching,
        [MIGRATION_RELEASING] = keep_releasing, [MIGRATION_ABORTING] = keep_aborting,
    };
    struct move *move = data;
    if (move->manager->stopping || move->finished) {
        return;
    }
    /* While libvirt moves it, others jobs come and go beside it. */
    bool beside = move->migration->state == MIGRATION_MOVING && move->moving;
    if (move->jobs > (beside ? 1U : 0U)) {
        soon(move);
        return;
    }
    if (migration_is_over(move->migration)) { /* its last plan was stored meanwhile */
        finish(move);
        return;
    }
    keep[move->migration->state](move);
}
