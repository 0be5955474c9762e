/* SPDX-License-Identifier: Apache-2.0 */
/* One table of records: ranges of it are read, batches written, each in a transaction. */
#include "base/mem.h"
#include "base/vec.h"
#include "store/busy.h"
#include "store/sqlite_count.h"
#include "store/sqlite_file.h"
#include "store/sqlite_stmt.h"
#include "store/sqlite_wal.h"

#define LAST_ID "\xf4\x8f\xbf\xbf" /* U+10FFFF: behind every id */

static struct sqlite_store *of(struct store *store)
{
    return (struct sqlite_store *)store;
}

/* ---- reading ---- */

static char *copy_column(sqlite3_stmt *stmt, int column)
{
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    return xstrdup(text == NULL ? "" : text);
}

static int sqlite_load(struct store *store, const struct store_range *range,
                       struct records *ret_records, struct error *err)
{
    struct sqlite_store *s = of(store);
    CLEANUP_STMT sqlite3_stmt *stmt =
        s->stmts[range->backwards ? STMT_RANGE_BACKWARDS : STMT_RANGE];
    sqlite_bind_text(stmt, 1, record_kind_name(range->kind));
    sqlite_bind_text(stmt, 2, range->from == NULL ? "" : range->from);
    sqlite_bind_text(stmt, 3, range->to == NULL ? LAST_ID : range->to);
    (void)sqlite3_bind_int64(stmt, 4, range->max == 0 ? -1 : (sqlite3_int64)range->max);
    int step = 0;
    for (step = sqlite_step(stmt); step == SQLITE_ROW; step = sqlite_step(stmt)) {
        *vec_push(ret_records) =
            (struct record){.id = copy_column(stmt, 0),
                            .version = (uint64_t)sqlite3_column_int64(stmt, 1),
                            .text = range->ids_only ? NULL : copy_column(stmt, 2)};
    }
    return step == SQLITE_DONE ? 0 : sqlite_fail(s, err, "reading the store");
}

/* ---- writing ---- */

static int check(struct sqlite_store *s, const struct batch_op *op, struct error *err)
{
    if (op->expect == VERSION_ANY) {
        return 0;
    }
    CLEANUP_STMT sqlite3_stmt *stmt = s->stmts[STMT_VERSION];
    sqlite_bind_text(stmt, 1, record_kind_name(op->kind));
    sqlite_bind_text(stmt, 2, op->id);
    int step = sqlite_step(stmt);
    if (step != SQLITE_ROW && step != SQLITE_DONE) {
        return sqlite_fail(s, err, "reading a version");
    }
    return batch_op_check(op, step == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(stmt, 0) : 0,
                          err);
}

static int apply(struct sqlite_store *s, const struct batch_op *op, struct error *err)
{
    enum stmt which = op->text != NULL ? STMT_PUT
                      : op->to != NULL ? STMT_DELETE_RANGE
                                       : STMT_DELETE;
    CLEANUP_STMT sqlite3_stmt *stmt = s->stmts[which];
    sqlite_bind_text(stmt, 1, record_kind_name(op->kind));
    sqlite_bind_text(stmt, 2, op->id);
    if (which != STMT_DELETE) {
        sqlite_bind_text(stmt, 3, op->text != NULL ? op->text : op->to);
    }
    return sqlite_run(s, stmt, err, op->text != NULL ? "storing" : "deleting");
}

static int run(struct sqlite_store *s, enum stmt which, const char *what, struct error *err)
{
    CLEANUP_STMT sqlite3_stmt *stmt = s->stmts[which];
    return sqlite_run(s, stmt, err, what);
}

static int write_batch(struct sqlite_store *s, const struct batch *batch, struct error *err)
{
    int r = 0;
    for (vec_each(batch, op)) {
        r = r != 0 ? r : check(s, op, err);
    }
    for (vec_each(batch, op)) {
        r = r != 0 ? r : apply(s, op, err);
    }
    r = r != 0 ? r : sqlite_count_put(s, err);
    return r != 0 ? r : run(s, STMT_COMMIT, "committing", err);
}

static int sqlite_commit(struct store *store, const struct batch *batch, struct error *err)
{
    struct sqlite_store *s = of(store);
    int r = s->open_again == NULL ? 0 : s->open_again(s, err);
    r = r != 0 ? r : run(s, STMT_BEGIN, "starting a transaction", err);
    bool begun = r == 0;
    r = r != 0 ? r : write_batch(s, batch, err);
    if (r != 0) {
        sqlite_rollback(s);
        if (begun && r == -REASON_UNAVAILABLE && !sqlite_wal_cut_off(s)) {
            error_hint(err, "only a restart of cleaved shows whether it was stored");
        }
        return r;
    }
    sqlite_count_note(s);
    if (s->changed != NULL) {
        s->changed(batch, s->data);
    }
    return 0;
}

void sqlite_rollback(struct sqlite_store *s)
{
    if (s->db != NULL && sqlite3_get_autocommit(s->db) == 0) {
        (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL); /* statements may be missing yet */
    }
}

static void sqlite_watch(struct store *store, store_changed_fn *fn, void *data)
{
    of(store)->changed = fn;
    of(store)->data = data;
}

static int sqlite_damaged_op(struct store *store, enum record_kind kind, const char *id,
                             struct error *err)
{
    return sqlite_damaged(of(store), kind, id, err);
}

void sqlite_close(struct sqlite_store *s)
{
    for (size_t i = 0; i < STMT_COUNT; i++) {
        (void)sqlite3_finalize(TAKE_PTR(s->stmts[i]));
    }
    sqlite_busy_begin(); /* what is in the -wal goes into the file */
    (void)sqlite3_close(TAKE_PTR(s->db));
    sqlite_busy_end();
}

static void sqlite_free(struct store *store)
{
    if (store == NULL) {
        return;
    }
    struct sqlite_store *s = of(store);
    if (s->open_again == NULL) {
        sqlite_busy_begin();
        sqlite_count_settle(s);
        sqlite_busy_end();
    }
    sqlite_discard(s);
}

void sqlite_discard(struct sqlite_store *s)
{
    sqlite_close(s);
    sqlite_count_done(s);
    free(s->path);
    free(s->wal_path);
    free(s);
}

const struct store_ops sqlite_ops = {
    .load = sqlite_load,
    .commit = sqlite_commit,
    .watch = sqlite_watch,
    .damaged = sqlite_damaged_op,
    .free = sqlite_free,
};
