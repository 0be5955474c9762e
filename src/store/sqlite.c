/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions, claims, plans and events. */
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/busy.h"
#include "store/document_json.h"
#include "store/sqlite_file.h"
#include "store/sqlite_record.h"
#include "store/sqlite_stmt.h"

#define EVENTS_KEPT 100000
#define PLANS_KEPT 1000

static struct sqlite_store *of(struct store *store)
{
    return (struct sqlite_store *)store;
}

/* ---- transactions ---- */

static int sqlite_begin(struct store *store, struct error *err)
{
    struct sqlite_store *s = of(store);
    CLEANUP_STMT sqlite3_stmt *stmt = s->stmts[STMT_BEGIN];
    int r = sqlite_run(s, stmt, err, "starting a transaction");
    s->in_transaction = r == 0;
    return r;
}

void sqlite_rollback(struct store *store)
{
    struct sqlite_store *s = of(store);
    s->in_transaction = false;
    if (sqlite3_get_autocommit(s->db) == 0) {
        CLEANUP_STMT sqlite3_stmt *stmt = s->stmts[STMT_ROLLBACK];
        (void)sqlite_step(stmt);
    }
}

static int sqlite_commit(struct store *store, struct error *err)
{
    struct sqlite_store *s = of(store);
    int r = 0;
    {
        CLEANUP_STMT sqlite3_stmt *stmt = s->stmts[STMT_COMMIT];
        r = sqlite_run(s, stmt, err, "committing");
    }
    if (r != 0) {
        sqlite_rollback(store);
    }
    s->in_transaction = false;
    return r;
}

/* For puts of several statements: own transaction unless one is open. */
static int scope_begin(struct sqlite_store *s, bool *ret_own, struct error *err)
{
    *ret_own = !s->in_transaction;
    return *ret_own ? sqlite_begin(&s->store, err) : 0;
}

static int scope_end(struct sqlite_store *s, bool own, int result, struct error *err)
{
    if (!own) {
        return result;
    }
    if (result != 0) {
        sqlite_rollback(&s->store);
        return result;
    }
    return sqlite_commit(&s->store, err);
}

/* ---- claims ---- */

static int sqlite_put_claim(struct store *store, struct claim *claim, struct error *err)
{
    struct sqlite_store *s = of(store);
    struct claim next = *claim;
    next.version++;
    CLEANUP_FREE char *document = document_of_claim(&next);
    CLEANUP_STMT sqlite3_stmt *stmt =
        s->stmts[claim->version == 0 ? STMT_CLAIM_INSERT : STMT_CLAIM_UPDATE];
    sqlite_bind_text(stmt, 1, claim->name);
    (void)sqlite3_bind_int64(stmt, 2, (sqlite3_int64)next.version);
    sqlite_bind_text(stmt, 3, document);
    int r = sqlite_run(s, stmt, err, "storing a claim");
    if (r != 0) {
        return r;
    }
    if (sqlite3_changes(s->db) != 1) {
        return error_set(err, REASON_CONFLICT, claim->name,
                         "claim \"%s\" was changed by someone else meanwhile", claim->name);
    }
    claim->version = next.version;
    return 0;
}

static int sqlite_delete_claim(struct store *store, const char *name, struct error *err)
{
    struct sqlite_store *s = of(store);
    CLEANUP_STMT sqlite3_stmt *stmt = s->stmts[STMT_CLAIM_DELETE];
    sqlite_bind_text(stmt, 1, name);
    int r = sqlite_run(s, stmt, err, "deleting a claim");
    if (r == 0 && sqlite3_changes(s->db) != 1) {
        return error_set(err, REASON_NOT_FOUND, name, "there is no claim \"%s\"", name);
    }
    return r;
}

static int sqlite_load_claims(struct store *store, struct claims *ret_claims, struct error *err)
{
    struct sqlite_store *s = of(store);
    CLEANUP_STMT sqlite3_stmt *stmt = s->stmts[STMT_CLAIM_LIST];
    struct claims claims = {0};
    int step = 0;
    for (step = sqlite_step(stmt); step == SQLITE_ROW; step = sqlite_step(stmt)) {
        if (document_to_claim(DOCUMENT_TEXT(sqlite3_column_text(stmt, 1)), vec_push(&claims),
                              err) != 0) {
            vec_done(&claims);
            return sqlite_damaged(s, "claims", "name", DOCUMENT_TEXT(sqlite3_column_text(stmt, 0)),
                                  err);
        }
    }
    if (step != SQLITE_DONE) {
        vec_done(&claims);
        return sqlite_fail(s, err, "reading the claims");
    }
    *ret_claims = claims;
    return 0;
}

/* ---- plans ---- */

