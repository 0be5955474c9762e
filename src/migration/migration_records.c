/* SPDX-License-Identifier: Apache-2.0 */
/* Migrations in the store and in memory. */
#include "migration/migration_records.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/stopping.h"
#include "base/str.h"
#include "migration/migrations.h"
#include "state/txn.h"

/* How many that are over are remembered. */
#define MIGRATIONS_KEPT 50

#define KEY_SIZE 48
/* How long a VM that comes in may be silent. */
#define DEFAULT_PATIENCE_US UINT64_C(120000000)

/* ---- in memory ---- */

static enum operation_state operation_state_of(const struct move *move)
{
    const struct migration *migration = move->migration;
    bool waits = (migration->state == MIGRATION_CHECKING && move->checked) ||
                 (migration->state == MIGRATION_PREPARING && move->prepared);
    switch (migration->state) {
    case MIGRATION_DONE:
        return OPERATION_DONE;
    case MIGRATION_CANCELLED:
        return OPERATION_CANCELLED;
    case MIGRATION_FAILED:
        return OPERATION_FAILED;
    case MIGRATION_CHECKING:
    case MIGRATION_PREPARING:
    case MIGRATION_MOVING:
    case MIGRATION_SWITCHING:
    case MIGRATION_RELEASING:
    case MIGRATION_ABORTING:
    case MIGRATION_STATE_COUNT:
        break;
    }
    return migration->cancel ? OPERATION_CANCELLING : waits ? OPERATION_WAITING : OPERATION_RUNNING;
}

void move_follow(struct move *move)
{
    enum operation_state state = operation_state_of(move);
    if (move->dry_run && move->finished) { /* it was only checked */
        state = move->err.reason != REASON_NONE ? OPERATION_FAILED : OPERATION_DONE;
    }
    operation_follow(move->operation, state, move->migration->finished_us);
}

struct move *move_new(struct manager *m, struct migration *migration,
                      const struct operation_start *start)
{
    struct move *move = xcalloc(1, sizeof(*move));
    move->manager = m;
    move->migration = migration;
    move->dry_run = start->dry_run;
    struct operation_start own = *start;
    own.id = migration->id;
    own.subject = SUBJECT("vm", migration->request.vm);
    own.author = migration->author;
    own.created_us = migration->created_us;
    own.finished_us = migration->finished_us;
    own.state = operation_state_of(move);
    own.data = move;
    move->operation = operation_new(&m->operations, &own);
    move->operation->cancel = migration->cancel;
    *vec_push(&m->migrations->moves) = move;
    return move;
}

void move_free(struct move *move)
{
    migration_free(move->migration);
    migration_offer_free(move->offer);
    operation_free(move->operation);
    free(move);
}

static enum operation_state incoming_operation_state(const struct incoming *incoming)
{
    switch (incoming->state) {
    case INCOMING_COMMITTED:
        return OPERATION_DONE;
    case INCOMING_ABORTED:
        return incoming->problem[0] != '\0' ? OPERATION_FAILED : OPERATION_CANCELLED;
    case INCOMING_PREPARED:
        return incoming->abort ? OPERATION_CANCELLING : OPERATION_WAITING; /* for its VM */
    case INCOMING_PREPARING:
    case INCOMING_ABORTING: /* and if that fails, it waits again */
    case INCOMING_STATE_COUNT:
        break;
    }
    return incoming->abort ? OPERATION_CANCELLING : OPERATION_RUNNING;
}

void arrival_follow(struct arrival *arrival)
{
    arrival->operation->cancel = arrival->incoming->abort;
    operation_follow(arrival->operation, incoming_operation_state(arrival->incoming),
                     arrival->incoming->finished_us);
}

void arrival_heard(struct arrival *arrival)
{
    uint64_t patience_us = arrival->manager->config.incoming_patience_us;
    patience_us = patience_us == 0 ? DEFAULT_PATIENCE_US : patience_us;
    operation_set_deadline(arrival->operation, clock_monotonic_us() + patience_us);
}

struct arrival *arrival_new(struct manager *m, struct incoming *incoming,
                            const struct operation_start *start)
{
    struct arrival *arrival = xcalloc(1, sizeof(*arrival));
    struct operation_start own = *start;
    own.id = incoming->id;
    own.subject = SUBJECT("vm", incoming->vm);
    own.author = incoming->author;
    own.created_us = incoming->created_us;
    own.finished_us = incoming->finished_us;
    own.state = incoming_operation_state(incoming);
    own.data = arrival;
    arrival->manager = m;
    arrival->incoming = incoming;
    arrival->operation = operation_new(&m->operations, &own);
    arrival->operation->cancel = incoming->abort;
    *vec_push(&m->migrations->arrivals) = arrival;
    arrival_heard(arrival);
    return arrival;
}

void arrival_free(struct arrival *arrival)
{
    incoming_free(arrival->incoming);
    operation_free(arrival->operation);
    free(arrival);
}

