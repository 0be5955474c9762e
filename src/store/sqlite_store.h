/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store itself: its connection, prepared statements and file. Private to src/store. */
#ifndef STORE_SQLITE_STORE_H
#define STORE_SQLITE_STORE_H

#include <sqlite3.h>
#include <sys/types.h>

#include "store/store.h"

/* Statements are prepared once. */
enum stmt {
    STMT_BEGIN,
    STMT_COMMIT,
    STMT_RANGE,
    STMT_RANGE_BACKWARDS,
    STMT_VERSION,
    STMT_PUT,
    STMT_DELETE,
    STMT_DELETE_RANGE,
    STMT_COUNTED,  /* how many transactions there are */
    STMT_COUNT_UP, /* one more */
    STMT_COUNT
};

struct sqlite_store {
    struct store store;
    sqlite3 *db;
    char *path, *wal_path; /* NULL until it is open */
    dev_t dev;
    ino_t ino, wal_ino; /* 0: not seen yet */
    bool busy;          /* another process had it locked: the next try waits for nothing */
    char *count_path;   /* sqlite_count.h */
    int count_fd;       /* -1: not open */
    uint64_t counted;   /* transactions that are stored */
    /* Of one that was opened for reading only, and NULL else: tries to open it for writing, too. */
    int (*open_again)(struct sqlite_store *s, struct error *err);
    struct error problem; /* why it can't be written to */
    sqlite3_stmt *stmts[STMT_COUNT];
    store_changed_fn *changed; /* the watcher; NULL: none */
    void *data;
};

extern const struct store_ops sqlite_ops;

/* Ends what is open; also of a store that was opened in part. */
void sqlite_rollback(struct sqlite_store *s);
/* Closes the database. */
void sqlite_close(struct sqlite_store *s);
/* Frees a store; what is in the journal may stay there. */
void sqlite_discard(struct sqlite_store *s);

#endif
