/* SPDX-License-Identifier: Apache-2.0 */
/* A migration from state to state: stored, tried again, ended. */
#include "migration/outgoing.h"

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
int outgoing_check_resolvable(const struct outgoing *outgoing, struct error *err)
{
    const struct migration *migration = outgoing->migration;
    static const char *const why[MIGRATION_STATE_COUNT] = {
        [MIGRATION_CHECKING] = "nothing has been done yet, and the migration ends without help",
        [MIGRATION_PREPARING] = "the VM has not moved, and the migration ends without help",
        [MIGRATION_MOVING] = "libvirt is moving the VM",
        [MIGRATION_RELEASING] = "the VM's devices on this host are being released already",
        [MIGRATION_DONE] = "the migration is over",
        [MIGRATION_CANCELLED] = "the migration is over",
        [MIGRATION_FAILED] = "the migration is over",
    };
    bool undecided =
        migration->state == MIGRATION_MOVING && outgoing->deciding && !outgoing->moving;
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

void outgoing_refuse_resolution(struct outgoing *outgoing, const struct error *err)
{
    struct resolving resolving = outgoing->resolving;
    outgoing->resolving = (struct resolving){0};
    if (resolving.where != RESOLUTION_NONE) {
        resolving.reply(NULL, err, resolving.data);
    }
}

void outgoing_end_resolving(struct outgoing *outgoing)
{
    struct error err = {0};
    (void)outgoing_check_resolvable(outgoing, &err);
    outgoing_refuse_resolution(outgoing, &err);
}

uint64_t outgoing_tick_us(const struct manager *m)
{
    return m->config.migration_tick_us == 0 ? TICK_US : m->config.migration_tick_us;
}

void outgoing_back_off(struct outgoing *outgoing)
{
    uint64_t tick_us = outgoing_tick_us(outgoing->manager);
    if (outgoing->manager->stopping || outgoing->finished) {
        return;
    }
    operation_back_off(outgoing->operation, tick_us, PAUSE_MAX_TICKS * tick_us);
}

void outgoing_schedule(struct outgoing *outgoing)
{
    operation_schedule(outgoing->operation, outgoing_tick_us(outgoing->manager));
}

void outgoing_note(struct txn *txn, const struct migration *migration)
{
    static const enum event_kind kinds[MIGRATION_STATE_COUNT] = {
        [MIGRATION_CHECKING] = EVENT_VM_MIGRATING,
        [MIGRATION_SWITCHING] = EVENT_MIGRATION_SWITCHED,
        [MIGRATION_DONE] = EVENT_VM_MIGRATED,
        [MIGRATION_CANCELLED] = EVENT_VM_NOT_MIGRATED,
        [MIGRATION_FAILED] = EVENT_VM_NOT_MIGRATED,
    };
    enum event_kind kind = kinds[migration->state];
    if (kind == EVENT_NONE) {
        return;
    }
    txn_event(txn, kind, SUBJECT("vm", migration->request.vm), migration->author,
              "migration %s to %s is %s%s%s", migration->id,
              migration->target[0] != '\0' ? migration->target : migration->request.destination,
              migration_state_name(migration->state), migration->problem[0] != '\0' ? ": " : "",
              migration->problem);
}

/* The others wait for their turn to move. */
static void wake_others(struct manager *m)
{
    for (vec_each(&m->migrations->outgoing, outgoing)) {
        enum migration_state state = (*outgoing)->migration->state;
        if (!(*outgoing)->finished && ((state == MIGRATION_CHECKING && (*outgoing)->checked) ||
                                       (state == MIGRATION_PREPARING && (*outgoing)->queued))) {
            operation_schedule((*outgoing)->operation, 0);
        }
    }
}

void outgoing_finish(struct outgoing *outgoing)
{
    outgoing->finished = true;
    outgoing_follow(outgoing);
    outgoing_end_resolving(outgoing);
    outgoing_hold(outgoing);
    if (outgoing->dry_run) {
        struct error none = {0};
        struct error err = outgoing->err.reason != REASON_NONE ? outgoing->err : none;
        json_t *body = err.reason != REASON_NONE ? NULL : reply_migration(outgoing->migration);
        outgoing->reply(body, err.reason != REASON_NONE ? &err : NULL, outgoing->data);
    }
    wake_others(outgoing->manager);
}

/* ---- the next state ---- */

/* The new state is stored: the migration is in it from now on. */
static void took_state(struct outgoing *outgoing, const struct error *err)
{
    struct migration *migration = outgoing->migration;
    outgoing->jobs--;
    if (outgoing->finished) {
        return; /* by the end of its plan */
    }
    if (err != NULL) {
        log_error("migration %s: %s", migration->id, err->message);
        outgoing_back_off(outgoing);
        return;
    }
    migration->state = outgoing->entering;
    if (migration_is_over(migration) && migration->finished_us == 0) {
        migration->finished_us = clock_realtime_us();
    }
    outgoing_hold(outgoing);
    outgoing_follow(outgoing);
    log_info("migration %s of VM %s is %s", migration->id, migration->request.vm,
             migration_state_name(migration->state));
    operation_got_on(outgoing->operation);
    outgoing->touched_us = 0;
    wake_others(outgoing->manager);
    if (migration_is_over(migration)) {
        outgoing_finish(outgoing);
        return;
    }
    operation_schedule(outgoing->operation, 0);
}

static void entered(const struct error *err, void *data)
{
    took_state(data, err);
}

/* In the ledger's turn. */
static void enter_in_turn(void *data)
{
    struct outgoing *outgoing = data;
    struct migration next = *outgoing->migration;
    if (outgoing->finished) {
        took_state(outgoing, NULL);
        return;
    }
    if (next.state != outgoing->entering &&
        !sm_move(&migration_state_words, &next.state, outgoing->entering)) {
        struct error err = {0};
        error_set(&err, REASON_INTERNAL, next.id, "a migration can't go from %s to %s",
                  migration_state_name(next.state), migration_state_name(outgoing->entering));
        took_state(outgoing, &err);
        return;
    }
    if (outgoing->dry_run) {
        took_state(outgoing, NULL);
        return;
    }
    if (migration_is_over(&next) && next.finished_us == 0) {
        next.finished_us = clock_realtime_us();
    }
    struct txn txn;
    txn_begin(&txn, outgoing->manager);
    txn_put_migration(&txn, &next);
    outgoing_note(&txn, &next);
    txn_commit_then(&txn, entered, outgoing);
}

/* Stores the next state and goes on from there; tries again later if it can't be stored. Until then
 * nothing else is done with the migration. */
void outgoing_enter(struct outgoing *outgoing, enum migration_state state)
{
    outgoing->entering = state;
    outgoing->jobs++;
    ledger_take_turn(outgoing->manager->ledger, enter_in_turn, outgoing);
}

void outgoing_blame(struct outgoing *outgoing, const struct error *err)
{
    struct migration *migration = outgoing->migration;
    outgoing->err = *err;
    migration->reason = err->reason;
    STR_SET(migration->problem, err->message);
    STR_SET(migration->hint, err->hint);
    STR_SET(migration->rule, err->rule);
    str_make_clean(migration->problem);
    str_make_clean(migration->hint);
}

void outgoing_fail(struct outgoing *outgoing, const struct error *err)
{
    outgoing_blame(outgoing, err);
    if (outgoing->dry_run) {
        outgoing_finish(outgoing);
        return;
    }
    outgoing_enter(outgoing, MIGRATION_FAILED);
}

/* The VM is here, and the target may have something to give back. */
void outgoing_go_back(struct outgoing *outgoing, const struct error *err)
{
    if (err != NULL && outgoing->migration->problem[0] == '\0') {
        outgoing_blame(outgoing, err);
    }
    outgoing_enter(outgoing, MIGRATION_ABORTING);
}
