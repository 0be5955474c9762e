/* SPDX-License-Identifier: Apache-2.0 */
/* A migration from state to state: stored, tried again, ended. */
#include "migration/migration_move.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "migration/migration_holds.h"
#include "migration/migration_records.h"
#include "migration/migrations.h"
#include "state/reply_json.h"
#include "state/txn.h"

#define TICK_US 250000
/* The longest pause between two attempts, in ticks. */
#define PAUSE_MAX_TICKS 40

/* Where no one's word is needed. */
int move_refuse_to_resolve(const struct move *move, struct error *err)
{
    const struct migration *migration = move->migration;
    static const char *const why[MIGRATION_STATE_COUNT] = {
        [MIGRATION_CHECKING] = "nothing has been done yet, and it ends on its own",
        [MIGRATION_PREPARING] = "the VM has not moved, and it ends on its own",
        [MIGRATION_MOVING] = "libvirt is moving the VM",
        [MIGRATION_RELEASING] = "what the VM had here is being given back already",
        [MIGRATION_DONE] = "nothing is left to resolve",
        [MIGRATION_CANCELLED] = "nothing is left to resolve",
        [MIGRATION_FAILED] = "nothing is left to resolve",
    };
    bool undecided = migration->state == MIGRATION_MOVING && move->deciding && !move->moving;
    if (why[migration->state] == NULL || undecided) {
        return 0;
    }
    error_set(err, REASON_CONFLICT, SUBJECT("migration", migration->id),
              "the migration of VM \"%s\" is %s: %s", migration->request.vm,
              migration_state_name(migration->state), why[migration->state]);
    if (!migration_is_over(migration) && migration->state != MIGRATION_RELEASING) {
        error_hint(err, "`cleave migration cancel %s` ends it", migration->id);
    }
    return -REASON_CONFLICT;
}

void move_refuse_resolving(struct move *move, const struct error *err)
{
    struct resolving resolving = move->resolving;
    move->resolving = (struct resolving){0};
    if (resolving.where != RESOLUTION_NONE) {
        resolving.reply(NULL, err, resolving.data);
    }
}

void move_end_settling(struct move *move)
{
    struct error err = {0};
    (void)move_refuse_to_resolve(move, &err);
    move_refuse_resolving(move, &err);
}

uint64_t move_tick_us(const struct manager *m)
{
    return m->config.migration_tick_us == 0 ? TICK_US : m->config.migration_tick_us;
}

void move_back_off(struct move *move)
{
    uint64_t tick_us = move_tick_us(move->manager);
    if (move->manager->stopping || move->finished) {
        return;
    }
    operation_back_off(move->operation, tick_us, PAUSE_MAX_TICKS * tick_us);
}

void move_schedule(struct move *move)
{
    operation_schedule(move->operation, move_tick_us(move->manager));
}

void move_note(struct txn *txn, const struct migration *migration)
{
    static const char *const kinds[MIGRATION_STATE_COUNT] = {
        [MIGRATION_CHECKING] = "vm-migrating",        [MIGRATION_DONE] = "vm-migrated",
        [MIGRATION_CANCELLED] = "vm-not-migrated",    [MIGRATION_FAILED] = "vm-not-migrated",
        [MIGRATION_SWITCHING] = "migration-switched",
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

/* The others wait for their turn to move. */
static void wake_others(struct manager *m)
{
    for (vec_each(&m->migrations->moves, move)) {
        enum migration_state state = (*move)->migration->state;
        if (!(*move)->finished && ((state == MIGRATION_CHECKING && (*move)->checked) ||
                                   (state == MIGRATION_PREPARING && (*move)->prepared))) {
            operation_schedule((*move)->operation, 0);
        }
    }
}

void move_finish(struct move *move)
{
    move->finished = true;
    move_follow(move);
    move_end_settling(move);
    move_hold(move);
    if (move->dry_run) {
        struct error none = {0};
        struct error err = move->err.reason != REASON_NONE ? move->err : none;
        json_t *body = err.reason != REASON_NONE ? NULL : reply_migration(move->migration);
        move->reply(body, err.reason != REASON_NONE ? &err : NULL, move->data);
    }
    wake_others(move->manager);
}

/* ---- the next state ---- */

int move_store(struct move *move, struct error *err)
{
    struct txn txn;
    txn_begin(&txn, move->manager);
    txn_put_move(&txn, move->migration);
    return txn_commit(&txn, err);
}

/* The new state is stored: the migration is in it from now on. */
static void took_state(struct move *move, const struct error *err)
{
    struct migration *migration = move->migration;
    move->jobs--;
    if (move->finished) {
        return; /* by the end of its plan */
    }
    if (err != NULL) {
        log_error("migration %s: %s", migration->id, err->message);
        move_back_off(move);
        return;
    }
    migration->state = move->entering;
    if (migration_is_over(migration) && migration->finished_us == 0) {
        migration->finished_us = clock_realtime_us();
    }
    move_hold(move);
    move_follow(move);
    log_info("migration %s of VM %s is %s", migration->id, migration->request.vm,
             migration_state_name(migration->state));
    operation_got_on(move->operation);
    move->touched_us = 0;
    wake_others(move->manager);
    if (migration_is_over(migration)) {
        move_finish(move);
        return;
    }
    operation_schedule(move->operation, 0);
}

static void entered(const struct error *err, void *data)
{
    took_state(data, err);
}

/* In the ledger's turn. */
static void enter_in_turn(void *data)
{
    struct move *move = data;
    struct migration next = *move->migration;
    if (move->finished) {
        took_state(move, NULL);
        return;
    }
    if (next.state != move->entering &&
        !sm_move(&migration_state_words, &next.state, move->entering)) {
        struct error err = {0};
        error_set(&err, REASON_INTERNAL, next.id, "a migration can't go from %s to %s",
                  migration_state_name(next.state), migration_state_name(move->entering));
        took_state(move, &err);
        return;
    }
    if (move->dry_run) {
        took_state(move, NULL);
        return;
    }
    if (migration_is_over(&next) && next.finished_us == 0) {
        next.finished_us = clock_realtime_us();
    }
    struct txn txn;
    txn_begin(&txn, move->manager);
    txn_put_move(&txn, &next);
    move_note(&txn, &next);
    txn_commit_then(&txn, entered, move);
}

/* Stores the next state and goes on from there; tries again later if it can't be stored. Until then
 * nothing else is done with the migration. */
void move_enter(struct move *move, enum migration_state state)
{
    move->entering = state;
    move->jobs++;
    ledger_take_turn(move->manager->ledger, enter_in_turn, move);
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
