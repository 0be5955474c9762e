/* SPDX-License-Identifier: Apache-2.0 */
/* One set of tests over every implementation of the store, and those of SQLite's files. */
#include "store_fixture.h"

static void records_come_back_by_id_with_their_versions(void **state)
{
    struct store *store = ((struct fixture *)*state)->store;
    assert_int_equal(put(store, "b", "1", 0, NULL), 0);
    assert_int_equal(put(store, "a", "2", VERSION_ANY, NULL), 0);
    assert_int_equal(put(store, "b", "3", 1, NULL), 0);
    assert_int_equal(put(store, "b", "4", VERSION_ANY, NULL), 0);
    assert_string_equal(list_claims(store), "a1=2 b3=4");
    assert_string_equal(list(store, &(struct store_range){.kind = RECORD_OPERATION}), "");
}

static void a_range_is_read_forwards_and_backwards(void **state)
{
    struct store *store = ((struct fixture *)*state)->store;
    CLEANUP(batch_done) struct batch batch = {0};
    static const char *const ids[] = {"1/1", "1/2", "10", "2/1", "2/2"};
    for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
        batch_put(&batch, RECORD_STEP, ids[i], xstrdup("x"), VERSION_ANY);
    }
    assert_int_equal(store->ops->commit(store, &batch, NULL), 0);
    struct store_range range = {.kind = RECORD_STEP, .from = "1/", .to = "10"};
    assert_string_equal(list(store, &range), "1/11=x 1/21=x");
    range = (struct store_range){.kind = RECORD_STEP, .from = "1/2", .max = 2, .ids_only = true};
    assert_string_equal(list(store, &range), "1/21= 101=");
    range.backwards = true;
    assert_string_equal(list(store, &range), "2/21= 2/11=");
    range = (struct store_range){.kind = RECORD_STEP, .from = "3", .to = "1"};
    assert_string_equal(list(store, &range), "");
}

static void another_version_is_a_conflict_and_nothing_is_stored(void **state)
{
    struct store *store = ((struct fixture *)*state)->store;
    struct error err = {0};
    assert_int_equal(put(store, "a", "1", 0, NULL), 0);
    static const uint64_t wrong[] = {0, 2};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        CLEANUP(batch_done) struct batch batch = {0};
        batch_put(&batch, RECORD_EVENT, "1", xstrdup("e"), VERSION_ANY);
        batch_put(&batch, RECORD_CLAIM, "b", xstrdup("2"), 0);
        batch_put(&batch, RECORD_CLAIM, "a", xstrdup("2"), wrong[i]);
        assert_int_equal(store->ops->commit(store, &batch, &err), -REASON_CONFLICT);
        assert_string_equal(err.subject, "claim/a");
        assert_non_null(
            strstr(err.message, "changed by another writer meanwhile: it has version 1"));
    }
    assert_int_equal(put(store, "gone", "1", 3, &err), -REASON_CONFLICT);
    assert_non_null(strstr(err.message, "was deleted by another writer"));
    assert_string_equal(list_claims(store), "a1=1");
    assert_string_equal(list(store, &(struct store_range){.kind = RECORD_EVENT}), "");
}

static void what_is_deleted_is_gone_and_begins_again(void **state)
{
    struct store *store = ((struct fixture *)*state)->store;
    CLEANUP(batch_done) struct batch batch = {0};
    CLEANUP(batch_done) struct batch stale = {0};
    assert_int_equal(put(store, "a", "1", 0, NULL), 0);
    assert_int_equal(put(store, "a", "2", 1, NULL), 0);
    batch_delete(&stale, RECORD_CLAIM, "a", 1);
    assert_int_equal(store->ops->commit(store, &stale, NULL), -REASON_CONFLICT);
    batch_delete(&batch, RECORD_CLAIM, "a", 2);
    batch_delete(&batch, RECORD_CLAIM, "never", VERSION_ANY);
    assert_int_equal(store->ops->commit(store, &batch, NULL), 0);
    assert_int_equal(store->ops->commit(store, &batch, NULL), -REASON_CONFLICT);
    assert_int_equal(put(store, "a", "3", 0, NULL), 0);
    assert_string_equal(list_claims(store), "a1=3");
}

