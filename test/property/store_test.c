/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stores agree: random batches, with versions that are right and wrong, give the same answer
 * and the same content in memory and in SQLite, which is opened again now and then; and a process
 * that is killed at any of its commits leaves all of those before, and all or nothing of that one.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"
#include "faulty.h"
#include "store/memory.h"
#include "store/sqlite.h"
#include "test.h"

#define SEEDS 40
#define BATCHES 60
#define KILL_SEEDS 3
#define KILL_BATCHES 12
#define IDS 9

struct random {
    uint64_t state;
};

static uint32_t pick(struct random *random, uint32_t n)
{
    random->state = random->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random->state >> 33) % n;
}

/* Ids that are each other's beginnings, and longer than a line of a page's index. */
static void make_id(struct random *random, char out[512])
{
    uint32_t n = pick(random, IDS);
    size_t len = n == 0 ? 400 : 0;
    memset(out, 'z', len);
    snprintf(out + len, 512 - len, "%u%s", n / 2, n % 2 == 0 ? "" : "/1");
}

static uint64_t make_version(struct random *random)
{
    uint32_t n = pick(random, 4);
    return n == 0 ? pick(random, 5) : VERSION_ANY;
}

static void add_op(struct random *random, struct batch *batch)
{
    char id[512];
    char to[512];
    enum record_kind kind = pick(random, 2) == 0 ? RECORD_CLAIM : RECORD_STEP;
    make_id(random, id);
    switch (pick(random, 8)) {
    case 0:
        batch_delete(batch, kind, id, make_version(random));
        break;
    case 1: /* of a kind that the batch puts nothing of */
        make_id(random, to);
        batch_delete_range(batch, RECORD_EVENT, id, to);
        break;
    case 2:
        batch_put(batch, RECORD_OPERATION, id, xasprintf("%0*u", (int)pick(random, 20000), 7),
                  make_version(random));
        break;
    default:
        batch_put(batch, kind, id, xasprintf("%u \"\xc3\xa9\"", pick(random, 1000)),
                  make_version(random));
    }
}

static void make_batch(struct random *random, struct batch *batch)
{
    char id[512];
    for (uint32_t n = 1 + pick(random, 6); n > 0; n--) {
        add_op(random, batch);
    }
    if (pick(random, 3) == 0 && batch->n < 4) { /* alone, so that no range holds what is put */
        batch_done(batch);
        make_id(random, id);
        batch_put(batch, RECORD_EVENT, id, xstrdup("e"), VERSION_ANY);
    }
}

static char *all_of(struct store *store, const struct store_range *range)
{
    CLEANUP(records_done) struct records records = {0};
    struct strbuf text = {0};
    assert_int_equal(store->ops->load(store, range, &records, NULL), 0);
    for (vec_each(&records, record)) {
        CLEANUP_FREE char *line =
            xasprintf("%s %s %ju %s\n", record_kind_name(range->kind), record->id,
                      (uintmax_t)record->version, record->text == NULL ? "-" : record->text);
        strbuf_add(&text, line);
    }
    return text.text == NULL ? xstrdup("") : text.text;
}

static char *content(struct store *store)
{
    struct strbuf text = {0};
    for (enum record_kind kind = 0; kind < RECORD_KIND_COUNT; kind++) {
        CLEANUP_FREE char *part = all_of(store, &(struct store_range){.kind = kind});
        strbuf_add(&text, part);
    }
    return text.text == NULL ? xstrdup("") : text.text;
}

static void must_agree(struct store *memory, struct store *sqlite, struct random *random)
{
    CLEANUP_FREE char *one = content(memory);
    CLEANUP_FREE char *other = content(sqlite);
    assert_string_equal(one, other);
    char from[512];
    char to[512];
    make_id(random, from);
    make_id(random, to);
    struct store_range range = {.kind = pick(random, 2) == 0 ? RECORD_CLAIM : RECORD_STEP,
                                .from = pick(random, 3) == 0 ? NULL : from,
                                .to = pick(random, 3) == 0 ? NULL : to,
                                .backwards = pick(random, 2) == 0,
                                .ids_only = pick(random, 2) == 0,
                                .max = pick(random, 4)};
    CLEANUP_FREE char *part = all_of(memory, &range);
    CLEANUP_FREE char *same = all_of(sqlite, &range);
    assert_string_equal(part, same);
}

struct place {
    char dir[64], path[96];
};

static void open_place(struct place *place)
{
    STR_SET(place->dir, "/dev/shm/cleave-stores-XXXXXX");
    if (mkdtemp(place->dir) == NULL) {
        STR_SET(place->dir, "/tmp/cleave-stores-XXXXXX");
        assert_non_null(mkdtemp(place->dir));
    }
    snprintf(place->path, sizeof(place->path), "%s/cleave.db", place->dir);
}

