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
#include "model/operation_views.h"
#include "state/stored_operations.h"
#include "state/txn.h"

/* How long a VM that comes in may be silent. */
#define DEFAULT_PATIENCE_US UINT64_C(120000000)

/* ---- in memory ---- */

static enum operation_state operation_state_of(const struct outgoing *outgoing)
{
    const struct migration *migration = outgoing->migration;
    bool waits = (migration->state == MIGRATION_CHECKING && outgoing->checked) ||
                 (migration->state == MIGRATION_PREPARING && outgoing->queued);
    return waits && !migration->cancel ? OPERATION_WAITING : migration_operation_state(migration);
}

void outgoing_follow(struct outgoing *outgoing)
{
    enum operation_state state = operation_state_of(outgoing);
    if (outgoing->dry_run && outgoing->finished) { /* it was only checked */
        state = outgoing->err.reason != REASON_NONE ? OPERATION_FAILED : OPERATION_DONE;
    }
    operation_follow(outgoing->operation, state, outgoing->migration->finished_us);
}

struct outgoing *outgoing_new(struct manager *m, struct migration *migration,
                              const struct operation_start *start)
{
    struct outgoing *outgoing = xcalloc(1, sizeof(*outgoing));
    outgoing->manager = m;
    outgoing->migration = migration;
    outgoing->dry_run = start->dry_run;
    struct operation_start own = *start;
    own.id = migration->id;
    own.subject = SUBJECT("vm", migration->request.vm);
    own.author = migration->author;
    own.created_us = migration->created_us;
    own.finished_us = migration->finished_us;
    own.state = operation_state_of(outgoing);
    own.data = outgoing;
    outgoing->operation = operation_new(&m->operations, &own);
    outgoing->operation->cancel = migration->cancel;
    *vec_push(&m->migrations->outgoing) = outgoing;
    return outgoing;
}

void outgoing_free(struct outgoing *outgoing)
{
    migration_free(outgoing->migration);
    migration_offer_free(outgoing->offer);
    operation_free(outgoing->operation);
    free(outgoing);
}

void incoming_vm_follow(struct incoming_vm *incoming_vm)
{
    incoming_vm->operation->cancel = incoming_vm->incoming->abort;
    operation_follow(incoming_vm->operation, incoming_operation_state(incoming_vm->incoming),
                     incoming_vm->incoming->finished_us);
}

void incoming_vm_heard(struct incoming_vm *incoming_vm)
{
    uint64_t patience_us = incoming_vm->manager->config.incoming_patience_us;
    patience_us = patience_us == 0 ? DEFAULT_PATIENCE_US : patience_us;
    operation_set_deadline(incoming_vm->operation, clock_monotonic_us() + patience_us);
}

struct incoming_vm *incoming_vm_new(struct manager *m, struct incoming *incoming,
                                    const struct operation_start *start)
{
    struct incoming_vm *incoming_vm = xcalloc(1, sizeof(*incoming_vm));
    struct operation_start own = *start;
    own.id = incoming->id;
    own.subject = SUBJECT("vm", incoming->vm);
    own.author = incoming->author;
    own.created_us = incoming->created_us;
    own.finished_us = incoming->finished_us;
    own.state = incoming_operation_state(incoming);
    own.data = incoming_vm;
    incoming_vm->manager = m;
    incoming_vm->incoming = incoming;
    incoming_vm->operation = operation_new(&m->operations, &own);
    incoming_vm->operation->cancel = incoming->abort;
    *vec_push(&m->migrations->incoming) = incoming_vm;
    incoming_vm_heard(incoming_vm);
    return incoming_vm;
}

void incoming_vm_free(struct incoming_vm *incoming_vm)
{
    incoming_free(incoming_vm->incoming);
    operation_free(incoming_vm->operation);
    free(incoming_vm);
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

struct incoming_vm *incoming_vm_find(const struct manager *m, const char *id)
{
    for (vec_each(&m->migrations->incoming, incoming_vm)) {
        if (str_eq((*incoming_vm)->incoming->id, id)) {
            return *incoming_vm;
        }
    }
    return NULL;
}

/* ---- the store ---- */

void txn_put_migration(struct txn *txn, const struct migration *migration)
{
    struct operation_view view;
    CLEANUP_JSON json_t *body = migration_to_json(migration);
    migration_to_operation(migration, &view);
    txn_put_operation(txn, &view, body);
}

void txn_put_incoming(struct txn *txn, const struct incoming *incoming)
{
    struct operation_view view;
    CLEANUP_JSON json_t *body = incoming_to_json(incoming);
    incoming_to_operation(incoming, &view);
    txn_put_operation(txn, &view, body);
}

/* ---- forgetting: the store does so on its own ---- */

void outgoing_forget(struct operation *operation)
{
    struct outgoing *outgoing = operation->data;
    struct outgoing_list *all = &outgoing->manager->migrations->outgoing;
    if (!outgoing->finished || outgoing->jobs > 0) {
        return;
    }
    for (size_t i = all->n; i > 0; i--) {
        if (all->items[i - 1] == outgoing) {
            vec_remove(all, i - 1);
        }
    }
    outgoing_free(outgoing);
}

void incoming_vm_forget(struct operation *operation)
{
    struct incoming_vm *incoming_vm = operation->data;
    struct incoming_list *all = &incoming_vm->manager->migrations->incoming;
    for (size_t i = all->n; i > 0; i--) {
        if (all->items[i - 1] == incoming_vm) {
            vec_remove(all, i - 1);
        }
    }
    incoming_vm_free(incoming_vm);
}

/* ---- finding ---- */

struct outgoing *outgoing_find_plan(const struct manager *m, const char *plan)
{
    for (vec_each(&m->migrations->outgoing, outgoing)) {
        if (!(*outgoing)->finished && str_eq((*outgoing)->migration->plan, plan)) {
            return *outgoing;
        }
    }
    return NULL;
}

struct incoming_vm *incoming_vm_find_plan(const struct manager *m, const char *plan)
{
    for (vec_each(&m->migrations->incoming, incoming_vm)) {
        if (!incoming_is_over((*incoming_vm)->incoming) &&
            str_eq((*incoming_vm)->incoming->plan, plan)) {
            return *incoming_vm;
        }
    }
    return NULL;
}

struct outgoing *outgoing_find(const struct manager *m, const char *id, struct error *err)
{
    for (vec_each(&m->migrations->outgoing, outgoing)) {
        if (!(*outgoing)->dry_run && str_eq((*outgoing)->migration->id, id)) {
            return *outgoing;
        }
    }
    error_set(err, REASON_NOT_FOUND, SUBJECT("migration", id), "there is no migration \"%s\"", id);
    error_hint(err, "`cleave migration list` shows the latest");
    return NULL;
}
