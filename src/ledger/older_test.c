/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stores that older versions of cleaved wrote (test/stores) are opened with today's code: each
 * claim, plan, step, event and record says what it said then. Keys that were added since may be
 * there too.
 */
#include <sqlite3.h>
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "ledger/draft.h"
#include "ledger/ledger.h"
#include "ledger/older_fixture.h"
#include "model/gpu_record.h"
#include "model/operation_views.h"
#include "store/one_kind.h"
#include "store/plain_words.h"
#include "store/sqlite.h"
#include "test.h"

#define MAX_ITEMS 1000

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
    CLEANUP_JSON json_t *was = older_left(o, "SELECT name, document FROM claims");
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
    CLEANUP_JSON json_t *was = older_left(o, "SELECT id, document FROM plans");
    CLEANUP_JSON json_t *steps =
        older_left(o, "SELECT plan_id || '/' || number, document FROM steps");
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
    CLEANUP_JSON json_t *was = older_left(
        o, "SELECT seq, json_object('seq', seq, 'kind', kind, 'subject', subject, 'author', "
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

/* Returns how many there are. */
static size_t check_records(struct older *o, enum record_kind kind, const char *word)
{
    CLEANUP_FREE char *sql = xasprintf("SELECT key, document FROM records WHERE kind = '%s'", word);
    CLEANUP_JSON json_t *was = older_left(o, sql);
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
        check_document(word, key, json_object_get(was, key), json_incref(document));
    }
    assert_int_equal(json_object_size(is), json_object_size(was));
    return json_object_size(was);
}

static void records_are_as_they_were(void **state)
{
    struct older *o = *state;
    assert_int_equal(check_records(o, RECORD_GPU, "gpu"), 7);
    assert_in_range(check_records(o, RECORD_HOST, "host"), 1, 3);
}

/* ---- operations ---- */

struct found {
    struct operation_view view;
    json_t *body;
};

static struct found load(struct older *o, const struct operation_entry *entry)
{
    struct found found = {0};
    struct error err = {0};
    if (ledger_load_operation(o->ledger, entry, &found.view, &found.body, &err) != 0) {
        fail_msg("%s: %s", entry->id, err.message);
    }
    return found;
}

/* What the record of an operation shows is what today's code would store of its document. */
static void check_view(const struct operation_view *is, const struct operation_view *want)
{
    assert_string_equal(is->id, want->id);
    assert_int_equal(is->kind, want->kind);
    assert_int_equal(is->state, want->state);
    assert_string_equal(is->subject, want->subject);
    assert_string_equal(is->author, want->author);
    assert_int_equal(is->cancel, want->cancel);
    assert_int_equal(is->created_us, want->created_us);
    assert_int_equal(is->finished_us, want->finished_us);
}

static void plans_are_found_as_operations(void **state)
{
    struct older *o = *state;
    const struct operation_entries *entries = &o->ledger->operations.kinds[OPERATION_KIND_PLAN];
    assert_true(entries->n >= 10);
    for (vec_each(entries, entry)) {
        CLEANUP(plan_freep) struct plan *plan = NULL;
        struct found found = load(o, entry);
        struct operation_view want;
        assert_int_equal(ledger_load_plan(o->ledger, entry->id, &plan, NULL), 0);
        plan_to_operation(plan, &want);
        check_view(&found.view, &want);
        assert_string_equal(found.view.text, want.text);
        assert_string_equal(found.view.problem, want.problem);
        assert_string_equal(found.view.hint, want.hint);
        assert_int_equal(found.view.progress.done, want.progress.done);
        assert_int_equal(found.view.progress.total, want.progress.total);
        json_decref(found.body);
    }
}

static json_t *migration_again(const json_t *body, struct operation_view *ret_view)
{
    CLEANUP(migration_freep) struct migration *migration = NULL;
    assert_int_equal(migration_from_stored_json(body, &migration, NULL), 0);
    migration_to_operation(migration, ret_view);
    return migration_to_json(migration);
}

static json_t *incoming_again(const json_t *body, struct operation_view *ret_view)
{
    CLEANUP(incoming_freep) struct incoming *incoming = NULL;
    assert_int_equal(incoming_from_json(body, "stored record", &incoming, NULL), 0);
    incoming_to_operation(incoming, ret_view);
    return incoming_to_json(incoming);
}

static json_t *drain_again(const json_t *body, struct operation_view *ret_view)
{
    CLEANUP(drain_freep) struct drain *drain = NULL;
    assert_int_equal(drain_from_stored_json(body, &drain, NULL), 0);
    drain_to_operation(drain, ret_view);
    return drain_to_stored_json(drain);
}

