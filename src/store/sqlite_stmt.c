/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_stmt.h"

#include "store/busy.h"
#include "store/sqlite_file.h"

const char *const sqlite_stmt_sql[STMT_COUNT] = {
    [STMT_BEGIN] = "BEGIN IMMEDIATE",
    [STMT_COMMIT] = "COMMIT",
    [STMT_RANGE] = "SELECT id, version, document FROM records"
                   " WHERE kind = ?1 AND id >= ?2 AND id < ?3 ORDER BY id LIMIT ?4",
    [STMT_RANGE_BACKWARDS] = "SELECT id, version, document FROM records"
                             " WHERE kind = ?1 AND id >= ?2 AND id < ?3 ORDER BY id DESC LIMIT ?4",
    [STMT_VERSION] = "SELECT version FROM records WHERE kind = ?1 AND id = ?2",
    [STMT_PUT] = "INSERT INTO records (kind, id, version, document) VALUES (?1, ?2, 1, ?3)"
                 " ON CONFLICT (kind, id) DO UPDATE SET version = version + 1, document = ?3",
    [STMT_DELETE] = "DELETE FROM records WHERE kind = ?1 AND id = ?2",
    [STMT_DELETE_RANGE] = "DELETE FROM records WHERE kind = ?1 AND id >= ?2 AND id < ?3",
    [STMT_COUNTED] = "SELECT version FROM records WHERE kind = 'store' AND id = 'transactions'",
    [STMT_COUNT_UP] = "INSERT INTO records (kind, id, version, document)"
                      " VALUES ('store', 'transactions', 1, '{}')"
                      " ON CONFLICT (kind, id) DO UPDATE SET version = version + 1",
};

int sqlite_fail(const struct sqlite_store *s, struct error *err, const char *what)
{
    int code = sqlite3_errcode(s->db) & 0xff;
    int r = error_set(err, REASON_UNAVAILABLE, "store", "%s: %s", what, sqlite3_errmsg(s->db));
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
        error_hint(err, "another process has locked cleave.db: end that process (`fuser -v` names "
                        "it), then try again");
    } else if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT || code == SQLITE_ERROR) {
        error_hint(err, "put a backup of cleave.db in its place; without the file cleaved starts "
                        "without claims, and their devices belong to no claim");
    } else {
        error_hint(err, "look for a full or read-only disk under the state directory");
    }
    return r;
}

void sqlite_stmt_resetp(sqlite3_stmt **stmt)
{
    if (*stmt != NULL) { /* NULL: the database could not be opened again */
        (void)sqlite3_reset(*stmt);
        (void)sqlite3_clear_bindings(*stmt);
    }
}

void sqlite_bind_text(sqlite3_stmt *stmt, int index, const char *text)
{
    (void)sqlite3_bind_text(stmt, index, text, -1, SQLITE_TRANSIENT);
}

int sqlite_run(struct sqlite_store *s, sqlite3_stmt *stmt, struct error *err, const char *what)
{
    /* A transaction of one statement, which begins here and not within another. */
    int r = sqlite3_get_autocommit(s->db) != 0 ? sqlite_check_file(s, err) : 0;
    if (r != 0) {
        return r;
    }
    int code = sqlite_step(stmt);
    bool busy = (code & 0xff) == SQLITE_BUSY;
    r = code == SQLITE_DONE ? 0 : sqlite_fail(s, err, what);
    if (busy != s->busy) {
        s->busy = busy;
        (void)sqlite3_busy_timeout(s->db, busy ? 0 : SQLITE_BUSY_MS);
    }
    return r;
}
