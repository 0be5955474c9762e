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
    STMT_ROLLBACK,
    STMT_CLAIM_INSERT,
    STMT_CLAIM_UPDATE,
    STMT_CLAIM_DELETE,
    STMT_CLAIM_LIST,
    STMT_PLAN_PUT,
    STMT_PLAN_PRUNE,
    STMT_PLAN_GET,
    STMT_PLAN_LIST,
    STMT_PLAN_LIST_UNFINISHED,
    STMT_STEP_PUT,
    STMT_STEP_UPDATE,
    STMT_STEPS_DELETE,
    STMT_STEP_LIST,
    STMT_EVENT_PUT,
    STMT_EVENT_PRUNE,
    STMT_EVENT_LIST,
    STMT_RECORD_PUT,
    STMT_RECORD_DELETE,
    STMT_RECORD_LIST,
    STMT_COUNT
};

struct sqlite_store {
    struct store store;
    sqlite3 *db;
    bool in_transaction;
    char *path, *wal_path; /* NULL until it is open */
    dev_t dev;
    ino_t ino, wal_ino; /* 0: not seen yet */
    bool busy;          /* another process had it locked: the next try waits for nothing */
    sqlite3_stmt *stmts[STMT_COUNT];
};

extern const struct store_ops sqlite_ops;

/* Ends what is open; also of a store that was opened in part. */
void sqlite_rollback(struct store *store);
void sqlite_free(struct store *store);

#endif
