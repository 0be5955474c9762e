/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a database: created private, marked as ours, brought to the newest schema. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/busy.h"
#include "store/one_kind.h"
#include "store/plain_words.h"
#include "store/schema_changes.h"
#include "store/sqlite.h"
#include "store/sqlite_count.h"
#include "store/sqlite_file.h"
#include "store/sqlite_stmt.h"

#define APPLICATION_ID 0x636c7665 /* "clve" */
#define OPEN_BUSY_MS 5000         /* at the start nothing else waits */

static int exec(struct sqlite_store *s, const char *sql, struct error *err, const char *what)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : sqlite_fail(s, err, what);
}

static int read_int(struct sqlite_store *s, const char *sql, int *ret_value, struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    int r = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL);
    if (r == SQLITE_OK) {
        r = sqlite3_step(stmt);
        *ret_value = sqlite3_column_int(stmt, 0);
    }
    (void)sqlite3_finalize(stmt);
    return r == SQLITE_ROW ? 0 : sqlite_fail(s, err, "reading the database header");
}

/* ---- functions that changes of the schema call ---- */

static json_t *parse_value(sqlite3_value *value)
{
    const char *text = (const char *)sqlite3_value_text(value);
    return text != NULL ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
}

/* A document that can't be read is left for who reads it. */
static void answer(sqlite3_context *context, sqlite3_value *was, const json_t *now)
{
    if (now == NULL) {
        sqlite3_result_value(context, was);
        return;
    }
    CLEANUP_FREE char *text = json_text(now);
    sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

static void rename_words(sqlite3_context *context, int n UNUSED, sqlite3_value **values)
{
    CLEANUP_JSON json_t *json = parse_value(values[0]);
    plain_words(json);
    answer(context, values[0], json);
}

static void make_one_kind(sqlite3_context *context, int n UNUSED, sqlite3_value **values)
{
    CLEANUP_JSON json_t *document = parse_value(values[2]);
    CLEANUP_JSON json_t *steps = parse_value(values[3]);
    const struct former_record record = {.kind = (const char *)sqlite3_value_text(values[0]),
                                         .id = (const char *)sqlite3_value_text(values[1]),
                                         .document = document,
                                         .steps = steps};
    CLEANUP_JSON json_t *json = one_kind(&record);
    answer(context, values[2], json);
}

static int add_functions(struct sqlite_store *s, struct error *err)
{
    static const struct {
        const char *name;
        int n;
        void (*fn)(sqlite3_context *context, int n, sqlite3_value **values);
    } functions[] = {{"plain_words", 1, rename_words}, {"one_kind", 4, make_one_kind}};
    for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
        if (sqlite3_create_function_v2(s->db, functions[i].name, functions[i].n,
                                       SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, functions[i].fn,
                                       NULL, NULL, NULL) != SQLITE_OK) {
            return sqlite_fail(s, err, "migrating");
        }
    }
    return 0;
}

static int apply_schema_change(struct sqlite_store *s, const struct schema_change *change,
                               struct error *err)
{
    char sql[64];
    int r = exec(s, "BEGIN IMMEDIATE", err, "migrating");
    if (r != 0) {
        return r;
    }
    snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", change->version);
    r = exec(s, change->sql, err, "migrating");
    if (r == 0) {
        r = exec(s, sql, err, "migrating");
    }
    if (r == 0) {
        r = exec(s, "COMMIT", err, "migrating");
    }
    if (r != 0) {
        sqlite_rollback(s);
    }
    return r;
}

static int migrate(struct sqlite_store *s, const char *path, struct error *err)
{
    int application = 0;
    int version = 0;
    size_t n = 0;
    const struct schema_change *changes = schema_changes_list(&n);
    int r = read_int(s, "PRAGMA application_id", &application, err);
    if (r == 0) {
        r = read_int(s, "PRAGMA user_version", &version, err);
    }
    if (r != 0) {
        return r;
    }
    if (application != APPLICATION_ID && (application != 0 || version != 0)) {
        return error_set(err, REASON_CONFLICT, path, "%s is a database of another program", path);
    }
    int known = changes[n - 1].version;
    if (version > known) {
        r = error_set(err, REASON_UNSUPPORTED, path,
                      "%s has schema %d, but this cleaved supports only up to %d", path, version,
                      known);
        error_hint(err, "start the newer cleaved that wrote it");
        return r;
    }
    if (application ==
        0) { /* new: an old one is not written to, so that a full disk stops no start */
        char sql[64];
        snprintf(sql, sizeof(sql), "PRAGMA application_id = %d", APPLICATION_ID);
        r = exec(s, sql, err, "marking the database");
    }
    r = r != 0 ? r : add_functions(s, err);
    for (size_t i = 0; i < n && r == 0; i++) {
        if (changes[i].version > version) {
            r = apply_schema_change(s, &changes[i], err);
        }
    }
    return r;
}

/* SQLite would create the file with the umask's rights. */
static int create_private(const char *path, struct error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EROFS) {
        fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (fd < 0) {
        return error_set_errno(err, errno, path, "opening the database %s", path);
    }
    close(fd);
    return 0;
}

