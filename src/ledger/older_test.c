/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stores that older versions of cleaved wrote (test/stores) are opened with today's code: each
 * claim, plan, step, event and record says what it said then. Keys that were added since may be
 * there too.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "ledger/ledger.h"
#include "model/drain.h"
#include "model/gpu_record.h"
#include "model/incoming.h"
#include "store/plain_words.h"
#include "store/sqlite.h"
#include "test.h"

#define MAX_DUMP (4 * 1024 * 1024)
#define MAX_ITEMS 1000

/* ---- the store as it was left, and as it is opened ---- */

struct older {
    char dir[64], path[96];
    sqlite3 *db; /* a copy in memory, that no cleaved migrated */
    struct store *store;
    struct ledger *ledger;
};

static void must(sqlite3 *db, int result)
{
    if (result != SQLITE_OK) {
        fail_msg("%s", sqlite3_errmsg(db));
    }
}

static void make_database(const char *path, const char *sql, sqlite3 **ret_db)
{
    assert_int_equal(sqlite3_open(path, ret_db), SQLITE_OK);
    must(*ret_db, sqlite3_exec(*ret_db, sql, NULL, NULL, NULL));
}

static int setup(void **state, const char *name)
{
    struct older *o = xcalloc(1, sizeof(*o));
    CLEANUP_FREE char *path = xasprintf("%s/%s", STORES_DIR, name);
    CLEANUP_FREE char *sql = NULL;
    size_t len = 0;
    sqlite3 *db = NULL;
    assert_int_equal(fs_read(path, MAX_DUMP, &sql, &len), 0);
    STR_SET(o->dir, "/tmp/cleave-older-XXXXXX");
    assert_non_null(mkdtemp(o->dir));
    snprintf(o->path, sizeof(o->path), "%s/cleave.db", o->dir);
    make_database(o->path, sql, &db);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    make_database(":memory:", sql, &o->db);
    struct error err = {0};
    if (sqlite_store_open(o->path, &o->store, &err) != 0 ||
        ledger_open(o->store, &o->ledger, &err) != 0) {
        fail_msg("%s: %s", name, err.message);
    }
    *state = o;
    return 0;
}

static int setup_running(void **state)
{
    return setup(state, "schema-2/running.sql");
}

static int setup_interrupted(void **state)
{
    return setup(state, "schema-2/interrupted.sql");
}

static int teardown(void **state)
{
    struct older *o = *state;
    ledger_free(o->ledger);
    o->store->ops->free(o->store);
    assert_int_equal(sqlite3_close(o->db), SQLITE_OK);
    fs_remove_tree(o->dir);
    free(o);
    return 0;
}

/* The documents of a query with two columns (key, document), by key, in today's words. Caller
 * decrefs. */
static json_t *left(struct older *o, const char *sql)
{
    json_t *found = json_object();
    sqlite3_stmt *stmt = NULL;
    must(o->db, sqlite3_prepare_v2(o->db, sql, -1, &stmt, NULL));
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        json_t *document = json_loads((const char *)sqlite3_column_text(stmt, 1), 0, NULL);
        assert_non_null(document);
        plain_words(document);
        json_object_set_new(found, (const char *)sqlite3_column_text(stmt, 0), document);
    }
    must(o->db, sqlite3_finalize(stmt));
    return found;
}

/* ---- what must still be said ---- */

static void check_kept(const char *path, const json_t *was, const json_t *is)
{
    const char *key = NULL;
    json_t *value = NULL;
    if (json_is_object(was) && json_is_object(is)) {
        json_object_foreach((json_t *)was, key, value)
        {
            CLEANUP_FREE char *inner = xasprintf("%s.%s", path, key);
            check_kept(inner, value, json_object_get(is, key));
        }
        return;
    }
    if (json_is_array(was) && json_array_size(was) == json_array_size(is)) {
        for (size_t i = 0; i < json_array_size(was); i++) {
            CLEANUP_FREE char *inner = xasprintf("%s[%zu]", path, i);
            check_kept(inner, json_array_get(was, i), json_array_get(is, i));
        }
        return;
    }
    if (is == NULL || !json_equal(was, is)) {
        CLEANUP_FREE char *before = json_text(was);
        CLEANUP_FREE char *after = is != NULL ? json_text(is) : NULL;
        fail_msg("%s was %s, is %s", path, before, after != NULL ? after : "not there");
    }
}