static struct store *open_sqlite(const struct place *place)
{
    struct store *store = NULL;
    assert_int_equal(sqlite_store_open(place->path, &store, NULL), 0);
    return store;
}

static void both_stores_do_the_same(void **state)
{
    (void)state;
    unsigned conflicts = 0;
    unsigned stored = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct random random = {.state = seed};
        struct place place;
        open_place(&place);
        struct store *memory = memory_store_new();
        struct store *sqlite = open_sqlite(&place);
        for (int i = 0; i < BATCHES; i++) {
            CLEANUP(batch_done) struct batch batch = {0};
            struct error err = {0};
            struct error same = {0};
            make_batch(&random, &batch);
            int r = memory->ops->commit(memory, &batch, &err);
            assert_int_equal(sqlite->ops->commit(sqlite, &batch, &same), r);
            assert_string_equal(same.message, err.message);
            conflicts += r == -REASON_CONFLICT;
            stored += r == 0;
            if (pick(&random, 10) == 0) {
                sqlite->ops->free(sqlite);
                sqlite = open_sqlite(&place);
            }
            must_agree(memory, sqlite, &random);
        }
        memory->ops->free(memory);
        sqlite->ops->free(sqlite);
        fs_remove_tree(place.dir);
    }
    assert_true(conflicts > 100 && stored > 1000);
    print_message("# %u batches stored, %u refused\n", stored, conflicts);
}

/* ---- killed ---- */

static void commit_all(struct store *store, uint64_t seed, int n)
{
    struct random random = {.state = seed};
    for (int i = 0; i < n; i++) {
        CLEANUP(batch_done) struct batch batch = {0};
        make_batch(&random, &batch);
        (void)store->ops->commit(store, &batch, NULL);
    }
}

static void die_at(const struct place *place, uint64_t seed, enum fault_kind kind, unsigned at)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct faults faults = {.kind = kind, .at = at};
        struct store *store = NULL;
        if (sqlite_store_open(place->path, &store, NULL) == 0) {
            commit_all(faulty_store_new(store, &faults), seed, KILL_BATCHES);
        }
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void what_was_committed_outlives_a_kill(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= KILL_SEEDS; seed++) {
        for (unsigned k = 1; k <= 2 * KILL_BATCHES; k++) {
            bool after = k % 2 == 0;
            struct place place;
            open_place(&place);
            die_at(&place, seed, after ? FAULT_DIE_AFTER : FAULT_DIE_BEFORE, (k + 1) / 2);
            struct store *memory = memory_store_new();
            struct store *sqlite = open_sqlite(&place);
            commit_all(memory, seed, (int)(k / 2));
            CLEANUP_FREE char *expected = content(memory);
            CLEANUP_FREE char *found = content(sqlite);
            assert_string_equal(found, expected);
            memory->ops->free(memory);
            sqlite->ops->free(sqlite);
            fs_remove_tree(place.dir);
        }
    }
}

/* In a child: says after each commit that it has it. */
static void commit_for_ever(const struct place *place, int fd)
{
    struct store *store = open_sqlite(place);
    struct random random = {.state = 1};
    for (;;) {
        CLEANUP(batch_done) struct batch batch = {0};
        make_batch(&random, &batch);
        (void)store->ops->commit(store, &batch, NULL);
        (void)!write(fd, "", 1);
    }
}

/* Kills it somewhere behind its n-th commit; returns how many it has said. */
static int kill_behind(const struct place *place, int n)
{
    int fds[2];
    char byte = 0;
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        commit_for_ever(place, fds[1]);
    }
    close(fds[1]);
    for (int i = 0; i < n; i++) {
        assert_int_equal(read(fds[0], &byte, 1), 1);
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    while (read(fds[0], &byte, 1) == 1) {
        n++;
    }
    close(fds[0]);
    return n;
}

static void a_kill_within_a_commit_leaves_all_or_nothing_of_it(void **state)
{
    (void)state;
    unsigned within = 0;
    for (int run = 1; run <= 30; run++) {
        struct place place;
        open_place(&place);
        int n = kill_behind(&place, run);
        struct store *memory = memory_store_new();
        struct store *next = memory_store_new();
        struct store *sqlite = open_sqlite(&place);
        commit_all(memory, 1, n);
        commit_all(next, 1, n + 1);
        CLEANUP_FREE char *found = content(sqlite);
        CLEANUP_FREE char *expected = content(memory);
        CLEANUP_FREE char *under_way = content(next);
        assert_true(str_eq(found, expected) || str_eq(found, under_way));
        within += !str_eq(found, expected);
        memory->ops->free(memory);
        next->ops->free(next);
        sqlite->ops->free(sqlite);
        fs_remove_tree(place.dir);
    }
    print_message("# %u of 30 had stored the commit that was under way\n", within);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_stores_do_the_same),
        cmocka_unit_test(what_was_committed_outlives_a_kill),
        cmocka_unit_test(a_kill_within_a_commit_leaves_all_or_nothing_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
