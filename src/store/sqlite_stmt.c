/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_stmt.h"

#include "store/busy.h"
#include "store/sqlite_file.h"

const char *const sqlite_stmt_sql[STMT_COUNT] = {
    [STMT_BEGIN] = "BEGIN IMMEDIATE",
    [STMT_COMMIT] = "COMMIT",
    [STMT_ROLLBACK] = "ROLLBACK",
    [STMT_CLAIM_INSERT] = "INSERT INTO claims (name, version, document) VALUES (?1, ?2, ?3)"
                          " ON CONFLICT DO NOTHING",
    [STMT_CLAIM_UPDATE] = "UPDATE claims SET version = ?2, document = ?3"
                          " WHERE name = ?1 AND version = ?2 - 1",
    [STMT_CLAIM_DELETE] = "DELETE FROM claims WHERE name = ?1",
    [STMT_CLAIM_LIST] = "SELECT name, document FROM claims ORDER BY name",
    [STMT_PLAN_PUT] = "INSERT INTO plans (id, state, document) VALUES (?1, ?2, ?3)"
                      " ON CONFLICT (id) DO UPDATE SET state = ?2, document = ?3",
    [STMT_PLAN_PRUNE] = "DELETE FROM plans WHERE seq <= (SELECT max(seq) FROM plans) - ?1"
                        " AND state NOT IN ('running', 'undoing')",
    [STMT_PLAN_GET] = "SELECT id, document FROM plans WHERE id = ?1",
    [STMT_PLAN_LIST] = "SELECT id, document FROM plans ORDER BY seq DESC LIMIT ?1",
    [STMT_PLAN_LIST_UNFINISHED] = "SELECT id, document FROM plans"
                                  " WHERE state IN ('running', 'undoing')"
                                  " ORDER BY seq DESC LIMIT ?1",
    [STMT_STEP_PUT] = "INSERT INTO steps (plan_id, number, document) VALUES (?1, ?2, ?3)",
    [STMT_STEP_UPDATE] = "UPDATE steps SET document = ?3 WHERE plan_id = ?1 AND number = ?2",
    [STMT_STEPS_DELETE] = "DELETE FROM steps WHERE plan_id = ?1",
    [STMT_STEP_LIST] = "SELECT document FROM steps WHERE plan_id = ?1 ORDER BY number",
    [STMT_EVENT_PUT] = "INSERT INTO events (time_us, kind, subject, author, message)"
                       " VALUES (?1, ?2, ?3, ?4, ?5)",
    [STMT_EVENT_PRUNE] = "DELETE FROM events WHERE seq <= ?1",
    [STMT_EVENT_LIST] = "SELECT seq, time_us, kind, subject, author, message FROM events"
                        " WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    [STMT_RECORD_PUT] = "INSERT INTO records (kind, key, document) VALUES (?1, ?2, ?3)"
                        " ON CONFLICT (kind, key) DO UPDATE SET document = ?3",
    [STMT_RECORD_DELETE] = "DELETE FROM records WHERE kind = ?1 AND key = ?2",
    [STMT_RECORD_LIST] = "SELECT key, document FROM records WHERE kind = ?1 ORDER BY key",
};

int sqlite_fail(const struct sqlite_store *s, struct error *err, const char *what)
{
    int code = sqlite3_errcode(s->db) & 0xff;
    int r = error_set(err, REASON_UNAVAILABLE, "store", "%s: %s", what, sqlite3_errmsg(s->db));
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
        error_hint(err, "another process has cleave.db locked: end what writes to it (`fuser -v` "
                        "names it), then try again");
    } else if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT || code == SQLITE_ERROR) {
        error_hint(err, "put a backup of cleave.db in its place; without the file cleaved starts "
                        "with no claims, and what they held belongs to no claim");
    } else {
        error_hint(err, "look for a full or read-only disk under the state directory");
    }
    return r;
}

void sqlite_stmt_resetp(sqlite3_stmt **stmt)
{
    (void)sqlite3_reset(*stmt);
    (void)sqlite3_clear_bindings(*stmt);
}

void sqlite_bind_text(sqlite3_stmt *stmt, int index, const char *text)
{
    (void)sqlite3_bind_text(stmt, index, text, -1, SQLITE_TRANSIENT);
}

int sqlite_run(struct sqlite_store *s, sqlite3_stmt *stmt, struct error *err, const char *what)
{
    /* What begins here, and not within a transaction. */
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
