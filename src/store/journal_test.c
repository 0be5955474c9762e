/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite's journal after a commit that failed, a kill, a loss, a cut. */
#include "store_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER(what_a_failed_commit_wrote_is_no_transaction_after_a_restart, sqlite),
        OVER(transactions_that_are_missing_refuse_a_start, sqlite),
        OVER(a_refused_start_leaves_the_journal_as_it_is, sqlite),
        OVER(an_older_copy_is_taken_after_a_clean_end, sqlite),
        OVER(a_count_that_cannot_be_written_is_written_with_the_next_transaction, sqlite),
        OVER(a_journal_that_was_cut_takes_nothing_more, sqlite),
        OVER(another_processs_checkpoint_is_no_cut, sqlite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
