/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the SQLite store share. Private to src/store. */
#ifndef STORE_SQLITE_PRIVATE_H
#define STORE_SQLITE_PRIVATE_H

#include <sqlite3.h>
#include <sys/types.h>

#include "store/store.h"

#define DOCUMENT_TEXT(text) (const char *)(text)

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
extern const char *const sqlite_stmt_sql[STMT_COUNT];

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

/* Turns SQLite's last error into ours. */
int sqlite_fail(const struct sqlite_store *s, struct error *err, const char *what);
/* Runs a statement that gives no rows. */
int sqlite_run(struct sqlite_store *s, sqlite3_stmt *stmt, struct error *err, const char *what);
void sqlite_bind_text(sqlite3_stmt *stmt, int index, const char *text);
void sqlite_stmt_resetp(sqlite3_stmt **stmt);
/* Gives a prepared statement back for its next use. */
#define CLEANUP_STMT CLEANUP(sqlite_stmt_resetp)

/* Ends what is open; also of a store that was opened in part. */
void sqlite_rollback(struct store *store);
void sqlite_free(struct store *store);

/* busy.c: around what waits for the disk. */
void sqlite_busy_begin(void);
void sqlite_busy_end(void);
int sqlite_step(sqlite3_stmt *stmt);

/* sqlite_file.c */
/* Remembers which file it is. */
void sqlite_note_file(struct sqlite_store *s, const char *path);
/* -UNAVAILABLE when the file at its path is another one now, or gone. */
int sqlite_check_file(struct sqlite_store *s, struct error *err);
/* Turns what was wrong with a row's document into an error that names it, its file, and what to do.
 */
int sqlite_damaged(const struct sqlite_store *s, const char *table, const char *column,
                   const char *key, struct error *err);

/* How long a transaction waits for another process's lock; the loop stands still meanwhile. */
#define SQLITE_BUSY_MS 200

/* sqlite_record.c */
int sqlite_put_record(struct store *store, enum record_kind kind, const char *key,
                      const json_t *document, struct error *err);
int sqlite_delete_record(struct store *store, enum record_kind kind, const char *key,
                         struct error *err);
int sqlite_load_records(struct store *store, enum record_kind kind, json_t **ret_documents,
                        struct error *err);

#endif