/* Takes `is`. */
static void check_document(const char *kind, const char *key, const json_t *was, json_t *is)
{
    CLEANUP_FREE char *path = xasprintf("%s %s", kind, key);
    CLEANUP_JSON json_t *document = is;
    check_kept(path, was, document);
}

static void claims_are_as_they_were(void **state)
{
    struct older *o = *state;
    CLEANUP_JSON json_t *was = left(o, "SELECT name, document FROM claims");
    const struct claims *claims = &o->ledger->claims;
    assert_int_equal(claims->n, json_object_size(was));
    assert_true(claims->n >= 10);
    for (vec_each(claims, claim)) {
        check_document("claim", claim->name, json_object_get(was, claim->name),
                       claim_to_json(claim));
    }
}

static void plans_and_their_steps_are_as_they_were(void **state)
{
    struct older *o = *state;
    CLEANUP_JSON json_t *was = left(o, "SELECT id, document FROM plans");
    CLEANUP_JSON json_t *steps = left(o, "SELECT plan_id || '/' || number, document FROM steps");
    struct plan **plans = NULL;
    size_t n = 0;
    size_t n_steps = 0;
    assert_int_equal(ledger_load_plans(o->ledger, MAX_ITEMS, false, &plans, &n, NULL), 0);
    assert_int_equal(n, json_object_size(was));
    for (size_t i = 0; i < n; i++) {
        check_document("plan", plans[i]->id, json_object_get(was, plans[i]->id),
                       plan_to_json(plans[i]));
        for (size_t k = 0; k < plans[i]->steps.n; k++, n_steps++) {
            CLEANUP_FREE char *key = xasprintf("%s/%zu", plans[i]->id, k);
            check_document("step", key, json_object_get(steps, key),
                           step_to_json(&plans[i]->steps.items[k]));
        }
        plan_free(plans[i]);
    }
    assert_int_equal(n_steps, json_object_size(steps));
    free(plans);
}

static void events_are_as_they_were(void **state)
{
    struct older *o = *state;
    CLEANUP_JSON json_t *was =
        left(o, "SELECT seq, json_object('seq', seq, 'kind', kind, 'subject', subject, 'author', "
                "author, 'message', message) FROM events");
    struct event *events = NULL;
    size_t n = 0;
    assert_int_equal(ledger_load_events(o->ledger, 0, MAX_ITEMS, &events, &n, NULL), 0);
    assert_int_equal(n, json_object_size(was));
    for (size_t i = 0; i < n; i++) {
        CLEANUP_FREE char *key = xasprintf("%llu", (unsigned long long)events[i].seq);
        json_t *is = json_pack("{s:I, s:s, s:s, s:s, s:s}", "seq", (json_int_t)events[i].seq,
                               "kind", events[i].kind, "subject", events[i].subject, "author",
                               events[i].author, "message", events[i].message);
        check_document("event", key, json_object_get(was, key), is);
    }
    free(events);
}

/* ---- records ---- */

/* A record read and written by today's code; NULL if that fails. */
static json_t *record_again(enum record_kind kind, const char *key, const json_t *document,
                            struct error *err)
{
    if (kind == RECORD_DRAIN) {
        CLEANUP(drain_freep) struct drain *drain = NULL;
        return drain_from_stored_json(document, &drain, err) == 0 ? drain_to_stored_json(drain)
                                                                  : NULL;
    }
    if (kind == RECORD_MIGRATION && str_starts(key, "out:")) {
        CLEANUP(migration_freep) struct migration *migration = NULL;
        return migration_from_stored_json(document, &migration, err) == 0
                   ? migration_to_json(migration)
                   : NULL;
    }
    if (kind == RECORD_MIGRATION) {
        CLEANUP(incoming_freep) struct incoming *incoming = NULL;
        return incoming_from_json(document, "stored record", &incoming, err) == 0
                   ? incoming_to_json(incoming)
                   : NULL;
    }
    return json_deep_copy(document);
}

