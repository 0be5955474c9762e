/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's content in memory: claims, what is remembered of GPUs, small records by kind, which
 * operations there are. Filled once from the store, and changed only by drafts (ledger/draft.h),
 * once the store has them. The texts of operations, steps and events stay in the store, and are
 * read on request.
 *
 * Loop thread only. Others read the fields, and change none.
 */
#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H

#include <jansson.h>
#include <stdatomic.h>

#include "ledger/aside.h"
#include "ledger/operation_log.h"
#include "ledger/turns.h"
#include "model/claim.h"
#include "model/event.h"
#include "model/gpu_record.h"
#include "model/plan.h"
#include "store/store.h"

struct later;

struct ledger {
    struct store *store;  /* borrowed */
    struct claims claims; /* by name */
    struct gpu_records gpu_records;
    /* Small records by kind: RECORD_HOST and those behind it. */
    struct records records[RECORD_KIND_COUNT];
    struct operation_log operations;
    uint64_t last_event;            /* its number; 0: none is stored */
    const struct event *new_events; /* of the change that is being followed; else NULL */
    size_t n_new_events;
    _Atomic uint64_t changes; /* another number after each change */
    uint64_t facts;           /* likewise, of claims and what is remembered of GPUs */
    struct aside *aside;      /* commits while the loop turns; NULL: none does */
    struct later *under_way;  /* what it commits, until what follows was called; NULL: nothing */
    struct turns turns;       /* who waits to change something */
    evloop_fn *followed;      /* called once what is in memory has changed; NULL: nothing is */
    void *followed_data;
};

/* Reads all that is kept in memory. -UNAVAILABLE, or -INTERNAL for a record that can't be read. */
int ledger_open(struct store *store, struct ledger **ret_ledger, struct error *err);
/* Waits for the commit under way. */
void ledger_free(struct ledger *ledger);
DEFINE_FREEP(struct ledger *, ledger_free)

/* From now on draft_commit_then() commits on a thread of its own. 0 or -errno. */
int ledger_work_aside(struct ledger *ledger, struct evloop *loop);
/* `fn` is called on the loop after each change of what is in memory, before anything that waited
 * for that. One follower, which replaces an earlier one. */
void ledger_follow(struct ledger *ledger, evloop_fn *fn, void *data);
/* Calls `fn` when no change is being made or stored: before this returns if so now, else in its
 * turn. There a draft can be begun that waits for nothing. */
void ledger_take_turn(struct ledger *ledger, evloop_fn *fn, void *data);
/* A change that is begun now would wait for another one. */
bool ledger_is_busy(const struct ledger *ledger);
/* Ends that thread: waits for the commit under way, and returns once all that was committed there
 * has called back. Later commits are done by the caller. NULL: nothing. */
void ledger_end_aside(struct ledger *ledger);
/* Waits until the commit under way has ended, if there is one. Whatever reads the store, or begins
 * the next change, does that first: the store has one caller at a time. NULL: nothing. */
void ledger_settle(const struct ledger *ledger);

/* NULL: there is none. Valid until the next change. */
struct claim *ledger_claim(const struct ledger *ledger, const char *name);
/* Index of the first whose name is not before `name`. */
size_t ledger_claim_place(const struct ledger *ledger, const char *name);

/* Is it one of the small kinds, which the ledger has in memory as they are? */
bool ledger_keeps(enum record_kind kind);
/* An object of all records of such a kind by id, in the order of ids. Caller decrefs. -INTERNAL:
 * one of them can't be read. */
int ledger_records(const struct ledger *ledger, enum record_kind kind, json_t **ret_documents,
                   struct error *err);

/* ---- history: read from the store; on the loop, or in later_read() on the ledger's thread ---- */

/* An operation's record: what is shown of it, and its kind's document, which the caller decrefs.
 * -INTERNAL: it can't be read, or does not say what its id says. */
int ledger_load_operation(const struct ledger *ledger, const struct operation_entry *entry,
                          struct operation_view *ret_view, json_t **ret_body, struct error *err);
/* A kind's document contradicts the operation's record, or can't be read, for the reason in `err`:
 * names the record, as store->damaged() does. */
int ledger_damaged(const struct ledger *ledger, const struct operation_entry *entry,
                   struct error *err);
/* NULL and 0 when there is none. Caller frees. */
int ledger_load_plan(const struct ledger *ledger, const char *id, struct plan **ret_plan,
                     struct error *err);
/* Newest first, at most max; unfinished_only: those that are running or undoing. */
int ledger_load_plans(const struct ledger *ledger, size_t max, bool unfinished_only,
                      struct plan ***ret_plans, size_t *ret_n, struct error *err);
/* Events of one stretch of numbers. */
struct event_range {
    uint64_t after;  /* only greater numbers */
    uint64_t before; /* only smaller ones; 0: to the last */
    bool newest;     /* the last of them, and the newest first */
    size_t max;
};

/* Caller frees *ret_events. */
int ledger_load_event_range(const struct ledger *ledger, const struct event_range *range,
                            struct event **ret_events, size_t *ret_n, struct error *err);
/* Events with seq > after, oldest first, at most max. Caller frees *ret_events. */
int ledger_load_events(const struct ledger *ledger, uint64_t after, size_t max,
                       struct event **ret_events, size_t *ret_n, struct error *err);
#define EVENT_RECORD_ID_SIZE 24
const char *event_record_id(uint64_t seq, char out[EVENT_RECORD_ID_SIZE]);

#endif