static void a_range_is_deleted(void **state)
{
    struct store *store = ((struct fixture *)*state)->store;
    CLEANUP(batch_done) struct batch batch = {0};
    static const char *const ids[] = {"1/1", "1/2", "10", "2/1"};
    for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
        assert_int_equal(put(store, ids[i], "x", 0, NULL), 0);
    }
    batch_delete_range(&batch, RECORD_CLAIM, "1/", "10");
    batch_delete_range(&batch, RECORD_CLAIM, "3", "9");
    assert_int_equal(store->ops->commit(store, &batch, NULL), 0);
    assert_string_equal(list_claims(store), "101=x 2/11=x");
}

static void a_later_change_takes_the_place_of_an_earlier_one(void **state)
{
    struct store *store = ((struct fixture *)*state)->store;
    CLEANUP(batch_done) struct batch batch = {0};
    assert_int_equal(put(store, "a", "1", 0, NULL), 0);
    batch_put(&batch, RECORD_CLAIM, "a", xstrdup("2"), 1);
    batch_put(&batch, RECORD_CLAIM, "b", xstrdup("2"), 0);
    batch_put(&batch, RECORD_CLAIM, "a", xstrdup("3"), 2);
    batch_delete(&batch, RECORD_CLAIM, "b", 1);
    assert_int_equal(batch.n, 2);
    assert_string_equal(batch_find(&batch, RECORD_CLAIM, "a")->text, "3");
    assert_null(batch_find(&batch, RECORD_OPERATION, "a"));
    assert_int_equal(store->ops->commit(store, &batch, NULL), 0);
    assert_string_equal(list_claims(store), "a2=3");
}

static void count(const struct batch *batch, void *data)
{
    *(size_t *)data += batch->n;
}

static void a_watcher_hears_of_what_was_stored_alone(void **state)
{
    struct store *store = ((struct fixture *)*state)->store;
    size_t n = 0;
    store->ops->watch(store, count, &n);
    assert_int_equal(put(store, "a", "1", 0, NULL), 0);
    assert_int_equal(put(store, "a", "1", 0, NULL), -REASON_CONFLICT);
    assert_int_equal(n, 1);
    store->ops->watch(store, NULL, NULL);
    assert_int_equal(put(store, "a", "1", 1, NULL), 0);
    assert_int_equal(n, 1);
}

/* ---- SQLite alone ---- */

static void what_was_committed_survives_a_reopening(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put(f->store, "web1", "1", 0, NULL), 0);
    assert_int_equal(put(f->store, "web1", "2", 1, NULL), 0);
    reopen(f);
    assert_string_equal(list_claims(f->store), "web12=2");
}