typedef json_t *again_fn(const json_t *body, struct operation_view *ret_view);

/* Operations that the older store had under that kind and prefix of a key. Returns how many. */
static size_t check_operations(struct older *o, enum operation_kind_id kind, const char *word,
                               const char *prefix, again_fn *again)
{
    CLEANUP_FREE char *sql = xasprintf(
        "SELECT key, document FROM records WHERE kind = '%s' AND key LIKE '%s%%'", word, prefix);
    CLEANUP_JSON json_t *was = older_left(o, sql);
    const struct operation_entries *entries = &o->ledger->operations.kinds[kind];
    assert_int_equal(entries->n, json_object_size(was));
    for (vec_each(entries, entry)) {
        struct operation_view want;
        struct found found = load(o, entry);
        CLEANUP_FREE char *key = xasprintf("%s%s", prefix, entry->id);
        const json_t *old = kind == OPERATION_KIND_DRAIN
                                ? json_object_iter_value(json_object_iter(was))
                                : json_object_get(was, key);
        check_document(word, key, old, again(found.body, &want));
        STR_SET(want.id, entry->id); /* a drain had none */
        check_view(&found.view, &want);
        assert_true(entry == entries->items || entry[-1].number < entry->number);
        json_decref(found.body);
    }
    return entries->n;
}

static void migrations_and_drains_are_found_as_operations(void **state)
{
    struct older *o = *state;
    size_t out =
        check_operations(o, OPERATION_KIND_MIGRATION, "migration", "out:", migration_again);
    size_t in = check_operations(o, OPERATION_KIND_INCOMING, "migration", "in:", incoming_again);
    assert_in_range(out, 1, 2);
    assert_int_equal(in, 1);
    size_t drains = check_operations(o, OPERATION_KIND_DRAIN, "drain", "", drain_again);
    assert_in_range(drains, 0, 1);
}

/* Only they are not over. */
static void what_was_interrupted_is_found_as_such(void **state)
{
    static const size_t open[OPERATION_KIND_COUNT] = {
        [OPERATION_KIND_PLAN] = 1, [OPERATION_KIND_MIGRATION] = 1};
    struct older *o = *state;
    for (size_t kind = 0; kind < OPERATION_KIND_COUNT; kind++) {
        size_t n = 0;
        for (vec_each(&o->ledger->operations.kinds[kind], entry)) {
            n += !entry->over;
        }
        assert_int_equal(n, open[kind]);
    }
}

/* Plans keep their order and their steps; what is new comes behind them. */
static void the_next_plan_comes_last(void **state)
{
    struct older *o = *state;
    CLEANUP(plan_freep) struct plan *plan = plan_new();
    struct operation_entries *plans = &o->ledger->operations.kinds[OPERATION_KIND_PLAN];
    uint64_t last = plans->items[plans->n - 1].number;
    STR_SET(plan->id, "new");
    plan_move(plan, PLAN_DONE);
    assert_int_equal(draft_store_plan(o->ledger, plan, NULL), 0);
    assert_string_equal(plans->items[plans->n - 1].id, "new");
    assert_int_equal(plans->items[plans->n - 1].number, last + 1);
}

/* A record that can't be read is left for who reads it: as an operation, by its id. */
static void a_damaged_record_stays_damaged(void **state)
{
    static const char *const kinds[] = {"migration", "drain"};
    struct older *o = *state;
    struct store *store = NULL;
    struct ledger *ledger = NULL;
    struct error err = {0};
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        char path[96];
        sqlite3 *db = NULL;
        snprintf(path, sizeof(path), "%s/%s.db", o->dir, kinds[i]);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, o->sql, NULL, NULL, NULL), SQLITE_OK);
        CLEANUP_FREE char *sql = xasprintf(
            "INSERT OR REPLACE INTO records VALUES ('%s', 'out:x', '{\"state\":')", kinds[i]);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        assert_int_equal(sqlite_store_open(path, &store, &err), 0);
        assert_int_equal(ledger_open(store, &ledger, &err), 0);
        enum operation_kind_id kind = i == 0 ? OPERATION_KIND_MIGRATION : OPERATION_KIND_DRAIN;
        const struct operation_entries *entries = &ledger->operations.kinds[kind];
        size_t damaged = 0;
        for (vec_each(entries, entry)) {
            struct operation_view view;
            json_t *body = NULL;
            int r = ledger_load_operation(ledger, entry, &view, &body, &err);
            damaged += r != 0;
            assert_true(r == 0 || (!entry->over && strstr(err.message, entry->id) != NULL));
            json_decref(body);
        }
        assert_int_equal(damaged, 1);
        ledger_free(ledger);
        store->ops->free(store);
    }
}

