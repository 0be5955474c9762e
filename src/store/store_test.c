/* SPDX-License-Identifier: Apache-2.0 */
/* One set of tests over every implementation of the store. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/memory.h"
#include "store/sqlite.h"
#include "store/sqlite_store.h"
#include "store/store.h"
#include "test.h"

struct fixture {
    struct store *store;
    char dir[64]; /* "" for the memory store */
    char path[96];
    sqlite3_io_methods methods; /* of a journal whose syncs fail; the store uses them to its end */
};

static int setup_memory(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    f->store = memory_store_new();
    *state = f;
    return 0;
}

static int setup_sqlite(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    STR_SET(f->dir, "/tmp/cleave-store-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof(f->path), "%s/cleave.db", f->dir);
    *state = f;
    return sqlite_store_open(f->path, &f->store, NULL);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    if (f->store != NULL) {
        f->store->ops->free(f->store);
    }
    if (f->dir[0] != '\0') {
        fs_remove_tree(f->dir);
    }
    free(f);
    return 0;
}

/* One put, of its own. */
static int put(struct store *store, const char *id, const char *text, uint64_t expect,
               struct error *err)
{
    CLEANUP(batch_done) struct batch batch = {0};
    batch_put(&batch, RECORD_CLAIM, id, xstrdup(text), expect);
    return store->ops->commit(store, &batch, err);
}

/* "a1=x b2=y": ids, versions and texts of the range. */
static const char *list(struct store *store, const struct store_range *range)
{
    static char out[256];
    CLEANUP(records_done) struct records records = {0};
    size_t len = 0;
    assert_int_equal(store->ops->load(store, range, &records, NULL), 0);
    out[0] = '\0';
    for (vec_each(&records, record)) {
        len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s%ju=%s", len == 0 ? "" : " ",
                                record->id, (uintmax_t)record->version,
                                record->text == NULL ? "" : record->text);
    }
    return out;
}

static const char *list_claims(struct store *store)
{
    return list(store, &(struct store_range){.kind = RECORD_CLAIM});
}

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

static void reopen(struct fixture *f)
{
    f->store->ops->free(f->store);
    f->store = NULL;
    assert_int_equal(sqlite_store_open(f->path, &f->store, NULL), 0);
}

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

