/* SPDX-License-Identifier: Apache-2.0 */
/* One set of tests over every implementation of the store. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/memory.h"
#include "store/sqlite.h"
#include "store/store.h"
#include "test.h"

struct fixture {
    struct store *store;
    char dir[64]; /* "" for the memory store */
    char path[96];
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

static struct claim make_claim(const char *name)
{
    struct claim claim = {.spec = {.mode = CLAIM_TIME_SLICED, .start = NO_ID}, .created_us = 1000};
    claim.got = (struct assignment){
        .gi_id = NO_ID, .start = NO_ID, .size = NO_ID, .type_id = NO_ID, .placement_id = NO_ID};
    STR_SET(claim.name, name);
    STR_SET(claim.tenant, "default");
    STR_SET(claim.author, "root");
    STR_SET(claim.spec.type, "L40S-8Q");
    return claim;
}

static struct plan *make_plan(const char *id, enum plan_state state, size_t n_steps)
{
    struct plan *plan = plan_new();
    STR_SET(plan->id, id);
    STR_SET(plan->author, "root");
    STR_SET(plan->reason, "claim create web1");
    plan->state = state;
    plan->created_us = 5;
    struct pci_addr gpu = {.bus = 0x41};
    for (size_t i = 0; i < n_steps; i++) {
        *vec_push(&plan->steps) = step_make(STEP_GI_CREATE, &gpu);
    }
    vec_push(&plan->claims)->claim = make_claim("web1");
    return plan;
}

static size_t count_claims(struct store *store)
{
    struct claims claims = {0};
    assert_int_equal(store->ops->load_claims(store, &claims, NULL), 0);
    size_t n = claims.n;
    vec_done(&claims);
    return n;
}

static void claims_come_back_by_name_with_all_they_hold(void **state)
{
    struct store *store = ((struct fixture *)*state)->store;
    struct claim b = make_claim("b");
    b.state = CLAIM_BOUND;
    b.got.set = true;
    b.got.gpu = (struct pci_addr){.domain = 0x10000, .bus = 0x41};
    b.got.device = (struct pci_addr){.bus = 0x41, .function = 4};
    b.got.gi_id = 3;
    STR_SET(b.got.profile, "2g.10gb");
    struct claim a = make_claim("a");
    assert_int_equal(store->ops->put_claim(store, &b, NULL), 0);
    assert_int_equal(store->ops->put_claim(store, &a, NULL), 0);

    struct claims claims = {0};
    assert_int_equal(store->ops->load_claims(store, &claims, NULL), 0);
    assert_int_equal(claims.n, 2);
    assert_string_equal(claims.items[0].name, "a");
    const struct claim *back = &claims.items[1];
    assert_string_equal(back->name, "b");
    assert_int_equal(back->state, CLAIM_BOUND);
    assert_int_equal(back->version, 1);
    assert_int_equal(back->created_us, 1000);
    assert_true(back->got.set);
    assert_int_equal(back->got.gpu.domain, 0x10000);
    assert_int_equal(back->got.gi_id, 3);
    assert_int_equal(back->got.start, NO_ID);
    assert_string_equal(back->got.profile, "2g.10gb");
    vec_done(&claims);
}

static void a_stale_version_is_a_conflict(void **state)
{
    struct store *store = ((struct fixture *)*state)->store;
    struct claim mine = make_claim("web1");
    assert_int_equal(store->ops->put_claim(store, &mine, NULL), 0);
    struct claim theirs = mine;
    assert_int_equal(store->ops->put_claim(store, &theirs, NULL), 0);
    assert_int_equal(theirs.version, 2);

    struct error err = {0};
    assert_int_equal(store->ops->put_claim(store, &mine, &err), -REASON_CONFLICT);
    assert_int_equal(mine.version, 1);
}

static void a_second_claim_of_the_same_name_is_a_conflict(void **state)
{
    struct store *store = ((struct fixture *)*state)->store;
    struct claim one = make_claim("web1");
    struct claim two = make_claim("web1");
    assert_int_equal(store->ops->put_claim(store, &one, NULL), 0);
    assert_int_equal(store->ops->put_claim(store, &two, NULL), -REASON_CONFLICT);
    assert_int_equal(count_claims(store), 1);
}

