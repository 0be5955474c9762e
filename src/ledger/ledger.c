/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/ledger.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/vec.h"
#include "ledger/record_json.h"
#include "model/operation_views.h"

/* ---- opening ---- */

static int read_claim(struct ledger *ledger, const struct record *record, struct error *err)
{
    CLEANUP_JSON json_t *json = NULL;
    struct claim claim = {0};
    int r = record_parse(record->text, &json, err);
    r = r != 0 ? r : claim_from_stored_json(json, &claim, err);
    if (r == 0) {
        claim.version = record->version;
        *vec_push(&ledger->claims) = claim;
    }
    return r;
}

static int read_gpu(struct ledger *ledger, const struct record *record, struct error *err)
{
    CLEANUP_JSON json_t *json = NULL;
    struct gpu_record gpu = {0};
    int r = record_parse(record->text, &json, err);
    r = r != 0 ? r : gpu_record_from_stored_json(json, &gpu, err);
    if (r == 0) {
        *vec_push(&ledger->gpu_records) = gpu;
    }
    return r;
}

typedef int read_fn(struct ledger *ledger, const struct record *record, struct error *err);

static int load_typed(struct ledger *ledger, enum record_kind kind, read_fn *read,
                      struct error *err)
{
    CLEANUP(records_done) struct records records = {0};
    struct store *store = ledger->store;
    struct store_range range = {.kind = kind};
    int r = store->ops->load(store, &range, &records, err);
    for (vec_each(&records, record)) {
        if (r == 0 && read(ledger, record, err) != 0) {
            r = store->ops->damaged(store, kind, record->id, err);
        }
    }
    return r;
}

static int load_kept(struct ledger *ledger, struct error *err)
{
    int r = 0;
    for (enum record_kind kind = 0; kind < RECORD_KIND_COUNT; kind++) {
        struct store_range range = {.kind = kind};
        if (r == 0 && ledger_keeps(kind)) {
            r = ledger->store->ops->load(ledger->store, &range, &ledger->records[kind], err);
        }
    }
    return r;
}

static int find_last_event(struct ledger *ledger, struct error *err)
{
    CLEANUP(records_done) struct records records = {0};
    struct store_range range = {
        .kind = RECORD_EVENT, .backwards = true, .ids_only = true, .max = 1};
    int r = ledger->store->ops->load(ledger->store, &range, &records, err);
    for (vec_each(&records, record)) {
        (void)parse_u64(record->id, &ledger->last_event);
    }
    return r;
}

static void note_change(const struct batch *batch, void *data)
{
    (void)batch;
    struct ledger *ledger = data;
    ledger->changes++; /* on whichever thread that committed */
}

int ledger_open(struct store *store, struct ledger **ret_ledger, struct error *err)
{
    CLEANUP(ledger_freep) struct ledger *ledger = xcalloc(1, sizeof(*ledger));
    ledger->store = store;
    int r = load_typed(ledger, RECORD_CLAIM, read_claim, err);
    r = r != 0 ? r : load_typed(ledger, RECORD_GPU, read_gpu, err);
    r = r != 0 ? r : load_kept(ledger, err);
    r = r != 0 ? r : operation_log_load(store, &ledger->operations, err);
    r = r != 0 ? r : find_last_event(ledger, err);
    if (r == 0) {
        store->ops->watch(store, note_change, ledger);
        *ret_ledger = TAKE_PTR(ledger);
    }
    return r;
}

void ledger_free(struct ledger *ledger)
{
    if (ledger == NULL) {
        return;
    }
    ledger_end_aside(ledger);
    ledger->store->ops->watch(ledger->store, NULL, NULL);
    vec_done(&ledger->claims);
    vec_done(&ledger->gpu_records);
    for (size_t i = 0; i < RECORD_KIND_COUNT; i++) {
        records_done(&ledger->records[i]);
    }
    operation_log_done(&ledger->operations);
    free(ledger);
}

int ledger_work_aside(struct ledger *ledger, struct evloop *loop)
{
    int r = turns_open(&ledger->turns, loop);
    return r != 0 ? r : aside_new(loop, &ledger->aside);
}

void ledger_follow(struct ledger *ledger, evloop_fn *fn, void *data)
{
    ledger->followed = fn;
    ledger->followed_data = data;
}

