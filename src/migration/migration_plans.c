/* SPDX-License-Identifier: Apache-2.0 */
/* Plans of migrations: what is stored with one, and what its end means. */
#include "migration/migration_plans.h"

#include "base/clock.h"
#include "base/str.h"
#include "migration/incoming_operation.h"
#include "migration/incoming_vm.h"
#include "migration/migration_holds.h"
#include "migration/migration_records.h"
#include "migration/migrations.h"
#include "migration/outgoing.h"
#include "migration/outgoing_end.h"
#include "state/listeners.h"
#include "state/txn.h"
#include "turn/queue.h"

static bool migrations_owns_plan(const struct manager *m, const struct plan *plan)
{
    return incoming_vm_find_plan(m, plan->id) != NULL;
}

static const char *migrations_operation_of(const struct manager *m, const struct plan *plan)
{
    const struct incoming_vm *incoming = incoming_vm_find_plan(m, plan->id);
    const struct outgoing *outgoing = outgoing_find_plan(m, plan->id);
    return incoming != NULL   ? incoming->operation->id
           : outgoing != NULL ? outgoing->operation->id
                              : NULL;
}

static void reserve_incoming(struct incoming *incoming, const struct plan *plan, bool begins)
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
    const struct incoming *given_back =
        change->incoming_vm != NULL ? change->incoming_vm->incoming : NULL;
    if (begun != NULL || given_back != NULL) {
        CLEANUP(incoming_freep)
        struct incoming *next = incoming_copy(begun != NULL ? begun : given_back);
        reserve_incoming(next, plan, begun != NULL);
        if (plan->state == PLAN_DONE) { /* nothing to do */
            incoming_vm_after_plan(next, plan);
        }
        txn_put_incoming(txn, next);
    }
    if (change->outgoing != NULL) {
        struct migration next = *change->outgoing->migration;
        STR_SET(next.plan, plan->id);
        if (plan->state == PLAN_DONE) {
            outgoing_after_plan(&next, plan);
            outgoing_note(txn, &next);
        }
        txn_put_migration(txn, &next);
    }
}

static void migrations_ended(struct manager *m, const struct plan *plan)
{
    struct incoming_vm *incoming_vm = incoming_vm_find_plan(m, plan->id);
    struct outgoing *outgoing = outgoing_find_plan(m, plan->id);
    if (incoming_vm != NULL) {
        incoming_vm_after_plan(incoming_vm->incoming, plan);
        incoming_vm_hold(incoming_vm);
        incoming_vm_follow(incoming_vm);
        incoming_vm_heard(incoming_vm);
    }
    if (outgoing != NULL) {
        outgoing_after_plan(outgoing->migration, plan);
        outgoing_hold(outgoing);
        outgoing->releasing = false;
        if (migration_is_over(outgoing->migration)) {
            outgoing_finish(outgoing);
        } else {
            outgoing_back_off(outgoing);
        }
    }
    operations_trim(&m->operations, OPERATION_KIND_MIGRATION);
    operations_trim(&m->operations, OPERATION_KIND_INCOMING);
}

static void migrations_reserved(struct manager *m, struct change *change, const struct plan *plan)
{
    if (change->incoming != NULL) {
        const struct operation_start start = {.kind = &incoming_kind};
        change->incoming_vm = incoming_vm_new(m, TAKE_PTR(change->incoming), &start);
        reserve_incoming(change->incoming_vm->incoming, plan, true);
        operation_schedule(change->incoming_vm->operation,
                           INCOMING_LOOK_TICKS * outgoing_tick_us(m));
    } else if (change->incoming_vm != NULL) {
        reserve_incoming(change->incoming_vm->incoming, plan, false);
        incoming_vm_follow(change->incoming_vm);
    }
    if (change->incoming_vm != NULL) {
        incoming_vm_hold(change->incoming_vm);
    }
    if (change->outgoing != NULL) {
        STR_SET(change->outgoing->migration->plan, plan->id);
    }
    if (plan->state == PLAN_DONE) {
        migrations_ended(m, plan);
    }
}

static void migrations_end(struct txn *txn, const struct plan *plan)
{
    const struct incoming_vm *incoming_vm = incoming_vm_find_plan(txn->manager, plan->id);
    const struct outgoing *outgoing = outgoing_find_plan(txn->manager, plan->id);
    if (incoming_vm != NULL) {
        CLEANUP(incoming_freep) struct incoming *next = incoming_copy(incoming_vm->incoming);
        incoming_vm_after_plan(next, plan);
        txn_put_incoming(txn, next);
    }
    if (outgoing != NULL) {
        struct migration next = *outgoing->migration;
        outgoing_after_plan(&next, plan);
        txn_put_migration(txn, &next);
        outgoing_note(txn, &next);
    }
}

const struct plan_follower migrations_follow_plans = {
    .reserve = migrations_reserve,
    .reserved = migrations_reserved,
    .owns = migrations_owns_plan,
    .operation_of = migrations_operation_of,
    .end = migrations_end,
    .ended = migrations_ended,
};
