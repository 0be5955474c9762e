/* SPDX-License-Identifier: Apache-2.0 */
#include "store/memory.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

struct tables {
    struct claims claims;     /* sorted by name */
    VEC(struct plan *) plans; /* oldest first */
    VEC(struct event) events;
    json_t *records[RECORD_KIND_COUNT]; /* objects by key; NULL: none yet */
};

struct memory_store {
    struct store store;
    struct tables now;
    struct tables saved; /* as of begin, while in_transaction */
    bool in_transaction;
    uint64_t n_changes; /* put or deleted, and rolled back */
};

static struct memory_store *of(struct store *store)
{
    return (struct memory_store *)store;
}

static void tables_done(struct tables *tables)
{
    for (vec_each(&tables->plans, plan)) {
        plan_free(*plan);
    }
    vec_done(&tables->claims);
    vec_done(&tables->plans);
    vec_done(&tables->events);
    for (size_t i = 0; i < RECORD_KIND_COUNT; i++) {
        json_decref(tables->records[i]);
    }
}

static struct tables tables_copy(const struct tables *tables)
{
    struct tables copy = {0};
    for (vec_each(&tables->claims, claim)) {
        *vec_push(&copy.claims) = *claim;
    }
    for (vec_each(&tables->plans, plan)) {
        *vec_push(&copy.plans) = plan_copy(*plan);
    }
    for (vec_each(&tables->events, event)) {
        *vec_push(&copy.events) = *event;
    }
    for (size_t i = 0; i < RECORD_KIND_COUNT; i++) {
        copy.records[i] = json_deep_copy(tables->records[i]);
    }
    return copy;
}

static int memory_begin(struct store *store, struct error *err)
{
    struct memory_store *m = of(store);
    if (m->in_transaction) {
        return error_set(err, REASON_INTERNAL, "store", "a transaction is open already");
    }
    m->saved = tables_copy(&m->now);
    m->in_transaction = true;
    return 0;
}

static int memory_commit(struct store *store, struct error *err)
{
    struct memory_store *m = of(store);
    if (!m->in_transaction) {
        return error_set(err, REASON_INTERNAL, "store", "there is no transaction to commit");
    }
    tables_done(&m->saved);
    m->in_transaction = false;
    return 0;
}

static void memory_rollback(struct store *store)
{
    of(store)->n_changes++;
    struct memory_store *m = of(store);
    if (m->in_transaction) {
        tables_done(&m->now);
        m->now = m->saved;
        m->saved = (struct tables){0};
        m->in_transaction = false;
    }
}

/* Inserts in the order of names. */
static void insert_claim(struct claims *claims, const struct claim *claim)
{
    (void)vec_push(claims);
    size_t at = claims->n - 1;
    while (at > 0 && strcmp(claims->items[at - 1].name, claim->name) > 0) {
        claims->items[at] = claims->items[at - 1];
        at--;
    }
    claims->items[at] = *claim;
}

static int memory_put_claim(struct store *store, struct claim *claim, struct error *err)
{
    of(store)->n_changes++;
    struct memory_store *m = of(store);
    struct claim *stored = claims_find(&m->now.claims, claim->name);
    if ((stored == NULL ? 0 : stored->version) != claim->version) {
        return error_set(err, REASON_CONFLICT, claim->name,
                         "claim \"%s\" was changed by someone else meanwhile", claim->name);
    }
    claim->version++;
    if (stored == NULL) {
        insert_claim(&m->now.claims, claim);
    } else {
        *stored = *claim;
    }
    return 0;
}

static int memory_delete_claim(struct store *store, const char *name, struct error *err)
{
    of(store)->n_changes++;
    struct memory_store *m = of(store);
    struct claim *stored = claims_find(&m->now.claims, name);
    if (stored == NULL) {
        return error_set(err, REASON_NOT_FOUND, name, "there is no claim \"%s\"", name);
    }
    vec_remove(&m->now.claims, (size_t)(stored - m->now.claims.items));
    return 0;
}

static int memory_load_claims(struct store *store, struct claims *ret_claims, struct error *err)
{
    (void)err;
    struct claims claims = {0};
    for (vec_each(&of(store)->now.claims, claim)) {
        *vec_push(&claims) = *claim;
    }
    *ret_claims = claims;
    return 0;
}

static struct plan **find_plan(struct memory_store *m, const char *id)
{
    for (vec_each(&m->now.plans, plan)) {
        if (str_eq((*plan)->id, id)) {
            return plan;
        }
    }
    return NULL;
}