static int prepare_statements(struct sqlite_store *s, struct error *err)
{
    for (size_t i = 0; i < STMT_COUNT; i++) {
        if (sqlite3_prepare_v3(s->db, sqlite_stmt_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &s->stmts[i], NULL) != SQLITE_OK) {
            return sqlite_fail(s, err, "preparing a statement");
        }
    }
    return 0;
}

static int open_for_writing(struct sqlite_store *s, const char *path, struct error *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(path, &s->db, flags, NULL) != SQLITE_OK) {
        return sqlite_fail(s, err, "opening the database");
    }
    (void)sqlite3_busy_timeout(s->db, OPEN_BUSY_MS);
    /* FULL: what is committed survives a power cut, which the journal relies on. */
    int r = exec(s,
                 "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                 "PRAGMA trusted_schema = OFF; PRAGMA cache_size = -512; PRAGMA mmap_size = 0",
                 err, "setting up the database");
    r = r != 0 ? r : sqlite_count_check(s, path, err);
    r = r != 0 ? r : migrate(s, path, err);
    if (r ==
        0) { /* the file itself has the tables, and all that an earlier life left in its -wal */
        sqlite_count_settle(s);
        (void)sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    }
    return r != 0 ? r : prepare_statements(s, err);
}

/* ---- a disk that can't be written to ---- */

/* What SQLite says where a journal can't be made: https://www.sqlite.org/rescode.html */
static bool is_unwritable(struct sqlite_store *s)
{
    int code = sqlite3_errcode(s->db) & 0xff;
    return code == SQLITE_FULL || code == SQLITE_IOERR || code == SQLITE_CANTOPEN ||
           code == SQLITE_READONLY;
}

/* All that is stored is in the file itself: so a clean end leaves it. */
static bool has_no_journal(const char *path)
{
    struct stat st = {0};
    CLEANUP_FREE char *wal = xasprintf("%s-wal", path);
    return stat(wal, &st) != 0 || st.st_size == 0;
}

/* https://www.sqlite.org/uri.html: without a journal, and without the file that is mapped for its
 * index. */
static char *uri_of(const char *path)
{
    CLEANUP_STRBUF struct strbuf uri = {0};
    strbuf_add(&uri, "file:");
    for (const char *c = path; *c != '\0'; c++) {
        if (*c == '%' || *c == '?' || *c == '#') {
            strbuf_addf(&uri, "%%%02x", (unsigned)*c);
        } else {
            strbuf_addn(&uri, c, 1);
        }
    }
    strbuf_add(&uri, "?immutable=1");
    return strbuf_take(&uri);
}

static int open_for_reading(struct sqlite_store *s, const char *path, struct error *err)
{
    CLEANUP_FREE char *uri = uri_of(path);
    int flags =
        SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(uri, &s->db, flags, NULL) != SQLITE_OK) {
        return sqlite_fail(s, err, "opening the database");
    }
    int r = sqlite_count_check(s, path, err);
    r = r != 0 ? r : migrate(s, path, err);
    return r != 0 ? r : prepare_statements(s, err);
}

/* Keeps why it can't be written to. */
static int open_somehow(struct sqlite_store *s, const char *path, struct error *err)
{
    struct error why = {0};
    int r = open_for_writing(s, path, &why);
    if (r == 0 || !is_unwritable(s) || !has_no_journal(path)) {
        *err = r == 0 ? *err : why;
        return r;
    }
    sqlite_close(s);
    struct error own = {0};
    int reading = open_for_reading(s, path, &own);
    if (reading != 0) {
        *err = reading == -REASON_CONFLICT ? own : why;
        return reading == -REASON_CONFLICT ? reading : r;
    }
    s->problem = why;
    return 0;
}

/* Of one that was opened for reading only. -UNAVAILABLE: it still can't be written to. */
static int open_again(struct sqlite_store *s, struct error *err)
{
    s->problem = (struct error){0};
    sqlite_busy_begin();
    sqlite_close(s);
    int r = open_somehow(s, s->path, &s->problem); /* neither way: the next commit tries again */
    sqlite_busy_end();
    if (r == 0) {
        (void)sqlite3_busy_timeout(s->db, SQLITE_BUSY_MS);
    }
    if (s->problem.reason == REASON_NONE) {
        s->open_again = NULL;
        return 0;
    }
    if (err != NULL) {
        *err = s->problem;
    }
    return -REASON_UNAVAILABLE;
}

int sqlite_store_open(const char *path, struct store **ret_store, struct error *err)
{
    struct error own = {0};
    int r = create_private(path, err);
    if (r != 0) {
        return r;
    }
    struct sqlite_store *s = xcalloc(1, sizeof(*s));
    s->store.ops = &sqlite_ops;
    s->count_fd = -1;
    r = open_somehow(s, path, &own);
    if (r != 0) {
        error_wrap(&own, "%s", path);
        if (err != NULL) {
            *err = own;
        }
        sqlite_discard(s);
        return r;
    }
    sqlite_note_file(s, path);
    (void)sqlite3_busy_timeout(s->db, SQLITE_BUSY_MS);
    if (s->problem.reason != REASON_NONE) {
        s->store.problem = &s->problem;
        s->open_again = open_again;
    }
    *ret_store = &s->store;
    return 0;
}
