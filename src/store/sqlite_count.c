/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_count.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/parse.h"
#include "store/busy.h"
#include "store/sqlite_stmt.h"

#define COUNT_SIZE 21 /* 20 digits and a line feed: rewritten in place, within one sector */

/* ---- the row ---- */

/* 0 where a cleaved that does not count wrote the database, or its tables are not made yet. */
static int read_row(struct sqlite_store *s, uint64_t *ret_n, struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(s->db, sqlite_stmt_sql[STMT_COUNTED], -1, &stmt, NULL);
    if (code == SQLITE_ERROR) { /* there is no such table */
        return 0;
    }
    code = code == SQLITE_OK ? sqlite_step(stmt) : code;
    *ret_n = code == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(stmt, 0) : 0;
    (void)sqlite3_finalize(stmt);
    return code == SQLITE_ROW || code == SQLITE_DONE ? 0
                                                     : sqlite_fail(s, err, "reading the database");
}

int sqlite_count_put(struct sqlite_store *s, struct error *err)
{
    CLEANUP_STMT sqlite3_stmt *stmt = s->stmts[STMT_COUNT_UP];
    return sqlite_run(s, stmt, err, "storing");
}

/* ---- the file ---- */

static void forget_file(struct sqlite_store *s)
{
    closep(&s->count_fd);
    if (unlink(s->count_path) != 0) {
        return;
    }
    CLEANUP_FREE char *path = xstrdup(s->count_path);
    CLEANUP_CLOSE int dir = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)fsync(dir);
}

static int refuse_file(const struct sqlite_store *s, const char *why, struct error *err)
{
    error_set(err, REASON_CONFLICT, s->count_path,
              "%s, which has the number of transactions that were stored, %s: some may be missing",
              s->count_path, why);
    error_hint(err, "look whether cleave.db and its -wal are whole; to start with what is there, "
                    "remove this file, after which `cleave gc` shows what no claim has");
    return -REASON_CONFLICT;
}

/* *ret_n stays 0 without a file. */
static int read_file(const struct sqlite_store *s, uint64_t *ret_n, struct error *err)
{
    CLEANUP_FREE char *text = NULL;
    size_t len = 0;
    int r = fs_read(s->count_path, COUNT_SIZE, &text, &len);
    if (r == -ENOENT) {
        return 0;
    }
    if (r < 0) {
        return refuse_file(s, "can't be read", err);
    }
    bool whole = len == COUNT_SIZE && text[len - 1] == '\n';
    if (whole) {
        text[len - 1] = '\0';
    }
    return whole && parse_u64(text, ret_n) ? 0 : refuse_file(s, "is no number", err);
}

static bool write_file(struct sqlite_store *s)
{
    char text[COUNT_SIZE + 1];
    (void)snprintf(text, sizeof(text), "%020" PRIu64 "\n", s->counted);
    if (s->count_fd >= 0) {
        return pwrite(s->count_fd, text, COUNT_SIZE, 0) == COUNT_SIZE;
    }
    if (fs_write_atomic(s->count_path, text, COUNT_SIZE) != 0) {
        return false;
    }
    s->count_fd = open(s->count_path, O_WRONLY | O_CLOEXEC);
    return s->count_fd >= 0;
}

/* A crash of the host may take what was not synced of the file: then it is behind the row. */
void sqlite_count_note(struct sqlite_store *s)
{
    s->counted++;
    sqlite_busy_begin();
    if (!write_file(s)) {
        closep(&s->count_fd);
    }
    sqlite_busy_end();
}

/* ---- both ---- */

static const char *describe_journal(const char *path)
{
    struct stat st = {0};
    CLEANUP_FREE char *wal = xasprintf("%s-wal", path);
    bool lost = stat(wal, &st) != 0 || st.st_size == 0; /* SQLite made an empty one */
    return lost ? "lost" : "damaged or an older one";
}

static int refuse(struct sqlite_store *s, const char *path, uint64_t n, struct error *err)
{
    const char *journal = describe_journal(path);
    (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    error_set(err, REASON_CONFLICT, path,
              "the last %ju of %ju transactions are missing from %s: its journal, %s-wal, is %s",
              (uintmax_t)(n - s->counted), (uintmax_t)n, path, path, journal);
    error_hint(err,
               "put the journal back, or a backup of both; to start with what is there (%ju "
               "transactions), remove %s, after which `cleave gc` shows what no claim has",
               (uintmax_t)s->counted, s->count_path);
    return -REASON_CONFLICT;
}

int sqlite_count_check(struct sqlite_store *s, const char *path, struct error *err)
{
    uint64_t n = 0;
    free(s->count_path);
    s->count_path = xasprintf("%s-count", path);
    int r = read_row(s, &s->counted, err);
    r = r != 0 ? r : read_file(s, &n, err);
    if (r == 0 && n > s->counted) {
        return refuse(s, path, n, err);
    }
    return r;
}

void sqlite_count_settle(struct sqlite_store *s)
{
    int in_journal = 0;
    int moved = 0;
    if (sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_FULL, &in_journal, &moved) ==
            SQLITE_OK &&
        in_journal == moved) {
        forget_file(s);
    }
}

void sqlite_count_done(struct sqlite_store *s)
{
    closep(&s->count_fd);
    free(TAKE_PTR(s->count_path));
}
