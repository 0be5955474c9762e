/* SPDX-License-Identifier: Apache-2.0 */
/* Plans of migrations: what is stored with one, and what its end means. */
#include "migration/migration_plans.h"

#include "base/clock.h"
#include "base/str.h"
#include "migration/incoming.h"
#include "migration/incoming_operation.h"
#include "migration/migration_end.h"
#include "migration/migration_holds.h"
#include "migration/migration_move.h"
#include "migration/migration_records.h"
#include "migration/migrations.h"
#include "state/listeners.h"
#include "state/txn.h"
#include "turn/queue.h"

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
        arrival_hold(arrival);
        arrival_follow(arrival);
        arrival_heard(arrival);
    }
    if (move != NULL) {
        move_after_plan(move->migration, plan);
        move_hold(move);
        move->releasing = false;
        if (migration_is_over(move->migration)) {
            move_finish(move);
        } else {
            move_back_off(move);
        }
    }
    migrations_trim(m);
}

static void migrations_reserved(struct manager *m, struct change *change, const struct plan *plan)
{
    if (change->incoming != NULL) {
        const struct operation_start start = {.kind = &incoming_kind};
        change->arrival = arrival_new(m, TAKE_PTR(change->incoming), &start);
        reserve_arrival(change->arrival->incoming, plan, true);
        operation_schedule(change->arrival->operation, INCOMING_LOOK_TICKS * move_tick_us(m));
    } else if (change->arrival != NULL) {
        reserve_arrival(change->arrival->incoming, plan, false);
        arrival_follow(change->arrival);
    }
    if (change->arrival != NULL) {
        arrival_hold(change->arrival);
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
    .reserve = migrations_reserve,
    .reserved = migrations_reserved,
    .owns = migrations_owns_plan,
    .end = migrations_end,
    .ended = migrations_ended,
};
