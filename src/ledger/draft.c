/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/draft.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "ledger/later.h"
#include "ledger/record_json.h"
#include "model/operation_views.h"

#define EVENTS_KEPT 100000

void draft_begin(struct draft *draft, struct ledger *ledger)
{
    ledger_settle(ledger);
    *draft = (struct draft){.ledger = ledger, .open = true};
    ledger->turns.drafts++;
}

/* Ends a draft that is made, or given up: those who wait for the ledger may come. */
static void close_draft(struct draft *draft)
{
    if (draft->open) {
        draft->open = false;
        draft->ledger->turns.drafts--;
        turns_go_on(&draft->ledger->turns);
    }
}

void draft_drop(struct draft *draft)
{
    close_draft(draft);
    batch_done(&draft->batch);
    vec_done(&draft->claims);
    vec_done(&draft->gpu_records);
    operation_log_done(&draft->operations);
    vec_done(&draft->forgotten);
    vec_done(&draft->events);
}

/* ---- claims ---- */

static struct draft_claim *find_claim(const struct draft *draft, const char *name)
{
    if (batch_find(&draft->batch, RECORD_CLAIM, name) == NULL) {
        return NULL;
    }
    for (vec_each(&draft->claims, touched)) {
        if (str_eq(touched->claim.name, name)) {
            return touched;
        }
    }
    return NULL;
}

const struct claim *draft_claim(const struct draft *draft, const char *name)
{
    const struct draft_claim *touched = find_claim(draft, name);
    if (touched != NULL) {
        return touched->gone ? NULL : &touched->claim;
    }
    return ledger_claim(draft->ledger, name);
}

static struct draft_claim *touch_claim(struct draft *draft, const char *name)
{
    struct draft_claim *touched = find_claim(draft, name);
    return touched != NULL ? touched : vec_push(&draft->claims);
}

static uint64_t stored_version(const struct draft *draft, const char *name)
{
    const struct claim *stored = ledger_claim(draft->ledger, name);
    return stored == NULL ? 0 : stored->version;
}

void draft_put_claim(struct draft *draft, const struct claim *claim)
{
    uint64_t version = stored_version(draft, claim->name);
    struct claim next = *claim;
    next.version = version + 1;
    *touch_claim(draft, next.name) = (struct draft_claim){.claim = next};
    batch_put(&draft->batch, RECORD_CLAIM, next.name, record_text(claim_to_stored_json(&next)),
              version);
}

void draft_delete_claim(struct draft *draft, const char *name)
{
    struct draft_claim gone = {.gone = true};
    STR_SET(gone.claim.name, name);
    *touch_claim(draft, gone.claim.name) = gone;
    batch_delete(&draft->batch, RECORD_CLAIM, gone.claim.name,
                 stored_version(draft, gone.claim.name));
}

/* ---- GPUs ---- */

const struct gpu_records *draft_gpu_records(const struct draft *draft)
{
    return draft->has_gpu_records ? &draft->gpu_records : &draft->ledger->gpu_records;
}

void draft_put_gpu_record(struct draft *draft, const struct gpu_record *record)
{
    if (!draft->has_gpu_records) {
        vec_own(&draft->gpu_records, &draft->ledger->gpu_records);
        draft->has_gpu_records = true;
    }
    char key[GPU_UUID_SIZE];
    gpu_record_key(record, key);
    struct gpu_record *place = NULL;
    for (vec_each(&draft->gpu_records, other)) {
        char was[GPU_UUID_SIZE];
        gpu_record_key(other, was);
        bool same = str_eq(was, key);
        /* The driver reported the UUID meanwhile. */
        bool grown = !same && other->uuid[0] == '\0' && record->uuid[0] != '\0' &&
                     pci_addr_cmp(&other->addr, &record->addr) == 0;
        if (grown) {
            batch_delete(&draft->batch, RECORD_GPU, was, VERSION_ANY);
        }
        place = same || grown ? other : place;
    }
    batch_put(&draft->batch, RECORD_GPU, key, record_text(gpu_record_to_json(record)), VERSION_ANY);
    place = place == NULL ? vec_push(&draft->gpu_records) : place;
    *place = *record;
}

