/* SPDX-License-Identifier: Apache-2.0 */
#include "state/txn.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "state/boot_record.h"
#include "state/made_record.h"
#include "state/notes.h"
#include "state/request_copy.h"
#include "state/state.h"

/* Lone events that came before it go along, so that they keep their order. */
void txn_begin(struct txn *txn, struct manager *m)
{
    *txn = (struct txn){.manager = m, .lone = m->lone_events};
    m->lone_events = (struct lone_events){0};
    draft_begin(&txn->draft, m->ledger);
    for (vec_each(&txn->lone, event)) {
        draft_put_event(&txn->draft, event);
    }
    if (txn->lone.n_lost > 0) {
        txn_event(txn, EVENT_EVENTS_LOST, "host", "",
                  "the store failed, and %llu events were not kept",
                  (unsigned long long)txn->lone.n_lost);
    }
}

void txn_put_claim(struct txn *txn, const struct claim *claim)
{
    draft_put_claim(&txn->draft, claim);
}

void txn_delete_claim(struct txn *txn, const char *name)
{
    if (draft_claim(&txn->draft, name) != NULL) {
        draft_delete_claim(&txn->draft, name);
    }
}

void txn_put_plan(struct txn *txn, const struct plan *plan)
{
    txn->noted_boot = boot_record_note(txn->manager, &txn->draft);
    txn->noted_made = made_record_mark(txn->manager, &txn->draft);
    draft_put_plan(&txn->draft, plan);
    plan_notes_add(&txn->plans, plan);
}

void txn_put_record(struct txn *txn, enum record_kind kind, const char *key, const json_t *document)
{
    draft_put_record(&txn->draft, kind, key, document);
}

PRINTF_ATTR(4, 0)
static struct event make_event(enum event_kind kind, const char *subject, const char *author,
                               const char *fmt, va_list args)
{
    struct event event = {.time_us = clock_realtime_us()};
    STR_SET(event.kind, event_kind_name(kind));
    STR_SET(event.subject, subject);
    STR_SET(event.author, author);
    (void)str_vprint(event.message, sizeof(event.message), fmt, args);
    return event;
}

void txn_event(struct txn *txn, enum event_kind kind, const char *subject, const char *author,
               const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    struct event event = make_event(kind, subject, author, fmt, args);
    va_end(args);
    draft_put_event(&txn->draft, &event);
}

/* What the store could not do, for as long as it can't; a refused change is none of it. */
static void note_store(struct manager *m, int result, const struct error *err)
{
    bool fails =
        result != 0 && (err->reason == REASON_UNAVAILABLE || err->reason == REASON_INTERNAL);
    if (fails && m->commit_problem.reason == REASON_NONE) {
        m->commit_failed_us = clock_monotonic_us();
    }
    if (fails || result == 0) {
        m->commit_problem = fails ? *err : (struct error){0};
    }
}

static void put_back(struct txn *txn);
static void plan_events(struct manager *m);

/* A transaction that has ended; `err` NULL: it is stored. */
static void note_end(struct txn *txn, const struct error *err)
{
    struct manager *m = txn->manager;
    note_store(m, err == NULL ? 0 : -(int)err->reason, err);
    if (err == NULL) {
        m->boot_unnoted = m->boot_unnoted && !txn->noted_boot;
        m->made_unmarked = m->made_unmarked && !txn->noted_made;
        backoff_reset(&m->events_backoff);
        if (m->lone_events.n > 0) {
            plan_events(m); /* they came while the store failed */
        }
    }
    plan_notes_end(&txn->plans, m, err == NULL);
}

int txn_commit(struct txn *txn, struct error *err)
{
    int r = draft_commit(&txn->draft, err);
    note_end(txn, r == 0 ? NULL : &txn->draft.err);
    if (r != 0) {
        put_back(txn);
    }
    vec_done(&txn->lone);
    return r;
}

void txn_drop(struct txn *txn)
{
    draft_drop(&txn->draft);
    plan_notes_end(&txn->plans, txn->manager, false);
    put_back(txn);
    vec_done(&txn->lone);
}

/* Until it has ended: what of the transaction is looked at then, and who follows. */
struct committing {
    struct txn txn;
    draft_done_fn *done;
    void *data;
};

static void committed(const struct error *err, void *data)
{
    CLEANUP_FREE struct committing *c = data;
    note_end(&c->txn, err);
    if (err != NULL) {
        put_back(&c->txn);
    }
    vec_done(&c->txn.lone);
    c->done(err, c->data);
}

void txn_commit_then(struct txn *txn, draft_done_fn *done, void *data)
{
    struct committing *c = xcalloc(1, sizeof(*c));
    *c = (struct committing){.txn = *txn, .done = done, .data = data};
    draft_commit_then(&txn->draft, committed, c);
}

