/* SPDX-License-Identifier: Apache-2.0 */
/* Migrations in the store and in memory, and their plans. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/stopping.h"
#include "base/str.h"
#include "manager/listeners.h"
#include "manager/migrations.h"

#define KEY_SIZE 48

/* ---- life ---- */

struct move *move_new(struct manager *m, struct migration *migration)
{
    struct move *move = xcalloc(1, sizeof(*move));
    move->manager = m;
    move->migration = migration;
    (void)evloop_timer_new(m->config.loop, move_go_on, move, &move->timer);
    *vec_push(&m->migrations->moves) = move;
    return move;
}

void move_free(struct move *move)
{
    migration_free(move->migration);
    migration_offer_free(move->offer);
    evloop_timer_free(move->timer);
    free(move);
}

struct arrival *arrival_new(struct manager *m, struct incoming *incoming)
{
    struct arrival *arrival = xcalloc(1, sizeof(*arrival));
    arrival->manager = m;
    arrival->incoming = incoming;
    arrival->heard_us = clock_monotonic_us();
    *vec_push(&m->migrations->arrivals) = arrival;
    return arrival;
}

void arrival_free(struct arrival *arrival)
{
    incoming_free(arrival->incoming);
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

static int read_record(struct manager *m, const char *key, const json_t *document,
                       struct error *err)
{
    if (str_starts(key, "in:")) {
        struct incoming *incoming = NULL;
        int r = incoming_from_json(document, "stored migration", &incoming, err);
        if (r == 0) {
            arrival_new(m, incoming);
        }
        return r;
    }
    struct migration *migration = NULL;
    int r = migration_from_stored_json(document, &migration, err);
    if (r == 0) {
        struct move *move = move_new(m, migration);
        move->resumed = true;
        move->finished = migration_is_over(migration);
    }
    return r;
}

static int start_workers(struct manager *m, struct error *err)
{
    struct migrations *all = m->migrations;
    int r = worker_new(m->config.loop, "peer", &all->lines[0].worker);
    all->n_lines = r == 0;
    r = r != 0 ? r : worker_new(m->config.loop, "vm-move", &all->move_worker);
    r = r != 0 ? r : worker_new(m->config.loop, "vm-track", &all->watch_worker);
    r = r != 0 ? r : evloop_timer_new(m->config.loop, arrivals_look, m, &all->look);
    r = r != 0 ? r : evloop_timer_set(all->look, LOOK_TICKS * move_tick_us(m));
    return r == 0 ? 0 : error_set_errno(err, -r, "cleaved", "starting a worker thread");
}

int migrations_open(struct manager *m, struct error *err)
{
    CLEANUP_JSON json_t *documents = NULL;
    struct store *store = m->config.store;
    m->migrations = xcalloc(1, sizeof(*m->migrations));
    int r = store->ops->load_records(store, RECORD_MIGRATION, &documents, err);
    const char *key = NULL;
    json_t *document = NULL;
    json_object_foreach(documents, key, document)
    {
        r = r != 0 ? r : read_record(m, key, document, err);
    }
    return r != 0 ? r : start_workers(m, err);
}

void migrations_resume(struct manager *m)
{
    for (vec_each(&m->migrations->moves, move)) {
        const struct migration *migration = (*move)->migration;
        if (!(*move)->finished) {
            log_info("migration %s of VM %s was %s: going on", migration->id, migration->request.vm,
                     migration_state_name(migration->state));
            (void)evloop_timer_set((*move)->timer, 0);
        }
    }
}

static bool is_moving(const struct manager *m)
{
    bool moving = false;
    for (vec_each(&m->migrations->moves, move)) {
        moving = moving || (*move)->moving;
    }
    return moving;
}

bool migrations_finish(struct manager *m, uint64_t until_us)
{
    if (m->migrations == NULL) {
        return true;
    }
    bool all = worker_finish(m->migrations->watch_worker, until_us);
    all = peer_lines_finish(m->migrations, until_us) && all;
    return (is_moving(m) || worker_finish(m->migrations->move_worker, until_us)) && all;
}

void migrations_close(struct manager *m)
{
    if (m->migrations == NULL) {
        return;
    }
    bool moving = is_moving(m);
    evloop_timer_free(TAKE_PTR(m->migrations->look));
    worker_free(TAKE_PTR(m->migrations->watch_worker));
    peer_lines_close(m->migrations);
    struct guest_port *port = TAKE_PTR(m->config.move_guest);
    if (moving && worker_abandon(m->migrations->move_worker)) {
        log_info("a VM is on its way; the next start sees where it came to");
        m->migrations->move_worker = NULL;
        return; /* it still has the port */
    }
    worker_free(TAKE_PTR(m->migrations->move_worker));
    if (port != NULL) {
        port->ops->free(port);
    }
}

void migrations_free(struct manager *m)
{
    if (m->migrations == NULL) {
        return;
    }
    struct error stopping = stopping_error();
    for (vec_each(&m->migrations->moves, move)) {
        move_refuse_settling(*move, &stopping);
        move_free(*move);
    }
    for (vec_each(&m->migrations->arrivals, arrival)) {
        arrival_free(*arrival);
    }
    vec_done(&m->migrations->moves);
    vec_done(&m->migrations->arrivals);
    free(m->migrations);
}

static void forget(struct manager *m, const char *role, const char *id)
{
    char key[KEY_SIZE];
    struct error err = {0};
    struct store *store = m->config.store;
    if (store->ops->delete_record(store, RECORD_MIGRATION, key_of(role, id, key), &err) != 0) {
        log_warning("forgetting migration %s: %s", id, err.message);
    }
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
        bool done = incoming_is_over(arrival->incoming) && !arrival->acting;
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

/* ---- plans ---- */

struct move *moves_find_plan(const struct manager *m, const char *plan)
{
    for (vec_each(&m->migrations->moves, move)) {
        if (!(*move)->finished && str_eq((*move)->migration->plan, plan)) {
            return *move;
        }
    }
    return NULL;
}

static struct arrival *arrivals_find_plan(const struct manager *m, const char *plan)
{
    for (vec_each(&m->migrations->arrivals, arrival)) {
        if (!incoming_is_over((*arrival)->incoming) && str_eq((*arrival)->incoming->plan, plan)) {
            return *arrival;
        }
    }
    return NULL;
}

static bool migrations_owns_plan(const struct manager *m, const struct plan *plan)
{
    return arrivals_find_plan(m, plan->id) != NULL;
}

static void reserve_arrival(struct incoming *incoming, const struct plan *plan, bool begins)
{
    STR_SET(incoming->plan, plan->id);
    if (!begins) {
        (void)sm_move(&incoming_state_words, &incoming->state, INCOMING_ABORTING);
    }
}

static void migrations_reserve(struct txn *txn, const struct change *change,
                               const struct plan *plan)
{
    if (change == NULL) {
        return;
    }
    const struct incoming *begun = change->incoming;
    const struct incoming *given_back = change->arrival != NULL ? change->arrival->incoming : NULL;
    if (begun != NULL || given_back != NULL) {
        CLEANUP(incoming_freep)
        struct incoming *next = incoming_copy(begun != NULL ? begun : given_back);
        reserve_arrival(next, plan, begun != NULL);
        if (plan->state == PLAN_DONE) { /* nothing to do */
            arrival_after_plan(next, plan);
        }
        txn_put_arrival(txn, next);
    }
    if (change->move != NULL) {
        struct migration next = *change->move->migration;
        STR_SET(next.plan, plan->id);
        if (plan->state == PLAN_DONE) {
            move_after_plan(&next, plan);
            move_note(txn, &next);
        }
        txn_put_move(txn, &next);
    }
}

static void migrations_ended(struct manager *m, const struct plan *plan)
{
    struct arrival *arrival = arrivals_find_plan(m, plan->id);
    struct move *move = moves_find_plan(m, plan->id);
    if (arrival != NULL) {
        arrival_after_plan(arrival->incoming, plan);
        arrival->acting = false;
        if (arrival->incoming->state == INCOMING_PREPARED) { /* it comes as expected: no drift */
            expect_vm_change(m, arrival->incoming->vm);
        } else {
            expect_vm_changed(m, arrival->incoming->vm);
        }
        arrival->heard_us = clock_monotonic_us();
    }
    if (move != NULL) {
        move_after_plan(move->migration, plan);
        move->releasing = false;
        if (migration_is_over(move->migration)) {
            move_finish(move);
        } else {
            move_try_later(move);
        }
    }
    migrations_trim(m);
}

static void migrations_reserved(struct manager *m, struct change *change, const struct plan *plan)
{
    if (change->incoming != NULL) {
        change->arrival = arrival_new(m, TAKE_PTR(change->incoming));
        reserve_arrival(change->arrival->incoming, plan, true);
    } else if (change->arrival != NULL) {
        reserve_arrival(change->arrival->incoming, plan, false);
    }
    if (change->move != NULL) {
        STR_SET(change->move->migration->plan, plan->id);
    }
    if (plan->state == PLAN_DONE) {
        migrations_ended(m, plan);
    }
}

static void migrations_end(struct txn *txn, const struct plan *plan)
{
    const struct arrival *arrival = arrivals_find_plan(txn->manager, plan->id);
    const struct move *move = moves_find_plan(txn->manager, plan->id);
    if (arrival != NULL) {
        CLEANUP(incoming_freep) struct incoming *next = incoming_copy(arrival->incoming);
        arrival_after_plan(next, plan);
        txn_put_arrival(txn, next);
    }
    if (move != NULL) {
        struct migration next = *move->migration;
        move_after_plan(&next, plan);
        txn_put_move(txn, &next);
        move_note(txn, &next);
    }
}

const struct plan_follower migrations_follow_plans = {
    .refuse = migrations_refuse_plan,
    .reserve = migrations_reserve,
    .reserved = migrations_reserved,
    .owns = migrations_owns_plan,
    .end = migrations_end,
    .ended = migrations_ended,
};