void ledger_take_turn(struct ledger *ledger, evloop_fn *fn, void *data)
{
    turns_take(&ledger->turns, fn, data);
}

bool ledger_is_busy(const struct ledger *ledger)
{
    return !turns_are_free(&ledger->turns);
}

void ledger_end_aside(struct ledger *ledger)
{
    if (ledger != NULL) {
        aside_free(TAKE_PTR(ledger->aside)); /* what is called back may commit again */
        while (turns_give(&ledger->turns)) {
        }
        turns_done(&ledger->turns);
    }
}

void ledger_settle(const struct ledger *ledger)
{
    if (ledger != NULL) {
        aside_settle(ledger->aside);
    }
}

/* ---- what is in memory ---- */

size_t ledger_claim_place(const struct ledger *ledger, const char *name)
{
    const struct claims *claims = &ledger->claims;
    size_t low = 0;
    size_t high = claims->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(claims->items[middle].name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct claim *ledger_claim(const struct ledger *ledger, const char *name)
{
    size_t at = ledger_claim_place(ledger, name);
    struct claim *claim = at < ledger->claims.n ? &ledger->claims.items[at] : NULL;
    return claim != NULL && str_eq(claim->name, name) ? claim : NULL;
}

bool ledger_keeps(enum record_kind kind)
{
    return kind >= RECORD_HOST;
}

int ledger_records(const struct ledger *ledger, enum record_kind kind, json_t **ret_documents,
                   struct error *err)
{
    CLEANUP_JSON json_t *documents = json_object();
    for (vec_each(&ledger->records[kind], record)) {
        json_t *document = NULL;
        if (record_parse(record->text, &document, err) != 0) {
            return ledger->store->ops->damaged(ledger->store, kind, record->id, err);
        }
        json_object_set_new(documents, record->id, document);
    }
    *ret_documents = TAKE_PTR(documents);
    return 0;
}

/* ---- history ---- */

/* Does the operation say what its record's id says? What goes on with it relies on that. */
static int check_entry(const struct operation_entry *entry, const struct operation_view *view,
                       struct error *err)
{
    if (operation_state_is_over(view->state) != entry->over) {
        return error_set(err, REASON_INTERNAL, "store",
                         "its state is \"%s\", but its kind of record says that %s",
                         operation_state_name(view->state),
                         entry->over ? "it has ended" : "it has not ended");
    }
    if (view->kind != entry->kind) {
        return error_set(err, REASON_INTERNAL, "store", "its kind is \"%s\"",
                         operation_kind_id_name(view->kind));
    }
    return str_eq(view->id, entry->id)
               ? 0
               : error_set(err, REASON_INTERNAL, "store", "its id is \"%s\"", view->id);
}

int ledger_damaged(const struct ledger *ledger, const struct operation_entry *entry,
                   struct error *err)
{
    char id[OPERATION_RECORD_ID_SIZE];
    struct store *store = ledger->store;
    return store->ops->damaged(store, RECORD_OPERATION, operation_record_id(entry, id), err);
}

static int read_operation(const char *text, struct operation_view *ret_view, json_t **ret_body,
                          struct error *err)
{
    CLEANUP_JSON json_t *json = NULL;
    const json_t *body = NULL;
    int r = record_parse(text, &json, err);
    r = r != 0 ? r : operation_from_stored_json(json, ret_view, &body, err);
    *ret_body = r == 0 ? json_incref((json_t *)body) : NULL;
    return r;
}

int ledger_load_operation(const struct ledger *ledger, const struct operation_entry *entry,
                          struct operation_view *ret_view, json_t **ret_body, struct error *err)
{
    char id[OPERATION_RECORD_ID_SIZE];
    CLEANUP(records_done) struct records records = {0};
    CLEANUP_JSON json_t *body = NULL;
    struct store *store = ledger->store;
    ledger_settle(ledger);
    struct store_range one = {
        .kind = RECORD_OPERATION, .from = operation_record_id(entry, id), .max = 1};
    int r = store->ops->load(store, &one, &records, err);
    if (r != 0) {
        return r;
    }
    const char *text = records.n == 0 ? "" : records.items[0].text;
    if (read_operation(text, ret_view, &body, err) != 0 || check_entry(entry, ret_view, err) != 0) {
        return ledger_damaged(ledger, entry, err);
    }
    *ret_body = TAKE_PTR(body);
    return 0;
}

static int check_plan(const struct operation_entry *entry, const struct plan *plan,
                      struct error *err)
{
    struct operation_view view;
    plan_to_operation(plan, &view);
    return check_entry(entry, &view, err);
}

static int load_plan(const struct ledger *ledger, const struct operation_entry *entry,
                     struct plan **ret_plan, struct error *err)
{
    char from[STEP_RECORD_ID_SIZE];
    char to[STEP_RECORD_ID_SIZE];
    struct operation_view view;
    CLEANUP_JSON json_t *body = NULL;
    CLEANUP(records_done) struct records steps = {0};
    CLEANUP(plan_freep) struct plan *plan = NULL;
    struct store *store = ledger->store;
    step_record_range(entry, from, to);
    struct store_range all = {.kind = RECORD_STEP, .from = from, .to = to};
    int r = ledger_load_operation(ledger, entry, &view, &body, err);
    r = r != 0 ? r : store->ops->load(store, &all, &steps, err);
    if (r == 0 &&
        (body_to_plan(body, &steps, &plan, err) != 0 || check_plan(entry, plan, err) != 0)) {
        r = ledger_damaged(ledger, entry, err);
    }
    *ret_plan = r == 0 ? TAKE_PTR(plan) : NULL;
    return r;
}

int ledger_load_plan(const struct ledger *ledger, const char *id, struct plan **ret_plan,
                     struct error *err)
{
    const struct operation_entry *entry =
        operation_log_find(&ledger->operations, OPERATION_KIND_PLAN, id);
    *ret_plan = NULL;
    return entry == NULL ? 0 : load_plan(ledger, entry, ret_plan, err);
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

int ledger_load_plans(const struct ledger *ledger, size_t max, bool unfinished_only,
                      struct plan ***ret_plans, size_t *ret_n, struct error *err)
{
    CLEANUP(plan_list_done) struct plan_list plans = {0};
    const struct operation_entries *entries = &ledger->operations.kinds[OPERATION_KIND_PLAN];
    for (size_t i = entries->n; i > 0 && plans.n < max; i--) {
        const struct operation_entry *entry = &entries->items[i - 1];
        int r = 0;
        if (!entry->over || !unfinished_only) {
            r = load_plan(ledger, entry, vec_push(&plans), err);
        }
        if (r != 0) {
            return r;
        }
    }
    *ret_n = plans.n;
    *ret_plans = TAKE_PTR(plans.items);
    plans.n = 0;
    return 0;
}

const char *event_record_id(uint64_t seq, char out[EVENT_RECORD_ID_SIZE])
{
    (void)snprintf(out, EVENT_RECORD_ID_SIZE, "%020" PRIu64, seq);
    return out;
}

int ledger_load_events(const struct ledger *ledger, uint64_t after, size_t max,
                       struct event **ret_events, size_t *ret_n, struct error *err)
{
    const struct event_range range = {.after = after, .max = max};
    return ledger_load_event_range(ledger, &range, ret_events, ret_n, err);
}

int ledger_load_event_range(const struct ledger *ledger, const struct event_range *wanted,
                            struct event **ret_events, size_t *ret_n, struct error *err)
{
    char from[EVENT_RECORD_ID_SIZE];
    char to[EVENT_RECORD_ID_SIZE];
    CLEANUP(records_done) struct records records = {0};
    struct store *store = ledger->store;
    ledger_settle(ledger);
    event_record_id(wanted->after == UINT64_MAX ? wanted->after : wanted->after + 1, from);
    const struct store_range range = {.kind = RECORD_EVENT,
                                      .from = from,
                                      .to = wanted->before > 0 ? event_record_id(wanted->before, to)
                                                               : NULL,
                                      .backwards = wanted->newest,
                                      .max = wanted->max};
    VEC(struct event) events = {0};
    int r = store->ops->load(store, &range, &records, err);
    for (vec_each(&records, record)) {
        if (r == 0 && record_to_event(record->text, vec_push(&events), err) != 0) {
            r = store->ops->damaged(store, RECORD_EVENT, record->id, err);
        }
    }
    if (r != 0) {
        vec_done(&events);
        return r;
    }
    *ret_events = events.items;
    *ret_n = events.n;
    return 0;
}