static int put_steps(struct sqlite_store *s, const struct plan *plan, struct error *err)
{
    sqlite3_int64 number = 0;
    for (vec_each(&plan->steps, step)) {
        CLEANUP_FREE char *document = document_of_step(step);
        CLEANUP_STMT sqlite3_stmt *stmt = s->stmts[STMT_STEP_PUT];
        sqlite_bind_text(stmt, 1, plan->id);
        (void)sqlite3_bind_int64(stmt, 2, number++);
        sqlite_bind_text(stmt, 3, document);
        int r = sqlite_run(s, stmt, err, "storing a step");
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

static int put_plan_rows(struct sqlite_store *s, const struct plan *plan, struct error *err)
{
    CLEANUP_FREE char *document = document_of_plan(plan);
    CLEANUP_STMT sqlite3_stmt *put = s->stmts[STMT_PLAN_PUT];
    sqlite_bind_text(put, 1, plan->id);
    sqlite_bind_text(put, 2, plan_state_name(plan->state));
    sqlite_bind_text(put, 3, document);
    int r = sqlite_run(s, put, err, "storing a plan");
    if (r != 0) {
        return r;
    }
    CLEANUP_STMT sqlite3_stmt *clear = s->stmts[STMT_STEPS_DELETE];
    sqlite_bind_text(clear, 1, plan->id);
    r = sqlite_run(s, clear, err, "storing a plan");
    if (r != 0) {
        return r;
    }
    r = put_steps(s, plan, err);
    if (r != 0) {
        return r;
    }
    CLEANUP_STMT sqlite3_stmt *prune = s->stmts[STMT_PLAN_PRUNE];
    (void)sqlite3_bind_int64(prune, 1, PLANS_KEPT);
    return sqlite_run(s, prune, err, "forgetting old plans");
}

static int sqlite_put_plan(struct store *store, const struct plan *plan, struct error *err)
{
    struct sqlite_store *s = of(store);
    bool own = false;
    int r = scope_begin(s, &own, err);
    if (r != 0) {
        return r;
    }
    r = put_plan_rows(s, plan, err);
    return scope_end(s, own, r, err);
}

static int sqlite_put_step(struct store *store, const char *plan_id, size_t index,
                           const struct step *step, struct error *err)
{
    struct sqlite_store *s = of(store);
    CLEANUP_FREE char *document = document_of_step(step);
    CLEANUP_STMT sqlite3_stmt *stmt = s->stmts[STMT_STEP_UPDATE];
    sqlite_bind_text(stmt, 1, plan_id);
    (void)sqlite3_bind_int64(stmt, 2, (sqlite3_int64)index);
    sqlite_bind_text(stmt, 3, document);
    int r = sqlite_run(s, stmt, err, "writing the journal");
    if (r == 0 && sqlite3_changes(s->db) != 1) {
        return error_set(err, REASON_NOT_FOUND, plan_id, "there is no step %zu of plan %s", index,
                         plan_id);
    }
    return r;
}

/* Texts that live longer than the row they came from. */
static int load_steps(struct sqlite_store *s, const char *plan_id, struct strlist *texts,
                      struct error *err)
{
    CLEANUP_STMT sqlite3_stmt *stmt = s->stmts[STMT_STEP_LIST];
    sqlite_bind_text(stmt, 1, plan_id);
    int step = 0;
    for (step = sqlite_step(stmt); step == SQLITE_ROW; step = sqlite_step(stmt)) {
        *vec_push(texts) = xstrdup(DOCUMENT_TEXT(sqlite3_column_text(stmt, 0)));
    }
    return step == SQLITE_DONE ? 0 : sqlite_fail(s, err, "reading the steps of a plan");
}

/* From a row of (id, document). */
static int plan_from_row(struct sqlite_store *s, sqlite3_stmt *row, struct plan **ret_plan,
                         struct error *err)
{
    CLEANUP_STRLIST struct strlist steps = {0};
    int r = load_steps(s, DOCUMENT_TEXT(sqlite3_column_text(row, 0)), &steps, err);
    if (r != 0) {
        return r;
    }
    r = document_to_plan(DOCUMENT_TEXT(sqlite3_column_text(row, 1)),
                         (const char *const *)steps.items, steps.n, ret_plan, err);
    return r == 0
               ? 0
               : sqlite_damaged(s, "plans", "id", DOCUMENT_TEXT(sqlite3_column_text(row, 0)), err);
}

static int sqlite_load_plan(struct store *store, const char *id, struct plan **ret_plan,
                            struct error *err)
{
    struct sqlite_store *s = of(store);
    CLEANUP_STMT sqlite3_stmt *stmt = s->stmts[STMT_PLAN_GET];
    sqlite_bind_text(stmt, 1, id);
    switch (sqlite_step(stmt)) {
    case SQLITE_ROW:
        return plan_from_row(s, stmt, ret_plan, err);
    case SQLITE_DONE:
        *ret_plan = NULL;
        return 0;
    default:
        return sqlite_fail(s, err, "reading a plan");
    }
}

struct plan_list {
    struct plan **items;
    size_t n;
    size_t cap;
};

static void plan_list_done(struct plan_list *list)
{
    for (vec_each(list, plan)) {
        plan_free(*plan);
    }
    vec_done(list);
}

static int sqlite_load_plans(struct store *store, size_t max, bool unfinished_only,
                             struct plan ***ret_plans, size_t *ret_n, struct error *err)
{
    struct sqlite_store *s = of(store);
    CLEANUP(plan_list_done) struct plan_list plans = {0};
    CLEANUP_STMT sqlite3_stmt *stmt =
        s->stmts[unfinished_only ? STMT_PLAN_LIST_UNFINISHED : STMT_PLAN_LIST];
    (void)sqlite3_bind_int64(stmt, 1, (sqlite3_int64)max);
    int step = 0;
    for (step = sqlite_step(stmt); step == SQLITE_ROW; step = sqlite_step(stmt)) {
        int r = plan_from_row(s, stmt, vec_push(&plans), err);
        if (r != 0) {
            return r;
        }
    }
    if (step != SQLITE_DONE) {
        return sqlite_fail(s, err, "reading the plans");
    }
    *ret_n = plans.n;
    *ret_plans = TAKE_PTR(plans.items);
    plans.n = 0;
    return 0;
}

/* ---- events ---- */

static int sqlite_put_event(struct store *store, struct event *event, struct error *err)
{
    struct sqlite_store *s = of(store);
    {
        CLEANUP_STMT sqlite3_stmt *stmt = s->stmts[STMT_EVENT_PUT];
        (void)sqlite3_bind_int64(stmt, 1, (sqlite3_int64)event->time_us);
        sqlite_bind_text(stmt, 2, event->kind);
        sqlite_bind_text(stmt, 3, event->subject);
        sqlite_bind_text(stmt, 4, event->author);
        sqlite_bind_text(stmt, 5, event->message);
        int r = sqlite_run(s, stmt, err, "storing an event");
        if (r != 0) {
            return r;
        }
    }
    event->seq = (uint64_t)sqlite3_last_insert_rowid(s->db);
    if (event->seq <= EVENTS_KEPT) {
        return 0;
    }
    CLEANUP_STMT sqlite3_stmt *prune = s->stmts[STMT_EVENT_PRUNE];
    (void)sqlite3_bind_int64(prune, 1, (sqlite3_int64)(event->seq - EVENTS_KEPT));
    return sqlite_run(s, prune, err, "forgetting old events");
}

static struct event event_from_row(sqlite3_stmt *stmt)
{
    struct event event = {
        .seq = (uint64_t)sqlite3_column_int64(stmt, 0),
        .time_us = (uint64_t)sqlite3_column_int64(stmt, 1),
    };
    STR_SET(event.kind, DOCUMENT_TEXT(sqlite3_column_text(stmt, 2)));
    STR_SET(event.subject, DOCUMENT_TEXT(sqlite3_column_text(stmt, 3)));
    STR_SET(event.author, DOCUMENT_TEXT(sqlite3_column_text(stmt, 4)));
    STR_SET(event.message, DOCUMENT_TEXT(sqlite3_column_text(stmt, 5)));
    return event;
}

static int sqlite_load_events(struct store *store, uint64_t after, size_t max,
                              struct event **ret_events, size_t *ret_n, struct error *err)
{
    struct sqlite_store *s = of(store);
    CLEANUP_STMT sqlite3_stmt *stmt = s->stmts[STMT_EVENT_LIST];
    (void)sqlite3_bind_int64(stmt, 1, after > INT64_MAX ? INT64_MAX : (sqlite3_int64)after);
    (void)sqlite3_bind_int64(stmt, 2, (sqlite3_int64)max);
    VEC(struct event) events = {0};
    int step = 0;
    for (step = sqlite_step(stmt); step == SQLITE_ROW; step = sqlite_step(stmt)) {
        *vec_push(&events) = event_from_row(stmt);
    }
    if (step != SQLITE_DONE) {
        vec_done(&events);
        return sqlite_fail(s, err, "reading the events");
    }
    *ret_events = events.items;
    *ret_n = events.n;
    return 0;
}

static uint64_t sqlite_changes(struct store *store)
{
    return (uint64_t)sqlite3_total_changes64(of(store)->db);
}

void sqlite_free(struct store *store)
{
    if (store == NULL) {
        return;
    }
    struct sqlite_store *s = of(store);
    for (size_t i = 0; i < STMT_COUNT; i++) {
        (void)sqlite3_finalize(s->stmts[i]);
    }
    sqlite_busy_begin(); /* what is in the -wal goes into the file */
    (void)sqlite3_close(s->db);
    sqlite_busy_end();
    free(s->path);
    free(s->wal_path);
    free(s);
}

const struct store_ops sqlite_ops = {
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .put_claim = sqlite_put_claim,
    .delete_claim = sqlite_delete_claim,
    .load_claims = sqlite_load_claims,
    .put_plan = sqlite_put_plan,
    .put_step = sqlite_put_step,
    .load_plan = sqlite_load_plan,
    .load_plans = sqlite_load_plans,
    .put_event = sqlite_put_event,
    .load_events = sqlite_load_events,
    .put_record = sqlite_put_record,
    .delete_record = sqlite_delete_record,
    .load_records = sqlite_load_records,
    .changes = sqlite_changes,
    .free = sqlite_free,
};
