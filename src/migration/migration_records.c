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

static enum operation_state operation_state_of(const struct outgoing *outgoing)
{
    const struct migration *migration = outgoing->migration;
    bool waits = (migration->state == MIGRATION_CHECKING && outgoing->checked) ||
                 (migration->state == MIGRATION_PREPARING && outgoing->prepared);
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

static const char *key_of(const char *role, const char *id, char out[KEY_SIZE])
{
    snprintf(out, KEY_SIZE, "%s:%.40s", role, id);
    return out;
}

void txn_put_migration(struct txn *txn, const struct migration *migration)
{
    char key[KEY_SIZE];
    CLEANUP_JSON json_t *document = migration_to_json(migration);
    txn_put_record(txn, RECORD_MIGRATION, key_of("out", migration->id, key), document);
}

void txn_put_incoming(struct txn *txn, const struct incoming *incoming)
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

static void trim_outgoing(struct manager *m)
{
    struct outgoing_list *all = &m->migrations->outgoing;
    size_t over = 0;
    size_t oldest = SIZE_MAX;
    for (size_t i = 0; i < all->n; i++) {
        const struct outgoing *outgoing = all->items[i];
        bool done = outgoing->finished && outgoing->jobs == 0;
        over += done;
        if (done && (outgoing->dry_run || oldest == SIZE_MAX ||
                     outgoing->migration->created_us < all->items[oldest]->migration->created_us)) {
            oldest = i;
        }
    }
    if (oldest == SIZE_MAX || (over <= MIGRATIONS_KEPT && !all->items[oldest]->dry_run)) {
        return;
    }
    if (!all->items[oldest]->dry_run) {
        forget(m, "out", all->items[oldest]->migration->id);
    }
    outgoing_free(all->items[oldest]);
    vec_remove(all, oldest);
}

static void trim_incoming(struct manager *m)
{
    struct incoming_list *all = &m->migrations->incoming;
    size_t over = 0;
    size_t oldest = SIZE_MAX;
    for (size_t i = 0; i < all->n; i++) {
        const struct incoming_vm *incoming_vm = all->items[i];
        bool done = incoming_is_over(incoming_vm->incoming);
        over += done;
        if (done && (oldest == SIZE_MAX || incoming_vm->incoming->created_us <
                                               all->items[oldest]->incoming->created_us)) {
            oldest = i;
        }
    }
    if (over > MIGRATIONS_KEPT) {
        forget(m, "in", all->items[oldest]->incoming->id);
        incoming_vm_free(all->items[oldest]);
        vec_remove(all, oldest);
    }
}

void migrations_trim(struct manager *m)
{
    trim_outgoing(m);
    trim_incoming(m);
}

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
