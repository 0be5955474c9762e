/* SPDX-License-Identifier: Apache-2.0 */
/* Prepared statements: their text, running one, and what went wrong. Private to src/store. */
#ifndef STORE_SQLITE_STMT_H
#define STORE_SQLITE_STMT_H

#include "store/sqlite_store.h"

/* How long a transaction waits for another process's lock; the loop stands still meanwhile. */
#define SQLITE_BUSY_MS 200

extern const char *const sqlite_stmt_sql[STMT_COUNT];

/* Turns SQLite's last error into ours. */
int sqlite_fail(const struct sqlite_store *s, struct error *err, const char *what);
/* Runs a statement that gives no rows. */
int sqlite_run(struct sqlite_store *s, sqlite3_stmt *stmt, struct error *err, const char *what);
void sqlite_bind_text(sqlite3_stmt *stmt, int index, const char *text);
void sqlite_stmt_resetp(sqlite3_stmt **stmt);
/* Gives a prepared statement back for its next use. */
#define CLEANUP_STMT CLEANUP(sqlite_stmt_resetp)

#endif