/* ---- small records ---- */

void draft_put_record(struct draft *draft, enum record_kind kind, const char *id,
                      const json_t *document)
{
    batch_put(&draft->batch, kind, id, json_text(document), VERSION_ANY);
}

void draft_delete_record(struct draft *draft, enum record_kind kind, const char *id)
{
    batch_delete(&draft->batch, kind, id, VERSION_ANY);
}

const char *draft_record(const struct draft *draft, enum record_kind kind, const char *id)
{
    const struct batch_op *op = batch_find(&draft->batch, kind, id);
    if (op != NULL) {
        return op->text;
    }
    const struct record *record = records_find(&draft->ledger->records[kind], id);
    return record == NULL ? NULL : record->text;
}

void draft_list_records(const struct draft *draft, enum record_kind kind, struct strlist *ret_ids)
{
    const struct records *stored = &draft->ledger->records[kind];
    for (vec_each(stored, record)) {
        if (draft_record(draft, kind, record->id) != NULL) {
            *vec_push(ret_ids) = xstrdup(record->id);
        }
    }
    for (vec_each(&draft->batch, op)) {
        if (op->kind == kind && op->text != NULL && records_find(stored, op->id) == NULL) {
            *vec_push(ret_ids) = xstrdup(op->id);
        }
    }
}

/* ---- operations and events ---- */

/* The entry of one that is stored, will be, or may be; NULL: it is new. */
static const struct operation_entry *find_operation(const struct draft *draft,
                                                    enum operation_kind_id kind, const char *id)
{
    const struct operation_log *log = &draft->ledger->operations;
    const struct operation_entry *entry = operation_log_find(&draft->operations, kind, id);
    entry = entry != NULL ? entry : operation_log_find(log, kind, id);
    bool tried = str_eq(log->tried[kind].id, id);
    return entry == NULL && tried ? &log->tried[kind] : entry;
}

static void forget(struct draft *draft, const struct operation_entry *entry)
{
    char id[OPERATION_RECORD_ID_SIZE];
    char from[STEP_RECORD_ID_SIZE];
    char to[STEP_RECORD_ID_SIZE];
    batch_delete(&draft->batch, RECORD_OPERATION, operation_record_id(entry, id), VERSION_ANY);
    if (entry->kind == OPERATION_KIND_PLAN) {
        step_record_range(entry, from, to);
        batch_delete_range(&draft->batch, RECORD_STEP, from, to);
    }
    *vec_push(&draft->forgotten) = *entry;
}

/* Forgets the oldest that are over, those that the draft puts not among them. */
static void trim(struct draft *draft, enum operation_kind_id kind)
{
    const struct operation_entries *stored = &draft->ledger->operations.kinds[kind];
    size_t over = 0;
    for (vec_each(&draft->operations.kinds[kind], entry)) {
        over += entry->over;
    }
    for (size_t i = stored->n; i > 0; i--) {
        const struct operation_entry *entry = &stored->items[i - 1];
        if (entry->over && operation_log_find(&draft->operations, kind, entry->id) == NULL) {
            over++;
            if (over > operation_limits[kind].stored) {
                forget(draft, entry);
            }
        }
    }
}

void draft_put_operation(struct draft *draft, const struct operation_view *view, const json_t *body)
{
    char id[OPERATION_RECORD_ID_SIZE];
    const struct operation_entry *known = find_operation(draft, view->kind, view->id);
    struct operation_entry entry =
        known != NULL ? *known
                      : operation_log_next(&draft->ledger->operations, view->kind, view->id);
    bool over = operation_state_is_over(view->state);
    if (known != NULL && entry.over != over) {
        batch_delete(&draft->batch, RECORD_OPERATION, operation_record_id(&entry, id), VERSION_ANY);
    }
    entry.over = over;
    batch_put(&draft->batch, RECORD_OPERATION, operation_record_id(&entry, id),
              record_text(operation_to_stored_json(view, body)), VERSION_ANY);
    (void)operation_log_put(&draft->operations, &entry);
    if (entry.over) {
        trim(draft, entry.kind);
    }
}

