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
#include "state/plan_run.h"
#include "state/state.h"

void txn_begin(struct txn *txn, struct manager *m)
{
    *txn = (struct txn){.manager = m};
    draft_begin(&txn->draft, m->ledger);
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

int txn_commit(struct txn *txn, struct error *err)
{
    struct manager *m = txn->manager;
    int r = draft_commit(&txn->draft, err);
    note_store(m, r, &txn->draft.err);
    if (r == 0) {
        manager_follow_ledger(m);
        m->boot_unnoted = m->boot_unnoted && !txn->noted_boot;
        m->made_unmarked = m->made_unmarked && !txn->noted_made;
    }
    plan_notes_end(&txn->plans, m, r == 0);
    return r;
}

void manager_follow_ledger(struct manager *m)
{
    m->claims = m->ledger->claims;
    m->gpu_records = m->ledger->gpu_records;
}

/* `data`: kind and subject. */
static void event_stored(const struct error *err, void *data)
{
    CLEANUP_FREE char *what = data;
    if (err != NULL) {
        log_warning("event %s: %s", what, err->message);
    }
}

void manager_event(struct manager *m, const char *kind, const char *subject, const char *author,
                   const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    struct event event = make_event(kind, subject, author, fmt, args);
    va_end(args);
    struct draft draft;
    draft_begin(&draft, m->ledger);
    draft_put_event(&draft, &event);
    draft_commit_later(&draft, event_stored, xasprintf("%s of %s", kind, subject));
}