static int memory_put_plan(struct store *store, const struct plan *plan, struct error *err)
{
    of(store)->n_changes++;
    (void)err;
    struct memory_store *m = of(store);
    struct plan **stored = find_plan(m, plan->id);
    if (stored == NULL) {
        stored = vec_push(&m->now.plans);
    } else {
        plan_free(*stored);
    }
    *stored = plan_copy(plan);
    return 0;
}

static int memory_put_step(struct store *store, const char *plan_id, size_t index,
                           const struct step *step, struct error *err)
{
    of(store)->n_changes++;
    struct plan **stored = find_plan(of(store), plan_id);
    if (stored == NULL || index >= (*stored)->steps.n) {
        return error_set(err, REASON_NOT_FOUND, plan_id, "there is no step %zu of plan %s", index,
                         plan_id);
    }
    (*stored)->steps.items[index] = *step;
    return 0;
}

static int memory_load_plan(struct store *store, const char *id, struct plan **ret_plan,
                            struct error *err)
{
    (void)err;
    struct plan **stored = find_plan(of(store), id);
    *ret_plan = stored == NULL ? NULL : plan_copy(*stored);
    return 0;
}

static int memory_load_plans(struct store *store, size_t max, bool unfinished_only,
                             struct plan ***ret_plans, size_t *ret_n, struct error *err)
{
    (void)err;
    struct memory_store *m = of(store);
    VEC(struct plan *) plans = {0};
    for (size_t i = m->now.plans.n; i > 0 && plans.n < max; i--) {
        const struct plan *plan = m->now.plans.items[i - 1];
        if (!unfinished_only || plan->state == PLAN_RUNNING || plan->state == PLAN_UNDOING) {
            *vec_push(&plans) = plan_copy(plan);
        }
    }
    *ret_plans = plans.items;
    *ret_n = plans.n;
    return 0;
}

static int memory_put_event(struct store *store, struct event *event, struct error *err)
{
    of(store)->n_changes++;
    (void)err;
    struct memory_store *m = of(store);
    event->seq = m->now.events.n + 1;
    *vec_push(&m->now.events) = *event;
    return 0;
}

static int memory_load_events(struct store *store, uint64_t after, size_t max,
                              struct event **ret_events, size_t *ret_n, struct error *err)
{
    (void)err;
    VEC(struct event) events = {0};
    for (vec_each(&of(store)->now.events, event)) {
        if (event->seq > after && events.n < max) {
            *vec_push(&events) = *event;
        }
    }
    *ret_events = events.items;
    *ret_n = events.n;
    return 0;
}

static int memory_put_record(struct store *store, enum record_kind kind, const char *key,
                             const json_t *document, struct error *err)
{
    of(store)->n_changes++;
    (void)err;
    json_t **records = &of(store)->now.records[kind];
    if (*records == NULL) {
        *records = json_object();
    }
    json_object_set_new(*records, key, json_deep_copy(document));
    return 0;
}

static int memory_delete_record(struct store *store, enum record_kind kind, const char *key,
                                struct error *err)
{
    of(store)->n_changes++;
    (void)err;
    json_object_del(of(store)->now.records[kind], key);
    return 0;
}

static int memory_load_records(struct store *store, enum record_kind kind, json_t **ret_documents,
                               struct error *err)
{
    (void)err;
    const json_t *records = of(store)->now.records[kind];
    *ret_documents = records == NULL ? json_object() : json_deep_copy(records);
    return 0;
}

static uint64_t memory_changes(struct store *store)
{
    return of(store)->n_changes;
}

static void memory_free(struct store *store)
{
    if (store == NULL) {
        return;
    }
    struct memory_store *m = of(store);
    memory_rollback(store);
    tables_done(&m->now);
    free(m);
}

static const struct store_ops memory_ops = {
    .begin = memory_begin,
    .commit = memory_commit,
    .rollback = memory_rollback,
    .put_claim = memory_put_claim,
    .delete_claim = memory_delete_claim,
    .load_claims = memory_load_claims,
    .put_plan = memory_put_plan,
    .put_step = memory_put_step,
    .load_plan = memory_load_plan,
    .load_plans = memory_load_plans,
    .put_event = memory_put_event,
    .load_events = memory_load_events,
    .put_record = memory_put_record,
    .delete_record = memory_delete_record,
    .load_records = memory_load_records,
    .changes = memory_changes,
    .free = memory_free,
};

struct store *memory_store_new(void)
{
    struct memory_store *m = xcalloc(1, sizeof(*m));
    m->store.ops = &memory_ops;
    return &m->store;
}