/* Returns how many there are. */
static size_t check_records(struct older *o, enum record_kind kind, const char *word)
{
    CLEANUP_FREE char *sql = xasprintf("SELECT key, document FROM records WHERE kind = '%s'", word);
    CLEANUP_JSON json_t *was = left(o, sql);
    CLEANUP_JSON json_t *is = NULL;
    const char *key = NULL;
    json_t *document = NULL;
    if (kind == RECORD_GPU) {
        is = json_object();
        for (vec_each(&o->ledger->gpu_records, record)) {
            char id[GPU_UUID_SIZE];
            json_object_set_new(is, gpu_record_key(record, id), gpu_record_to_json(record));
        }
    } else {
        assert_int_equal(ledger_records(o->ledger, kind, &is, NULL), 0);
    }
    json_object_foreach(is, key, document)
    {
        struct error err = {0};
        json_t *again = record_again(kind, key, document, &err);
        if (again == NULL) {
            fail_msg("%s %s: %s", word, key, err.message);
        }
        check_document(word, key, json_object_get(was, key), again);
    }
    assert_int_equal(json_object_size(is), json_object_size(was));
    return json_object_size(was);
}

static void records_are_as_they_were(void **state)
{
    struct older *o = *state;
    assert_int_equal(check_records(o, RECORD_GPU, "gpu"), 7);
    assert_in_range(check_records(o, RECORD_MIGRATION, "migration"), 2, 3);
    assert_in_range(check_records(o, RECORD_DRAIN, "drain"), 0, 1);
    assert_int_equal(check_records(o, RECORD_HOST, "host"), 1);
}

/* ---- what the stores are there for ---- */

static size_t count(struct older *o, const char *table, const char *where)
{
    CLEANUP_FREE char *sql =
        xasprintf("SELECT count(*), json_object('n', count(*)) FROM %s WHERE %s", table, where);
    CLEANUP_JSON json_t *found = left(o, sql);
    json_t *row = json_object_iter_value(json_object_iter(found));
    return (size_t)json_integer_value(json_object_get(row, "n"));
}

static void what_was_interrupted_is_in_it(void **state)
{
    struct older *o = *state;
    assert_int_equal(count(o, "plans", "state = 'running'"), 1);
    assert_int_equal(count(o, "plans", "state = 'undone'"), 1);
    assert_int_equal(count(o, "claims", "document ->> 'state' = 'binding'"), 1);
    assert_int_equal(count(o, "claims", "document ->> 'state' = 'failed'"), 1);
    assert_int_equal(count(o, "claims", "document ->> 'state' = 'pending'"), 1);
    assert_int_equal(count(o, "records", "document ->> 'state' = 'preparing'"), 1);
    assert_int_equal(count(o, "records", "kind = 'drain'"), 1);
    assert_int_equal(count(o, "records", "document ->> 'quarantine' IS NOT NULL"), 1);
}

#define OLDER_TEST(fn, name) {#fn " (" #name ")", fn, setup_##name, teardown, NULL}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OLDER_TEST(claims_are_as_they_were, running),
        OLDER_TEST(plans_and_their_steps_are_as_they_were, running),
        OLDER_TEST(events_are_as_they_were, running),
        OLDER_TEST(records_are_as_they_were, running),
        OLDER_TEST(claims_are_as_they_were, interrupted),
        OLDER_TEST(plans_and_their_steps_are_as_they_were, interrupted),
        OLDER_TEST(events_are_as_they_were, interrupted),
        OLDER_TEST(records_are_as_they_were, interrupted),
        OLDER_TEST(what_was_interrupted_is_in_it, interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