static void the_database_is_private(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_newer_schema_is_refused(void **state)
{
    struct fixture *f = *state;
    tamper(f->path, "PRAGMA user_version = 99");
    struct store *store = NULL;
    struct error err = {0};
    assert_int_equal(sqlite_store_open(f->path, &store, &err), -REASON_UNSUPPORTED);
    assert_non_null(strstr(err.message, "schema 99"));
}

/* A change that was made already fails within its transaction, before any statement is prepared. */
static void a_schema_change_that_fails_is_an_answer(void **state)
{
    struct fixture *f = *state;
    tamper(f->path, "PRAGMA user_version = 1");
    struct store *store = NULL;
    struct error err = {0};
    assert_true(sqlite_store_open(f->path, &store, &err) < 0);
    assert_null(store);
    assert_string_not_equal(err.message, "");
}

/* ---- a disk that takes nothing ---- */

/* What SQLite maps can't be made, as on a full disk. */
static void block_disk(const struct fixture *f, bool block)
{
    char shm[128];
    snprintf(shm, sizeof(shm), "%s-shm", f->path);
    assert_int_equal(block ? symlink(shm, shm) : unlink(shm), 0);
}

static void a_start_reads_where_nothing_can_be_written(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    put_three(f);
    f->store->ops->free(f->store);
    f->store = NULL;
    block_disk(f, true);
    assert_int_equal(sqlite_store_open(f->path, &f->store, &err), 0);
    assert_non_null(f->store->problem);
    for (int i = 0; i < 2; i++) {
        assert_string_equal(list_claims(f->store), "a1=1 b1=2 c1=3");
        assert_int_equal(put(f->store, "d", "4", 0, &err), -REASON_UNAVAILABLE);
        assert_string_not_equal(err.message, "");
    }
    block_disk(f, false);
    assert_int_equal(put(f->store, "d", "4", 0, &err), 0);
    assert_string_equal(list_claims(f->store), "a1=1 b1=2 c1=3 d1=4");
    reopen(f);
    assert_null(f->store->problem);
    assert_string_equal(list_claims(f->store), "a1=1 b1=2 c1=3 d1=4");
}

static void another_programs_database_is_refused(void **state)
{
    struct fixture *f = *state;
    tamper(f->path, "PRAGMA application_id = 42");
    struct store *store = NULL;
    assert_int_equal(sqlite_store_open(f->path, &store, NULL), -REASON_CONFLICT);
}

static void a_damaged_record_is_named_with_its_file_and_the_way_out(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    error_set(&err, REASON_INTERNAL, "store", "it has no name");
    assert_int_equal(f->store->ops->damaged(f->store, RECORD_CLAIM, "x", &err), -REASON_INTERNAL);
    assert_non_null(strstr(err.message, "claim \"x\" in "));
    assert_non_null(strstr(err.message, f->path));
    assert_non_null(strstr(err.message, "it has no name"));
    assert_non_null(strstr(err.hint, "DELETE FROM records WHERE kind = 'claim' AND id = 'x'"));
    tamper(f->path, "DELETE FROM records WHERE kind = 'claim' AND id = 'x'");
}

static void a_file_that_was_removed_or_replaced_takes_nothing_more(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    char other[128];
    char wal[128];
    snprintf(other, sizeof(other), "%s/other", f->dir);
    snprintf(wal, sizeof(wal), "%s-wal", f->path);
    assert_int_equal(put_one(f, "a", &err), 0);
    assert_int_equal(rename(f->path, other), 0);
    assert_int_equal(put_one(f, "b", &err), -REASON_UNAVAILABLE);
    assert_non_null(strstr(err.message, "was removed or replaced"));
    assert_int_equal(fs_write_atomic(f->path, "x", 1), 0);
    assert_int_equal(put_one(f, "b", &err), -REASON_UNAVAILABLE);
    assert_int_equal(rename(other, f->path), 0); /* put back */
    assert_int_equal(put_one(f, "b", &err), 0);
    assert_int_equal(unlink(wal), 0);
    assert_int_equal(put_one(f, "c", &err), -REASON_UNAVAILABLE);
}

static void another_processs_lock_is_an_answer_and_no_wait(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    sqlite3 *other = NULL;
    assert_int_equal(put_one(f, "a", &err), 0);
    assert_int_equal(sqlite3_open(f->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    uint64_t began_us = clock_monotonic_us();
    for (int i = 0; i < 200; i++) {
        assert_int_equal(put_one(f, "b", &err), -REASON_UNAVAILABLE);
        assert_non_null(strstr(err.hint, "another process has locked cleave.db"));
    }
    assert_true(clock_monotonic_us() - began_us < 20000000);
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    assert_int_equal(put_one(f, "b", &err), 0);
}

static void a_file_that_is_no_database_is_refused(void **state)
{
    struct fixture *f = *state;
    char path[128];
    snprintf(path, sizeof(path), "%s/text", f->dir);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "this is no database, whatever its name says\n", 44), 44);
    close(fd);
    struct store *store = NULL;
    struct error err = {0};
    assert_int_equal(sqlite_store_open(path, &store, &err), -REASON_UNAVAILABLE);
    assert_null(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(records_come_back_by_id_with_their_versions),
        OVER_BOTH(a_range_is_read_forwards_and_backwards),
        OVER_BOTH(another_version_is_a_conflict_and_nothing_is_stored),
        OVER_BOTH(what_is_deleted_is_gone_and_begins_again),
        OVER_BOTH(a_range_is_deleted),
        OVER_BOTH(a_later_change_takes_the_place_of_an_earlier_one),
        OVER_BOTH(a_watcher_hears_of_what_was_stored_alone),
        OVER(what_was_committed_survives_a_reopening, sqlite),
        OVER(the_database_is_private, sqlite),
        OVER(a_newer_schema_is_refused, sqlite),
        OVER(a_schema_change_that_fails_is_an_answer, sqlite),
        OVER(a_start_reads_where_nothing_can_be_written, sqlite),
        OVER(another_programs_database_is_refused, sqlite),
        OVER(a_damaged_record_is_named_with_its_file_and_the_way_out, sqlite),
        OVER(a_file_that_was_removed_or_replaced_takes_nothing_more, sqlite),
        OVER(another_processs_lock_is_an_answer_and_no_wait, sqlite),
        OVER(a_file_that_is_no_database_is_refused, sqlite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