/* ---- what the stores are there for ---- */

static size_t count(struct older *o, const char *table, const char *where)
{
    CLEANUP_FREE char *sql =
        xasprintf("SELECT count(*), json_object('n', count(*)) FROM %s WHERE %s", table, where);
    CLEANUP_JSON json_t *found = older_left(o, sql);
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

/* ---- words ---- */

static void check_state(const char *kind, json_t *document, enum operation_state want)
{
    CLEANUP_JSON json_t *own = document;
    const struct former_record record = {.kind = kind, .id = "x", .document = own};
    CLEANUP_JSON json_t *json = one_kind(&record);
    CLEANUP_FREE char *text = json_text(own);
    const char *state = json_string_value(json_object_get(json, "state"));
    if (!str_eq(state, operation_state_name(want))) {
        fail_msg("%s %s became %s", kind, text, state != NULL ? state : "nothing");
    }
}

/* In each state that such a document can have, with and without a problem, cancelled or not. */
static void states_become_those_of_today(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++) {
        const char *problem = (k & 1) != 0 ? "it failed" : "";
        bool cancel = (k & 2) != 0;
        for (enum plan_state s = PLAN_RUNNING; s < PLAN_CANCELLED; s++) { /* a later state */
            struct operation_view view;
            struct plan plan = {.state = s};
            STR_SET(plan.problem, problem);
            plan_to_operation(&plan, &view);
            check_state("plan",
                        json_pack("{s:s, s:s}", "state", plan_state_name(s), "problem", problem),
                        view.state);
        }
        for (enum migration_state s = 0; s < MIGRATION_STATE_COUNT; s++) {
            const struct migration migration = {.state = s, .cancel = cancel};
            check_state(
                "migration",
                json_pack("{s:s, s:b}", "state", migration_state_name(s), "cancel", (int)cancel),
                migration_operation_state(&migration));
        }
        for (enum incoming_state s = 0; s < INCOMING_STATE_COUNT; s++) {
            struct incoming incoming = {.state = s, .abort = cancel};
            STR_SET(incoming.problem, problem);
            check_state("incoming",
                        json_pack("{s:s, s:b, s:s}", "state", incoming_state_name(s), "abort",
                                  (int)cancel, "problem", problem),
                        incoming_operation_state(&incoming));
        }
        for (enum drain_state s = 0; s < DRAIN_STATE_COUNT; s++) {
            check_state("drain", json_pack("{s:s}", "state", drain_state_name(s)),
                        drain_operation_state(s));
        }
    }
}

#define OLDER_TEST(fn, name) {#fn " (" #name ")", fn, older_setup_##name, older_teardown, NULL}
/* What holds of each store. */
#define OLDER_TESTS(name)                                                                          \
    OLDER_TEST(claims_are_as_they_were, name),                                                     \
        OLDER_TEST(plans_and_their_steps_are_as_they_were, name),                                  \
        OLDER_TEST(events_are_as_they_were, name), OLDER_TEST(records_are_as_they_were, name),     \
        OLDER_TEST(plans_are_found_as_operations, name),                                           \
        OLDER_TEST(migrations_and_drains_are_found_as_operations, name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OLDER_TESTS(running),
        OLDER_TESTS(interrupted),
        OLDER_TEST(what_was_interrupted_is_found_as_such, interrupted),
        OLDER_TEST(the_next_plan_comes_last, interrupted),
        OLDER_TEST(a_damaged_record_stays_damaged, interrupted),
        OLDER_TEST(what_was_interrupted_is_in_it, interrupted),
        OLDER_TESTS(brought_to_4),
        OLDER_TEST(what_was_interrupted_is_found_as_such, brought_to_4),
        OLDER_TESTS(running_4),
        OLDER_TESTS(interrupted_4),
        OLDER_TEST(what_was_interrupted_is_found_as_such, interrupted_4),
        OLDER_TEST(the_next_plan_comes_last, interrupted_4),
        OLDER_TEST(what_was_interrupted_is_in_it, interrupted_4),
        OLDER_TEST(plans_and_their_steps_are_as_they_were, again),
        OLDER_TEST(plans_are_found_as_operations, again),
        OLDER_TEST(migrations_and_drains_are_found_as_operations, again),
        OLDER_TEST(what_was_interrupted_is_found_as_such, again),
        cmocka_unit_test(states_become_those_of_today),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