void txn_follow_ledger(void *data)
{
    struct manager *m = data;
    m->claims = m->ledger->claims;
    m->gpu_records = m->ledger->gpu_records;
    for (size_t i = 0; feed_is_on(m->service.feed) && i < m->ledger->n_new_events; i++) {
        CLEANUP_JSON json_t *event = event_to_json(&m->ledger->new_events[i]);
        feed_add_event(m->service.feed, event);
    }
    feed_touch(m->service.feed);
}

/* ---- requests ---- */

struct late_request {
    struct manager *manager;
    verb_fn *fn;
    struct request_copy copy;
};

static void call_late(void *data)
{
    CLEANUP_FREE struct late_request *late = data;
    late->fn(late->manager, &late->copy.request);
    request_copy_done(&late->copy);
}

bool txn_call_in_turn(struct manager *m, verb_fn *fn, const struct request *request)
{
    struct error err = {0};
    if (!ledger_is_busy(m->ledger)) {
        return false;
    }
    if (notes_check_store(m, &err) != 0) {
        request_refuse(request, &err);
        return true;
    }
    struct late_request *late = xcalloc(1, sizeof(*late));
    late->manager = m;
    late->fn = fn;
    request_copy_init(&late->copy, request);
    ledger_take_turn(m->ledger, call_late, late);
    return true;
}

/* ---- lone events ---- */

/* So many are kept in memory while the store fails. */
#define MAX_LONE_EVENTS 1000
#define EVENTS_RETRY_US 100000
#define EVENTS_RETRY_MAX_US 60000000

static void add_lone(struct lone_events *events, const struct event *event)
{
    if (events->n < MAX_LONE_EVENTS) {
        *vec_push(events) = *event;
    } else {
        events->n_lost++;
        log_warning("event %s of %s is lost: %s", event->kind, event->subject, event->message);
    }
}

/* Keeps the lone events of a transaction that failed, before those that came meanwhile. */
static void keep_events(struct txn *txn)
{
    struct manager *m = txn->manager;
    struct lone_events newer = m->lone_events;
    m->lone_events = txn->lone;
    txn->lone = (struct lone_events){0};
    for (vec_each(&newer, event)) {
        add_lone(&m->lone_events, event);
    }
    m->lone_events.n_lost += newer.n_lost;
    vec_done(&newer);
}

static void events_are_due(void *data);

static void retry_events(struct manager *m)
{
    if (m->events_timer == NULL) {
        (void)evloop_timer_new(m->config.loop, events_are_due, m, &m->events_timer);
    }
    if (m->events_timer != NULL) {
        (void)evloop_timer_set(m->events_timer, backoff_take(&m->events_backoff, EVENTS_RETRY_US,
                                                             EVENTS_RETRY_MAX_US));
    }
}

/* At the end there is no later any more. */
static void drop_events(struct txn *txn, const struct error *err)
{
    for (vec_each(&txn->lone, event)) {
        log_warning("event %s of %s can't be stored: %s", event->kind, event->subject,
                    err->message);
    }
    vec_done(&txn->lone);
}

static void events_stored(const struct error *err, void *data)
{
    CLEANUP_FREE struct txn *txn = data;
    struct manager *m = txn->manager;
    note_end(txn, err);
    if (err == NULL) {
        vec_done(&txn->lone);
    } else if (m->finished) {
        drop_events(txn, err);
    } else {
        keep_events(txn);
        retry_events(m);
    }
}

/* In the ledger's turn: all that came so far, while the loop turns. */
static void put_events(void *data)
{
    struct manager *m = data;
    if (m->lone_events.n == 0) {
        return; /* another transaction took them along */
    }
    struct txn txn;
    txn_begin(&txn, m);
    struct txn *kept = xcalloc(1, sizeof(*kept));
    *kept = txn;
    draft_commit_then(&txn.draft, events_stored, kept);
}

static void events_are_due(void *data)
{
    struct manager *m = data;
    m->events_due = false;
    if (m->lone_events.n > 0) {
        ledger_take_turn(m->ledger, put_events, m);
    }
}

/* What happens in the same turn of the loop goes along, or goes first. While the store fails they
 * wait for the timer, or for a transaction that takes them along. */
static void plan_events(struct manager *m)
{
    if (m->finished) {
        events_are_due(m);
    } else if (!m->events_due && m->events_backoff.next_us == 0) {
        m->events_due = true;
        evloop_post(m->config.loop, events_are_due, m);
    }
}

/* Keeps the lone events of a transaction that failed, for the next one. */
static void put_back(struct txn *txn)
{
    keep_events(txn);
    plan_events(txn->manager);
}

void txn_finish_events(struct manager *m)
{
    events_are_due(m);
}

void txn_free_events(struct manager *m)
{
    evloop_timer_free(m->events_timer);
    m->events_timer = NULL;
    vec_done(&m->lone_events);
}

void txn_event_alone(struct manager *m, enum event_kind kind, const char *subject,
                     const char *author, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    struct event event = make_event(kind, subject, author, fmt, args);
    va_end(args);
    add_lone(&m->lone_events, &event);
    plan_events(m);
}