static void a_deleted_claim_is_gone_and_cannot_be_deleted_twice(void **state)
{
    struct store *store = ((struct fixture *)*state)->store;
    struct claim claim = make_claim("web1");
    assert_int_equal(store->ops->put_claim(store, &claim, NULL), 0);
    assert_int_equal(store->ops->delete_claim(store, "web1", NULL), 0);
    assert_int_equal(count_claims(store), 0);
    assert_int_equal(store->ops->delete_claim(store, "web1", NULL), -REASON_NOT_FOUND);
}

static void a_rollback_leaves_nothing_of_the_transaction(void **state)
{
    struct store *store = ((struct fixture *)*state)->store;
    struct claim kept = make_claim("kept");
    assert_int_equal(store->ops->put_claim(store, &kept, NULL), 0);

    assert_int_equal(store->ops->begin(store, NULL), 0);
    struct claim claim = make_claim("web1");
    CLEANUP(plan_freep) struct plan *plan = make_plan("p1", PLAN_RUNNING, 1);
    struct event event = {.kind = "claim-created", .subject = "claim/web1"};
    assert_int_equal(store->ops->put_claim(store, &claim, NULL), 0);
    assert_int_equal(store->ops->put_plan(store, plan, NULL), 0);
    assert_int_equal(store->ops->put_event(store, &event, NULL), 0);
    store->ops->rollback(store);

    assert_int_equal(count_claims(store), 1);
    struct plan *none = plan;
    assert_int_equal(store->ops->load_plan(store, "p1", &none, NULL), 0);
    assert_null(none);
    struct event *events = NULL;
    size_t n = 0;
    assert_int_equal(store->ops->load_events(store, 0, 10, &events, &n, NULL), 0);
    assert_int_equal(n, 0);
    free(events);
}

static void the_journal_rewrites_one_step(void **state)
{
    struct store *store = ((struct fixture *)*state)->store;
    CLEANUP(plan_freep) struct plan *plan = make_plan("p1", PLAN_RUNNING, 3);
    assert_int_equal(store->ops->put_plan(store, plan, NULL), 0);
    struct step step = plan->steps.items[1];
    step.state = STEP_DONE;
    step.got_gi_id = 7;
    assert_int_equal(store->ops->put_step(store, "p1", 1, &step, NULL), 0);
    assert_int_equal(store->ops->put_step(store, "p1", 3, &step, NULL), -REASON_NOT_FOUND);

    CLEANUP(plan_freep) struct plan *back = NULL;
    assert_int_equal(store->ops->load_plan(store, "p1", &back, NULL), 0);
    assert_int_equal(back->steps.n, 3);
    assert_int_equal(back->steps.items[0].state, STEP_PLANNED);
    assert_int_equal(back->steps.items[1].state, STEP_DONE);
    assert_int_equal(back->steps.items[1].got_gi_id, 7);
    assert_string_equal(back->reason, "claim create web1");
    assert_int_equal(back->claims.n, 1);
    assert_string_equal(back->claims.items[0].claim.name, "web1");
}

static void unfinished_plans_are_found(void **state)
{
    struct store *store = ((struct fixture *)*state)->store;
    static const enum plan_state states[] = {PLAN_DONE, PLAN_RUNNING, PLAN_UNDONE, PLAN_UNDOING};
    for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
        char id[8];
        snprintf(id, sizeof(id), "p%zu", i);
        CLEANUP(plan_freep) struct plan *plan = make_plan(id, states[i], 2);
        assert_int_equal(store->ops->put_plan(store, plan, NULL), 0);
    }
    struct plan **plans = NULL;
    size_t n = 0;
    assert_int_equal(store->ops->load_plans(store, 10, true, &plans, &n, NULL), 0);
    assert_int_equal(n, 2);
    assert_string_equal(plans[0]->id, "p3"); /* newest first */
    assert_string_equal(plans[1]->id, "p1");
    assert_int_equal(plans[1]->steps.n, 2);
    plan_free(plans[0]);
    plan_free(plans[1]);
    free(plans);

    assert_int_equal(store->ops->load_plans(store, 1, false, &plans, &n, NULL), 0);
    assert_int_equal(n, 1);
    plan_free(plans[0]);
    free(plans);
}