void draft_put_plan(struct draft *draft, const struct plan *plan)
{
    char from[STEP_RECORD_ID_SIZE];
    char to[STEP_RECORD_ID_SIZE];
    struct operation_view view;
    CLEANUP_JSON json_t *body = plan_to_body(plan);
    plan_to_operation(plan, &view);
    draft_put_operation(draft, &view, body);
    const struct operation_entry *entry =
        operation_log_find(&draft->operations, OPERATION_KIND_PLAN, plan->id);
    step_record_range(entry, from, to);
    batch_delete_range(&draft->batch, RECORD_STEP, step_record_id(entry, plan->steps.n, from), to);
    for (size_t i = 0; i < plan->steps.n; i++) {
        draft_put_step(draft, plan->id, i, &plan->steps.items[i]);
    }
}

void draft_put_step(struct draft *draft, const char *plan_id, size_t index, const struct step *step)
{
    char id[STEP_RECORD_ID_SIZE];
    const struct operation_entry *entry = find_operation(draft, OPERATION_KIND_PLAN, plan_id);
    if (entry == NULL) {
        draft->result =
            error_set(&draft->err, REASON_NOT_FOUND, plan_id, "there is no plan %s", plan_id);
        return;
    }
    batch_put(&draft->batch, RECORD_STEP, step_record_id(entry, index, id),
              record_text(step_to_json(step)), VERSION_ANY);
}

void draft_put_event(struct draft *draft, const struct event *event)
{
    *vec_push(&draft->events) = *event;
}

/* ---- the end ---- */

/* Other drafts may have been stored since this one was begun. */
static void number_events(struct draft *draft)
{
    uint64_t seq = draft->ledger->last_event;
    for (vec_each(&draft->events, event)) {
        char id[EVENT_RECORD_ID_SIZE];
        event->seq = ++seq;
        batch_put(&draft->batch, RECORD_EVENT, event_record_id(seq, id),
                  record_text(event_to_stored_json(event)), VERSION_ANY);
        if (seq > EVENTS_KEPT) {
            batch_delete(&draft->batch, RECORD_EVENT, event_record_id(seq - EVENTS_KEPT, id),
                         VERSION_ANY);
        }
    }
}

/* Keeps the order of names. */
static void take_claim(struct ledger *ledger, const struct draft_claim *touched)
{
    struct claims *claims = &ledger->claims;
    struct claim *place = ledger_claim(ledger, touched->claim.name);
    if (touched->gone && place != NULL) {
        vec_remove(claims, (size_t)(place - claims->items));
    }
    if (touched->gone) {
        return;
    }
    if (place == NULL) {
        size_t at = ledger_claim_place(ledger, touched->claim.name);
        (void)vec_push(claims);
        place = &claims->items[at];
        memmove(place + 1, place, (claims->n - 1 - at) * sizeof(*place));
    }
    *place = touched->claim;
}

static void take_operations(struct draft *draft)
{
    struct operation_log *log = &draft->ledger->operations;
    for (vec_each(&draft->forgotten, entry)) {
        operation_log_drop(log, entry);
    }
    for (size_t kind = 0; kind < OPERATION_KIND_COUNT; kind++) {
        for (vec_each(&draft->operations.kinds[kind], entry)) {
            (void)operation_log_put(log, entry);
        }
    }
}