static void tamper(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
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

/* ---- a disk that fails ---- */

static int fail_to_sync(sqlite3_file *file, int flags)
{
    (void)file;
    (void)flags;
    return SQLITE_IOERR_FSYNC;
}

/* The journal's syncs fail from now on; its writes do not. */
static void fail_syncs(struct fixture *f)
{
    sqlite3_file *journal = NULL;
    struct sqlite_store *s = (struct sqlite_store *)f->store;
    assert_int_equal(sqlite3_file_control(s->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &journal),
                     SQLITE_OK);
    f->methods = *journal->pMethods;
    f->methods.xSync = fail_to_sync;
    journal->pMethods = &f->methods;
}

static void copy_file(const char *from, const char *to)
{
    CLEANUP_FREE char *text = NULL;
    size_t len = 0;
    assert_int_equal(fs_read(from, 64 << 20, &text, &len), 0);
    assert_int_equal(fs_write_atomic(to, text, len), 0);
}

/* As a start finds it after the process was killed: the index in shared memory is gone. */
static struct store *open_as_killed(const struct fixture *f, unsigned n)
{
    char path[128];
    char wal[sizeof(f->path) + 8];
    char wal_to[sizeof(path) + 8];
    struct store *store = NULL;
    snprintf(path, sizeof(path), "%s/killed-%u.db", f->dir, n);
    snprintf(wal, sizeof(wal), "%s-wal", f->path);
    snprintf(wal_to, sizeof(wal_to), "%s-wal", path);
    copy_file(f->path, path);
    copy_file(wal, wal_to);
    assert_int_equal(sqlite_store_open(path, &store, NULL), 0);
    return store;
}

static void what_a_failed_commit_wrote_is_no_transaction_after_a_restart(void **state)
{
    struct fixture *f = *state;
    for (unsigned n = 0; n < 3; n++) { /* behind the first transaction, and behind many */
        char id[16];
        snprintf(id, sizeof(id), "kept-%u", n);
        assert_int_equal(put(f->store, id, "{}", VERSION_ANY, NULL), 0);
    }
    fail_syncs(f);
    for (unsigned n = 0; n < 2; n++) {
        struct error err = {0};
        assert_int_equal(put(f->store, "refused", "{}", VERSION_ANY, &err), -REASON_UNAVAILABLE);
        struct store *killed = open_as_killed(f, n);
        CLEANUP(records_done) struct records records = {0};
        struct store_range all = {.kind = RECORD_CLAIM};
        assert_int_equal(killed->ops->load(killed, &all, &records, NULL), 0);
        assert_int_equal(records.n, 3);
        killed->ops->free(killed);
    }
}

/* ---- a journal that is lost or damaged ---- */

/* The store's files as a kill leaves them, in another place. */
struct killed {
    char path[128], wal[136], count[136];
};

static void kill_store(const struct fixture *f, const char *name, struct killed *ret_killed)
{
    char from[sizeof(f->path) + 8];
    struct killed *k = ret_killed;
    snprintf(k->path, sizeof(k->path), "%s/%s.db", f->dir, name);
    snprintf(k->wal, sizeof(k->wal), "%s-wal", k->path);
    snprintf(k->count, sizeof(k->count), "%s-count", k->path);
    copy_file(f->path, k->path);
    snprintf(from, sizeof(from), "%s-wal", f->path);
    copy_file(from, k->wal);
    snprintf(from, sizeof(from), "%s-count", f->path);
    copy_file(from, k->count);
}

static void remove_wal(const struct killed *k)
{
    assert_int_equal(unlink(k->wal), 0);
}

static void empty_wal(const struct killed *k)
{
    assert_int_equal(truncate(k->wal, 0), 0);
}

static off_t size_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static void cut_wal(const struct killed *k)
{
    assert_int_equal(truncate(k->wal, size_of(k->wal) - 1), 0);
}

static void damage_byte(const char *path, off_t at)
{
    unsigned char byte = 0;
    CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

static void damage_wal_header(const struct killed *k)
{
    damage_byte(k->wal, 16);
}

static void damage_first_frame(const struct killed *k)
{
    damage_byte(k->wal, 32 + 24 + 100);
}

static void damage_last_frame(const struct killed *k)
{
    damage_byte(k->wal, size_of(k->wal) - 100);
}

static void spoil_count(const struct killed *k)
{
    assert_int_equal(fs_write_atomic(k->count, "3\n", 2), 0);
}

static void empty_count(const struct killed *k)
{
    assert_int_equal(truncate(k->count, 0), 0);
}

static void lower_count(const struct killed *k)
{
    assert_int_equal(fs_write_atomic(k->count, "00000000000000000002\n", 21), 0);
}

static void remove_count(const struct killed *k)
{
    assert_int_equal(unlink(k->count), 0);
}

static void leave_all(const struct killed *k)
{
    (void)k;
}

static void repair_elsewhere(const struct killed *k)
{
    tamper(k->path, "DELETE FROM records WHERE kind = 'claim' AND id = 'x'");
}

static const struct loss {
    const char *name;
    void (*lose)(const struct killed *k);
    const char *says; /* NULL: the start has all three */
} losses[] = {
    {"nothing", leave_all, NULL},
    {"a crash of the host took what was not synced", lower_count, NULL},
    {"an older cleaved, which does not count", remove_count, NULL},
    {"sqlite3 took the journal in", repair_elsewhere, NULL},
    {"journal gone", remove_wal, "-wal, is lost"},
    {"journal empty", empty_wal, "-wal, is lost"},
    {"journal cut", cut_wal, "-wal, is damaged"},
    {"journal's header", damage_wal_header, "-wal, is damaged"},
    {"first frame", damage_first_frame, "-wal, is damaged"},
    {"last frame", damage_last_frame, "-wal, is damaged"},
    {"count is no number", spoil_count, "is no number"},
    {"count is empty", empty_count, "is no number"},
};

static void put_three(struct fixture *f)
{
    assert_int_equal(put(f->store, "a", "1", 0, NULL), 0);
    assert_int_equal(put(f->store, "b", "2", 0, NULL), 0);
    assert_int_equal(put(f->store, "c", "3", 0, NULL), 0);
}

static void transactions_that_are_missing_refuse_a_start(void **state)
{
    struct fixture *f = *state;
    put_three(f);
    for (size_t i = 0; i < ARRAY_SIZE(losses); i++) {
        struct killed k;
        struct store *store = NULL;
        struct error err = {0};
        print_message("# %s\n", losses[i].name);
        kill_store(f, "killed", &k);
        losses[i].lose(&k);
        int r = sqlite_store_open(k.path, &store, &err);
        if (losses[i].says != NULL) {
            assert_int_equal(r, -REASON_CONFLICT);
            assert_non_null(strstr(err.message, losses[i].says));
            assert_non_null(strstr(err.message, k.path));
            assert_non_null(strstr(err.hint, "remove"));
            assert_int_equal(sqlite_store_open(k.path, &store, &err), -REASON_CONFLICT);
            remove_count(&k); /* the way out */
            assert_int_equal(sqlite_store_open(k.path, &store, &err), 0);
        } else {
            assert_int_equal(r, 0);
            assert_string_equal(list_claims(store), "a1=1 b1=2 c1=3");
        }
        assert_int_equal(put(store, "d", "4", VERSION_ANY, &err), 0);
        store->ops->free(store);
        assert_int_equal(access(k.count, F_OK), -1); /* a clean end: the file has it all */
    }
}

static void a_refused_start_leaves_the_journal_as_it_is(void **state)
{
    struct fixture *f = *state;
    struct killed k;
    struct store *store = NULL;
    put_three(f);
    kill_store(f, "killed", &k);
    damage_first_frame(&k);
    assert_int_equal(sqlite_store_open(k.path, &store, NULL), -REASON_CONFLICT);
    damage_first_frame(&k); /* mended */
    assert_int_equal(sqlite_store_open(k.path, &store, NULL), 0);
    assert_string_equal(list_claims(store), "a1=1 b1=2 c1=3");
    store->ops->free(store);
}

static void an_older_copy_is_taken_after_a_clean_end(void **state)
{
    struct fixture *f = *state;
    char copy[128];
    snprintf(copy, sizeof(copy), "%s/copy", f->dir);
    put_three(f);
    reopen(f);
    copy_file(f->path, copy);
    assert_int_equal(put(f->store, "d", "4", 0, NULL), 0);
    f->store->ops->free(f->store);
    f->store = NULL;
    copy_file(copy, f->path);
    assert_int_equal(sqlite_store_open(f->path, &f->store, NULL), 0);
    assert_string_equal(list_claims(f->store), "a1=1 b1=2 c1=3");
}

static void a_count_that_cannot_be_written_is_written_with_the_next_transaction(void **state)
{
    struct fixture *f = *state;
    char count[128];
    struct killed k;
    struct store *store = NULL;
    snprintf(count, sizeof(count), "%s-count", f->path);
    assert_int_equal(mkdir(count, 0700), 0);
    assert_int_equal(put(f->store, "a", "1", 0, NULL), 0);
    assert_int_equal(rmdir(count), 0);
    assert_int_equal(put(f->store, "b", "2", 0, NULL), 0);
    kill_store(f, "killed", &k);
    remove_wal(&k);
    assert_int_equal(sqlite_store_open(k.path, &store, NULL), -REASON_CONFLICT);
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

static int put_one(struct fixture *f, const char *name, struct error *err)
{
    return put(f->store, name, "1", 0, err);
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

static void a_journal_that_was_cut_takes_nothing_more(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    char wal[128];
    snprintf(wal, sizeof(wal), "%s-wal", f->path);
    put_three(f);
    off_t size = size_of(wal);
    for (off_t cut = 0; cut < size; cut += size / 4) {
        CLEANUP_FREE char *text = NULL;
        size_t len = 0;
        assert_int_equal(fs_read(wal, 64 << 20, &text, &len), 0);
        assert_int_equal(truncate(wal, cut), 0);
        assert_int_equal(put_one(f, "d", &err), -REASON_UNAVAILABLE);
        assert_non_null(strstr(err.message, "was cut"));
        assert_int_equal(size_of(wal), cut); /* no transaction stands behind a gap */
        int fd = open(wal, O_WRONLY | O_CLOEXEC);
        assert_int_equal(pwrite(fd, text, len, 0), len);
        close(fd);
    }
    assert_int_equal(put_one(f, "d", &err), 0);
    reopen(f);
    assert_string_equal(list_claims(f->store), "a1=1 b1=2 c1=3 d1=1");
}

static void another_processs_checkpoint_is_no_cut(void **state)
{
    struct fixture *f = *state;
    put_three(f);
    tamper(f->path, "PRAGMA wal_checkpoint(TRUNCATE)");
    assert_int_equal(put_one(f, "d", NULL), 0);
    reopen(f);
    assert_string_equal(list_claims(f->store), "a1=1 b1=2 c1=3 d1=1");
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

#define OVER(test, impl)                                                                           \
    {.name = #test " (" #impl ")",                                                                 \
     .test_func = test,                                                                            \
     .setup_func = setup_##impl,                                                                   \
     .teardown_func = teardown}
#define OVER_BOTH(test) OVER(test, memory), OVER(test, sqlite)

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
        OVER(what_a_failed_commit_wrote_is_no_transaction_after_a_restart, sqlite),
        OVER(transactions_that_are_missing_refuse_a_start, sqlite),
        OVER(a_refused_start_leaves_the_journal_as_it_is, sqlite),
        OVER(an_older_copy_is_taken_after_a_clean_end, sqlite),
        OVER(a_count_that_cannot_be_written_is_written_with_the_next_transaction, sqlite),
        OVER(a_start_reads_where_nothing_can_be_written, sqlite),
        OVER(another_programs_database_is_refused, sqlite),
        OVER(a_damaged_record_is_named_with_its_file_and_the_way_out, sqlite),
        OVER(a_file_that_was_removed_or_replaced_takes_nothing_more, sqlite),
        OVER(a_journal_that_was_cut_takes_nothing_more, sqlite),
        OVER(another_processs_checkpoint_is_no_cut, sqlite),
        OVER(another_processs_lock_is_an_answer_and_no_wait, sqlite),
        OVER(a_file_that_is_no_database_is_refused, sqlite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