static void events_are_numbered_without_gaps(void **state)
{
    struct store *store = ((struct fixture *)*state)->store;
    for (uint64_t i = 1; i <= 5; i++) {
        struct event event = {.time_us = i, .kind = "gpu-changed", .subject = "gpu/0000:41:00.0"};
        assert_int_equal(store->ops->put_event(store, &event, NULL), 0);
        assert_int_equal(event.seq, i);
    }
    struct event *events = NULL;
    size_t n = 0;
    assert_int_equal(store->ops->load_events(store, 2, 2, &events, &n, NULL), 0);
    assert_int_equal(n, 2);
    assert_int_equal(events[0].seq, 3);
    assert_int_equal(events[1].seq, 4);
    assert_string_equal(events[0].kind, "gpu-changed");
    free(events);
}

/* ---- SQLite alone ---- */

static json_t *load_gpus(struct store *store)
{
    json_t *records = NULL;
    assert_int_equal(store->ops->load_records(store, RECORD_GPU, &records, NULL), 0);
    return records;
}

static void records_are_replaced_and_deleted_by_kind_and_key(void **state)
{
    struct store *store = ((struct fixture *)*state)->store;
    CLEANUP_JSON json_t *one = json_pack("{s:i}", "n", 1);
    CLEANUP_JSON json_t *two = json_pack("{s:i}", "n", 2);
    assert_int_equal(store->ops->put_record(store, RECORD_GPU, "b", one, NULL), 0);
    assert_int_equal(store->ops->put_record(store, RECORD_GPU, "a", one, NULL), 0);
    assert_int_equal(store->ops->put_record(store, RECORD_GPU, "b", two, NULL), 0);
    assert_int_equal(store->ops->put_record(store, RECORD_HOST, "b", one, NULL), 0);
    assert_int_equal(store->ops->delete_record(store, RECORD_GPU, "a", NULL), 0);
    assert_int_equal(store->ops->delete_record(store, RECORD_GPU, "never", NULL), 0);

    CLEANUP_JSON json_t *records = load_gpus(store);
    assert_int_equal(json_object_size(records), 1);
    assert_true(json_equal(json_object_get(records, "b"), two));
}

static void a_rollback_takes_records_back(void **state)
{
    struct store *store = ((struct fixture *)*state)->store;
    CLEANUP_JSON json_t *one = json_pack("{s:i}", "n", 1);
    assert_int_equal(store->ops->put_record(store, RECORD_GPU, "kept", one, NULL), 0);
    assert_int_equal(store->ops->begin(store, NULL), 0);
    assert_int_equal(store->ops->put_record(store, RECORD_GPU, "new", one, NULL), 0);
    assert_int_equal(store->ops->delete_record(store, RECORD_GPU, "kept", NULL), 0);
    store->ops->rollback(store);

    CLEANUP_JSON json_t *records = load_gpus(store);
    assert_int_equal(json_object_size(records), 1);
    assert_non_null(json_object_get(records, "kept"));
}

static void each_change_has_another_number(void **state)
{
    struct store *store = ((struct fixture *)*state)->store;
    CLEANUP(plan_freep) struct plan *plan = make_plan("p1", PLAN_RUNNING, 2);
    CLEANUP_JSON json_t *one = json_pack("{s:i}", "n", 1);
    struct event event = {.kind = "x", .subject = "y/z", .message = "text"};
    uint64_t at[6] = {store->ops->changes(store)};
    assert_int_equal(store->ops->put_plan(store, plan, NULL), 0);
    at[1] = store->ops->changes(store);
    assert_int_equal(store->ops->put_step(store, "p1", 1, &plan->steps.items[1], NULL), 0);
    at[2] = store->ops->changes(store);
    assert_int_equal(store->ops->put_event(store, &event, NULL), 0);
    at[3] = store->ops->changes(store);
    assert_int_equal(store->ops->put_record(store, RECORD_HOST, "h", one, NULL), 0);
    at[4] = store->ops->changes(store);
    assert_int_equal(store->ops->delete_record(store, RECORD_HOST, "h", NULL), 0);
    at[5] = store->ops->changes(store);
    for (size_t i = 1; i < ARRAY_SIZE(at); i++) {
        assert_true(at[i] > at[i - 1]);
    }
    assert_int_equal(store->ops->changes(store), at[5]);
}

