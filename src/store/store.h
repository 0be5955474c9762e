/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where everything lives that outlives a restart: records of (kind, id, version, JSON text). One
 * change is a batch: versions are compared, then all of it is written, or none. So it is in etcd
 * (one transaction of compares and puts), in SQLite and in memory.
 *
 * The ledger (src/ledger) is the only caller; it knows what the texts say.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stddef.h>

#include "base/error.h"
#include "store/batch.h"
#include "store/record.h"

struct store;

/* Records of one kind whose ids are in [from, to), in the order of ids. */
struct store_range {
    enum record_kind kind;
    const char *from, *to; /* NULL: from the first, to the last */
    bool backwards;        /* the last first */
    bool ids_only;         /* without their texts (NULL) */
    size_t max;            /* 0: all */
};

/* The batch is stored; borrowed for the call. */
typedef void store_changed_fn(const struct batch *batch, void *data);

/* All mandatory. One thread at a time. */
struct store_ops {
    /* Adds what is stored to *ret_records, which the caller frees with records_done() in any case.
     * -UNAVAILABLE. */
    int (*load)(struct store *store, const struct store_range *range, struct records *ret_records,
                struct error *err);
    /* Durable on success; on failure nothing of it is stored. -CONFLICT: a record has another
     * version than the batch expects; -UNAVAILABLE. */
    int (*commit)(struct store *store, const struct batch *batch, struct error *err);
    /* Called within each commit that succeeds; one watcher, which replaces an earlier one. */
    void (*watch)(struct store *store, store_changed_fn *fn, void *data);
    /* Makes an error (why one record can't be read) one that names the record, where it is, and
     * what to do. Returns its negative reason. */
    int (*damaged)(struct store *store, enum record_kind kind, const char *id, struct error *err);
    void (*free)(struct store *store);
};

struct store {
    const struct store_ops *ops;
    const struct error *problem; /* of a disk that can't be written to: the store was opened, and
                                    commits fail until it can; NULL: none. For who opened it */
};

/* Since when a call has been under way that waits for the disk, of any store of this process,
 * monotonic; 0: none is. Any thread. */
uint64_t store_busy_since(void);

#endif
