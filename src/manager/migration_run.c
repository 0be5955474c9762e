/* SPDX-License-Identifier: Apache-2.0 */
/* A migration from state to state, and while the VM moves. Whatever fails, where the VM is decides:
 * move_decide(). */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "manager/migrations.h"
#include "manager/reply_json.h"

#define TICK_US 250000
/* The longest pause between two attempts, in ticks. */
#define PAUSE_MAX_TICKS 40
#define TWICE_MAX 10

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
    uint64_t pause_us = backoff_take(&move->backoff, tick_us, PAUSE_MAX_TICKS * tick_us);
    (void)evloop_timer_set(move->timer, pause_us);
}

void move_soon(struct move *move)
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
    if (next.state != state && !sm_move(&migration_state_words, &next.state, state)) {
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
        enum migration_state state = (*move)->migration->state;
        if (!(*move)->finished && ((state == MIGRATION_CHECKING && (*move)->checked) ||
                                   (state == MIGRATION_PREPARING && (*move)->prepared))) {
            (void)evloop_timer_set((*move)->timer, 0);
        }
    }
}

void move_finish(struct move *move)
{
    move->finished = true;
    move_end_settling(move);
    expect_vm_changed(move->manager, move->migration->request.vm);
    if (move->dry_run) {
        struct error none = {0};
        struct error err = move->err.reason != REASON_NONE ? move->err : none;
        json_t *body = err.reason != REASON_NONE ? NULL : reply_migration(move->migration);
        move->reply(body, err.reason != REASON_NONE ? &err : NULL, move->data);
    }
    wake_others(move->manager);
}

/* Stores the next state and goes on from there; tries again later if it can't be stored. */
void move_enter(struct move *move, enum migration_state state)
{
    struct error err = {0};
    if (move_store(move, state, &err) != 0) {
        log_error("migration %s: %s", move->migration->id, err.message);
        move_try_later(move);
        return;
    }
    backoff_reset(&move->backoff);
    move->touched_us = 0;
    wake_others(move->manager);
    if (migration_is_over(move->migration)) {
        move_finish(move);
        return;
    }
    (void)evloop_timer_set(move->timer, 0);
}

void move_blame(struct move *move, const struct error *err)
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
    move_blame(move, err);
    if (move->dry_run) {
        move_finish(move);
        return;
    }
    move_enter(move, MIGRATION_FAILED);
}

/* The VM is here, and the target may have something to give back. */
void move_go_back(struct move *move, const struct error *err)
{
    if (err != NULL && move->migration->problem[0] == '\0') {
        move_blame(move, err);
    }
    move_enter(move, MIGRATION_ABORTING);
}

/* ---- moving ---- */

static void moved(struct move *move, struct incoming *incoming, const struct error *err)
{
    (void)incoming;
    move->moving = false;
    if (err == NULL) {
        move->migration->moved = true;
    } else {
        move_blame(move, err);
        move->deciding = true;
    }
    backoff_reset(&move->backoff);
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
        error_set(&move->err, REASON_UNAVAILABLE, "cleaved",
                  "cleaved was restarted, and libvirt has not moved the VM");
        error_hint(&move->err, "ask for it again");
        move->deciding = true;
    }
    move_soon(move);
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
        move_enter(move, MIGRATION_SWITCHING);
    } else if (move->deciding) {
        move_decide(move);
    } else if (move->moving || move->resumed) {
        move_watch(move, watched);
        touch(move);
        if (move->moving) {
            move_soon(move);
        }
    } else {
        move->moving = true;
        expect_vm_change(move->manager, move->migration->request.vm);
        move_run(move, moved);
        move_soon(move);
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

enum place move_place_here(const struct move *move)
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
        move_blame(move, &err);
    }
    move_fail(move, &err);
}

static void target_located(struct move *move, struct incoming *incoming, const struct error *err)
{
    enum migration_state state = move->migration->state;
    enum place here = move_place_here(move);
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
        move_go_back(move, move->err.reason != REASON_NONE ? &move->err : NULL);
        return;
    case WHERE_AWAY:
        move->deciding = false;
        move->migration->moved = true;
        if (state == MIGRATION_SWITCHING) {
            move_try_later(move);
            return;
        }
        move_enter(move, MIGRATION_SWITCHING);
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

void move_decide(struct move *move)
{
    move->jobs++;
    manager_observe(move->manager, here_located, move);
}

/* ---- all states ---- */

void move_go_on(void *data)
{
    static void (*const keep[MIGRATION_STATE_COUNT])(struct move *move) = {
        [MIGRATION_CHECKING] = move_keep_checking,
        [MIGRATION_PREPARING] = move_keep_preparing,
        [MIGRATION_MOVING] = keep_moving,
        [MIGRATION_SWITCHING] = move_keep_switching,
        [MIGRATION_RELEASING] = move_keep_releasing,
        [MIGRATION_ABORTING] = move_keep_aborting,
    };
    struct move *move = data;
    if (move->manager->stopping || move->finished) {
        return;
    }
    /* While libvirt moves it, others jobs come and go next to it. */
    bool moving = move->migration->state == MIGRATION_MOVING && move->moving;
    if (move->jobs > (moving ? 1U : 0U)) {
        move_soon(move);
        return;
    }
    if (migration_is_over(move->migration)) { /* its last plan was stored meanwhile */
        move_finish(move);
        return;
    }
    if (move->settling.where != SETTLED_NOT) {
        move_settle(move);
        return;
    }
    keep[move->migration->state](move);
}