struct incoming *incoming_copy(const struct incoming *incoming)
{
    struct incoming *copy = xcalloc(1, sizeof(*copy));
    *copy = *incoming;
    vec_own(&copy->devices, &incoming->devices);
    vec_own(&copy->checks, &incoming->checks);
    vec_own(&copy->steps, &incoming->steps);
    return copy;
}

struct arrival *arrivals_find(const struct manager *m, const char *id)
{
    for (vec_each(&m->migrations->arrivals, arrival)) {
        if (str_eq((*arrival)->incoming->id, id)) {
            return *arrival;
        }
    }
    return NULL;
}

/* ---- the store ---- */

static const char *key_of(const char *role, const char *id, char out[KEY_SIZE])
{
    snprintf(out, KEY_SIZE, "%s:%.40s", role, id);
    return out;
}

void txn_put_move(struct txn *txn, const struct migration *migration)
{
    char key[KEY_SIZE];
    CLEANUP_JSON json_t *document = migration_to_json(migration);
    txn_put_record(txn, RECORD_MIGRATION, key_of("out", migration->id, key), document);
}

void txn_put_arrival(struct txn *txn, const struct incoming *incoming)
{
    char key[KEY_SIZE];
    CLEANUP_JSON json_t *document = incoming_to_json(incoming);
    txn_put_record(txn, RECORD_MIGRATION, key_of("in", incoming->id, key), document);
}

struct forgetting {
    struct manager *manager;
    char key[KEY_SIZE];
};

static void forgotten(const struct error *err, void *data)
{
    CLEANUP_FREE struct forgetting *f = data;
    if (err != NULL) {
        log_warning("forgetting migration %s: %s", f->key, err->message);
    }
}

/* In the ledger's turn. */
static void forget_record(void *data)
{
    struct forgetting *f = data;
    struct draft draft;
    draft_begin(&draft, f->manager->ledger);
    draft_delete_record(&draft, RECORD_MIGRATION, f->key);
    draft_commit_then(&draft, forgotten, f);
}

static void forget(struct manager *m, const char *role, const char *id)
{
    struct forgetting *f = xcalloc(1, sizeof(*f));
    f->manager = m;
    (void)key_of(role, id, f->key);
    ledger_take_turn(m->ledger, forget_record, f);
}

static void trim_moves(struct manager *m)
{
    struct moves *moves = &m->migrations->moves;
    size_t over = 0;
    size_t oldest = SIZE_MAX;
    for (size_t i = 0; i < moves->n; i++) {
        const struct move *move = moves->items[i];
        bool done = move->finished && move->jobs == 0;
        over += done;
        if (done && (move->dry_run || oldest == SIZE_MAX ||
                     move->migration->created_us < moves->items[oldest]->migration->created_us)) {
            oldest = i;
        }
    }
    if (oldest == SIZE_MAX || (over <= MIGRATIONS_KEPT && !moves->items[oldest]->dry_run)) {
        return;
    }
    if (!moves->items[oldest]->dry_run) {
        forget(m, "out", moves->items[oldest]->migration->id);
    }
    move_free(moves->items[oldest]);
    vec_remove(moves, oldest);
}

static void trim_arrivals(struct manager *m)
{
    struct arrivals *arrivals = &m->migrations->arrivals;
    size_t over = 0;
    size_t oldest = SIZE_MAX;
    for (size_t i = 0; i < arrivals->n; i++) {
        const struct arrival *arrival = arrivals->items[i];
        bool done = incoming_is_over(arrival->incoming);
        over += done;
        if (done && (oldest == SIZE_MAX || arrival->incoming->created_us <
                                               arrivals->items[oldest]->incoming->created_us)) {
            oldest = i;
        }
    }
    if (over > MIGRATIONS_KEPT) {
        forget(m, "in", arrivals->items[oldest]->incoming->id);
        arrival_free(arrivals->items[oldest]);
        vec_remove(arrivals, oldest);
    }
}

void migrations_trim(struct manager *m)
{
    trim_moves(m);
    trim_arrivals(m);
}

struct move *moves_find_plan(const struct manager *m, const char *plan)
{
    for (vec_each(&m->migrations->moves, move)) {
        if (!(*move)->finished && str_eq((*move)->migration->plan, plan)) {
            return *move;
        }
    }
    return NULL;
}

struct arrival *arrivals_find_plan(const struct manager *m, const char *plan)
{
    for (vec_each(&m->migrations->arrivals, arrival)) {
        if (!incoming_is_over((*arrival)->incoming) && str_eq((*arrival)->incoming->plan, plan)) {
            return *arrival;
        }
    }
    return NULL;
}

struct move *moves_find(const struct manager *m, const char *id, struct error *err)
{
    for (vec_each(&m->migrations->moves, move)) {
        if (!(*move)->dry_run && str_eq((*move)->migration->id, id)) {
            return *move;
        }
    }
    error_set(err, REASON_NOT_FOUND, SUBJECT("migration", id), "there is no migration \"%s\"", id);
    error_hint(err, "`cleave migration list` shows the latest");
    return NULL;
}
