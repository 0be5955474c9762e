/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where claims, plans (the journal) and events live. Narrow: documents with versions, one
 * transaction at a time. Implementations: store/sqlite, later etcd.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <jansson.h>

#include "base/error.h"
#include "model/claim.h"
#include "model/event.h"
#include "model/plan.h"

struct store;

/* Small documents that outlive a restart, next to claims, plans and events. Names are stored and
 * never change. */
enum record_kind {
    RECORD_GPU,       /* "gpu": what was decided about a GPU beyond claims; key UUID or address */
    RECORD_MIGRATION, /* "migration": one move of a VM, going out or coming in; key its id */
    RECORD_DRAIN,     /* "drain": the emptying of this host */
    RECORD_HOST,      /* "host": facts about this host, such as the boot that was seen last */
    RECORD_MADE,      /* "made": a vGPU or GPU instance that cleave made; key of model/made.h */
    RECORD_RELEASED,  /* "released": a claim that was released because its VM was gone; key its
                         name */
    RECORD_KIND_COUNT
};
WORDS_DECLARE(record_kind, record_kind_words)

/* All mandatory; loop thread only. Everything between begin and commit is atomic and durable at
 * commit; a commit that fails has rolled back, after a begin that fails roll back, too. A put
 * outside a transaction is its own. */
struct store_ops {
    int (*begin)(struct store *store, struct error *err);
    int (*commit)(struct store *store, struct error *err);
    void (*rollback)(struct store *store);
    /* Inserts (claim->version 0) or replaces; -CONFLICT if the stored version is not
     * claim->version. On success claim->version is the new one. */
    int (*put_claim)(struct store *store, struct claim *claim, struct error *err);
    int (*delete_claim)(struct store *store, const char *name, struct error *err);
    /* All claims, by name. */
    int (*load_claims)(struct store *store, struct claims *ret_claims, struct error *err);
    /* Inserts or replaces a plan with all its steps. */
    int (*put_plan)(struct store *store, const struct plan *plan, struct error *err);
    /* Replaces one step (its state, problem, read-back values). */
    int (*put_step)(struct store *store, const char *plan_id, size_t index, const struct step *step,
                    struct error *err);
    /* NULL plan and 0 when there is none. Caller frees. */
    int (*load_plan)(struct store *store, const char *id, struct plan **ret_plan,
                     struct error *err);
    /* Newest first, at most max; unfinished_only: those that are running or undoing. */
    int (*load_plans)(struct store *store, size_t max, bool unfinished_only,
                      struct plan ***ret_plans, size_t *ret_n, struct error *err);
    /* Appends; sets event->seq. */
    int (*put_event)(struct store *store, struct event *event, struct error *err);
    /* Events with seq > after, oldest first, at most max. Caller frees *ret_events. */
    int (*load_events)(struct store *store, uint64_t after, size_t max, struct event **ret_events,
                       size_t *ret_n, struct error *err);
    /* Inserts or replaces. The document is copied. */
    int (*put_record)(struct store *store, enum record_kind kind, const char *key,
                      const json_t *document, struct error *err);
    /* One that isn't there is gone already: no error. */
    int (*delete_record)(struct store *store, enum record_kind kind, const char *key,
                         struct error *err);
    /* An object of all documents of that kind by key, in the order of keys. Caller decrefs. */
    int (*load_records)(struct store *store, enum record_kind kind, json_t **ret_documents,
                        struct error *err);
    /* Another number after each change; maybe after some that were rolled back, too. */
    uint64_t (*changes)(struct store *store);
    void (*free)(struct store *store);
};

struct store {
    const struct store_ops *ops;
};

/* Since when a call has been under way that waits for the disk, of any store of this process,
 * monotonic; 0: none is. Any thread. */
uint64_t store_busy_since(void);

#endif