/* All of it is stored: the ledger follows. */
static void take(struct draft *draft)
{
    struct ledger *ledger = draft->ledger;
    for (vec_each(&draft->claims, touched)) {
        take_claim(ledger, touched);
    }
    bool of_gpus = draft->has_gpu_records;
    if (of_gpus) {
        vec_done(&ledger->gpu_records);
        ledger->gpu_records = draft->gpu_records;
        draft->gpu_records = (struct gpu_records){0};
    }
    take_operations(draft);
    for (vec_each(&draft->batch, op)) {
        if (ledger_keeps(op->kind) && op->text != NULL) {
            records_put(&ledger->records[op->kind], op->id, op->text);
        } else if (ledger_keeps(op->kind)) {
            records_remove(&ledger->records[op->kind], op->id);
        }
    }
    ledger->last_event += draft->events.n;
    ledger->changes++; /* once more: who looked in between saw what was before */
    ledger->facts += draft->claims.n > 0 || of_gpus;
    ledger->new_events = draft->events.items;
    ledger->n_new_events = draft->events.n;
    if (ledger->followed != NULL) {
        ledger->followed(ledger->followed_data);
    }
    ledger->new_events = NULL;
    ledger->n_new_events = 0;
}

int draft_commit(struct draft *draft, struct error *err)
{
    struct store *store = draft->ledger->store;
    ledger_settle(draft->ledger);
    if (draft->result == 0) {
        number_events(draft);
        draft->result = store->ops->commit(store, &draft->batch, &draft->err);
    }
    if (draft->result == 0) {
        take(draft);
    } else if (err != NULL) {
        *err = draft->err;
    }
    draft_drop(draft);
    return draft->result;
}

/* ---- while the loop turns ---- */

struct committing {
    struct draft draft;
    draft_done_fn *done;
    void *data;
};

/* On the ledger's thread. */
static void commit_work(void *data)
{
    struct committing *c = data;
    struct store *store = c->draft.ledger->store;
    c->draft.result = store->ops->commit(store, &c->draft.batch, &c->draft.err);
}

static void commit_ended(void *data)
{
    struct committing *c = data;
    if (c->draft.result == 0) {
        take(&c->draft);
    }
    draft_drop(&c->draft);
}

static void commit_done(void *data)
{
    CLEANUP_FREE struct committing *c = data;
    c->done(c->draft.result == 0 ? NULL : &c->draft.err, c->data);
}

/* Without a thread, or with nothing to store. */
static void commit_at_once(struct draft *draft, draft_done_fn *done, void *data)
{
    int r = draft_commit(draft, NULL);
    done(r == 0 ? NULL : &draft->err, data);
}

void draft_commit_then(struct draft *draft, draft_done_fn *done, void *data)
{
    struct ledger *ledger = draft->ledger;
    if (ledger->aside == NULL || draft->result != 0) {
        commit_at_once(draft, done, data);
        return;
    }
    (void)later_settle(ledger); /* out of turn: what follows the one before comes first */
    number_events(draft);
    struct committing *c = xcalloc(1, sizeof(*c));
    ledger->turns.storing = true;
    close_draft(draft);
    *c = (struct committing){.draft = *draft, .done = done, .data = data};
    const struct later_call call = {
        .work = commit_work, .ended = commit_ended, .done = commit_done, .data = c};
    later_begin(ledger, &call);
}

void drafts_finish(struct ledger *ledger)
{
    if (ledger == NULL) {
        return;
    }
    while (later_settle(ledger) || turns_give(&ledger->turns)) {
    }
}

/* ---- drafts of one change ---- */

int draft_store_plan(struct ledger *ledger, const struct plan *plan, struct error *err)
{
    struct draft draft;
    draft_begin(&draft, ledger);
    draft_put_plan(&draft, plan);
    return draft_commit(&draft, err);
}

int draft_store_event(struct ledger *ledger, const struct event *event, struct error *err)
{
    struct draft draft;
    draft_begin(&draft, ledger);
    draft_put_event(&draft, event);
    return draft_commit(&draft, err);
}

int draft_store_record(struct ledger *ledger, enum record_kind kind, const char *id,
                       const json_t *document, struct error *err)
{
    struct draft draft;
    draft_begin(&draft, ledger);
    if (document != NULL) {
        draft_put_record(&draft, kind, id, document);
    } else {
        draft_delete_record(&draft, kind, id);
    }
    return draft_commit(&draft, err);
}
