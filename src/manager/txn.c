/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "manager/boot_record.h"
#include "manager/state.h"

static struct store *store_of(const struct txn *txn)
{
    return txn->manager->config.store;
}

void txn_begin(struct txn *txn, struct manager *m)
{
    *txn = (struct txn){.manager = m};
    for (vec_each(&m->claims, claim)) {
        *vec_push(&txn->claims) = *claim;
    }
    for (vec_each(&m->gpu_records, record)) {
        *vec_push(&txn->gpu_records) = *record;
    }
    txn->result = store_of(txn)->ops->begin(store_of(txn), &txn->err);
}

/* Keeps the order of names. */
static struct claim *insert(struct claims *claims, const char *name)
{
    (void)vec_push(claims);
    size_t at = claims->n - 1;
    for (; at > 0 && strcmp(claims->items[at - 1].name, name) > 0; at--) {
        claims->items[at] = claims->items[at - 1];
    }
    return &claims->items[at];
}

void txn_put_claim(struct txn *txn, const struct claim *claim)
{
    if (txn->result != 0) {
        return;
    }
    struct claim *place = claims_find(&txn->claims, claim->name);
    struct claim next = *claim;
    next.version = place == NULL ? 0 : place->version;
    txn->result = store_of(txn)->ops->put_claim(store_of(txn), &next, &txn->err);
    if (txn->result == 0) {
        place = place == NULL ? insert(&txn->claims, claim->name) : place;
        *place = next;
    }
}

void txn_delete_claim(struct txn *txn, const char *name)
{
    struct claim *place = claims_find(&txn->claims, name);
    if (txn->result != 0 || place == NULL) {
        return;
    }
    txn->result = store_of(txn)->ops->delete_claim(store_of(txn), name, &txn->err);
    if (txn->result == 0) {
        vec_remove(&txn->claims, (size_t)(place - txn->claims.items));
    }
}

void txn_put_plan(struct txn *txn, const struct plan *plan)
{
    txn_record_boot(txn);
    txn_mark_made(txn);
    if (txn->result == 0) {
        txn->result = store_of(txn)->ops->put_plan(store_of(txn), plan, &txn->err);
    }
}

void txn_put_record(struct txn *txn, enum record_kind kind, const char *key, const json_t *document)
{
    if (txn->result == 0) {
        txn->result = store_of(txn)->ops->put_record(store_of(txn), kind, key, document, &txn->err);
    }
}

PRINTF_ATTR(4, 0)
static struct event make_event(const char *kind, const char *subject, const char *author,
                               const char *fmt, va_list args)
{
    struct event event = {.time_us = clock_realtime_us()};
    STR_SET(event.kind, kind);
    STR_SET(event.subject, subject);
    STR_SET(event.author, author);
    (void)str_vprint(event.message, sizeof(event.message), fmt, args);
    return event;
}

void txn_event(struct txn *txn, const char *kind, const char *subject, const char *author,
               const char *fmt, ...)
{
    if (txn->result != 0) {
        return;
    }
    va_list args;
    va_start(args, fmt);
    struct event event = make_event(kind, subject, author, fmt, args);
    va_end(args);
    txn->result = store_of(txn)->ops->put_event(store_of(txn), &event, &txn->err);
}

/* What the store could not do, for as long as it can't; a refused change is none of it. */
static void note_store(struct manager *m, const struct txn *txn)
{
    bool fails = txn->result != 0 &&
                 (txn->err.reason == REASON_UNAVAILABLE || txn->err.reason == REASON_INTERNAL);
    if (fails && m->commit_problem.reason == REASON_NONE) {
        m->commit_failed_us = clock_monotonic_us();
    }
    if (fails || txn->result == 0) {
        m->commit_problem = fails ? txn->err : (struct error){0};
    }
}

int txn_commit(struct txn *txn, struct error *err)
{
    struct manager *m = txn->manager;
    if (txn->result == 0) {
        txn->result = store_of(txn)->ops->commit(store_of(txn), &txn->err);
    } else {
        store_of(txn)->ops->rollback(store_of(txn));
    }
    note_store(m, txn);
    if (txn->result == 0) {
        vec_done(&m->claims);
        m->claims = txn->claims;
        vec_done(&m->gpu_records);
        m->gpu_records = txn->gpu_records;
        m->boot_unnoted = m->boot_unnoted && !txn->noted_boot;
        m->made_unmarked = m->made_unmarked && !txn->noted_made;
        return 0;
    }
    vec_done(&txn->claims);
    vec_done(&txn->gpu_records);
    if (err != NULL) {
        *err = txn->err;
    }
    return txn->result;
}

void manager_event(struct manager *m, const char *kind, const char *subject, const char *author,
                   const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    struct event event = make_event(kind, subject, author, fmt, args);
    va_end(args);
    struct error err = {0};
    if (m->config.store->ops->put_event(m->config.store, &event, &err) != 0) {
        log_warning("event %s of %s: %s", kind, subject, err.message);
    }
}