static void reopen(struct fixture *f)
{
    f->store->ops->free(f->store);
    f->store = NULL;
    assert_int_equal(sqlite_store_open(f->path, &f->store, NULL), 0);
}

static void what_was_committed_survives_a_reopening(void **state)
{
    struct fixture *f = *state;
    struct claim claim = make_claim("web1");
    assert_int_equal(f->store->ops->put_claim(f->store, &claim, NULL), 0);
    reopen(f);
    assert_int_equal(count_claims(f->store), 1);
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

static void another_programs_database_is_refused(void **state)
{
    struct fixture *f = *state;
    tamper(f->path, "PRAGMA application_id = 42");
    struct store *store = NULL;
    assert_int_equal(sqlite_store_open(f->path, &store, NULL), -REASON_CONFLICT);
}

static void a_damaged_document_is_named_with_its_file_and_the_way_out(void **state)
{
    static const char *const documents[] = {
        "'{\"name\":'",        /* cut off */
        "'{\"name\": \"x\"}'", /* incomplete */
        "'{\"name\": \"x\", \"future\": 1}'",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
        char sql[256];
        snprintf(sql, sizeof(sql), "INSERT OR REPLACE INTO claims VALUES ('x', 1, %s)",
                 documents[i]);
        tamper(f->path, sql);
        struct claims claims = {0};
        struct error err = {0};
        assert_int_equal(f->store->ops->load_claims(f->store, &claims, &err), -REASON_INTERNAL);
        assert_non_null(strstr(err.message, "claim \"x\" in "));
        assert_non_null(strstr(err.message, f->path));
        assert_non_null(strstr(err.hint, "DELETE FROM claims WHERE name = 'x'"));
    }
}

static int put_one(struct fixture *f, const char *name, struct error *err)
{
    struct claim claim = make_claim(name);
    return f->store->ops->put_claim(f->store, &claim, err);
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
    assert_int_equal(f->store->ops->begin(f->store, &err), -REASON_UNAVAILABLE);
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
        assert_int_equal(f->store->ops->begin(f->store, &err), -REASON_UNAVAILABLE);
        assert_non_null(strstr(err.hint, "another process has cleave.db locked"));
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
        OVER_BOTH(claims_come_back_by_name_with_all_they_hold),
        OVER_BOTH(a_stale_version_is_a_conflict),
        OVER_BOTH(a_second_claim_of_the_same_name_is_a_conflict),
        OVER_BOTH(a_deleted_claim_is_gone_and_cannot_be_deleted_twice),
        OVER_BOTH(a_rollback_leaves_nothing_of_the_transaction),
        OVER_BOTH(the_journal_rewrites_one_step),
        OVER_BOTH(unfinished_plans_are_found),
        OVER_BOTH(events_are_numbered_without_gaps),
        OVER_BOTH(records_are_replaced_and_deleted_by_kind_and_key),
        OVER_BOTH(a_rollback_takes_records_back),
        OVER_BOTH(each_change_has_another_number),
        OVER(what_was_committed_survives_a_reopening, sqlite),
        OVER(the_database_is_private, sqlite),
        OVER(a_newer_schema_is_refused, sqlite),
        OVER(another_programs_database_is_refused, sqlite),
        OVER(a_damaged_document_is_named_with_its_file_and_the_way_out, sqlite),
        OVER(a_file_that_was_removed_or_replaced_takes_nothing_more, sqlite),
        OVER(another_processs_lock_is_an_answer_and_no_wait, sqlite),
        OVER(a_file_that_is_no_database_is_refused, sqlite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
