/* SPDX-License-Identifier: Apache-2.0 */
/* Commits on the store's thread, and records that are damaged. */
#include "ledger_fixture.h"

/* ---- while the loop turns ---- */

struct later {
    unsigned n_done;
    struct error err; /* of the last */
};

static void note_done(const struct error *err, void *data)
{
    struct later *later = data;
    later->n_done++;
    later->err = err != NULL ? *err : (struct error){0};
}

static void put_later(struct fixture *f, struct later *later)
{
    struct event event = {.kind = "gpu-changed", .subject = "gpu/0000:41:00.0"};
    struct draft draft;
    draft_begin(&draft, f->ledger);
    draft_put_event(&draft, &event);
    draft_commit_then(&draft, note_done, later);
}

static void turn_until(struct evloop *loop, const struct later *later, unsigned n_done)
{
    while (later->n_done < n_done) {
        assert_true(evloop_step(loop, 10000000) > 0);
    }
}

static void a_commit_on_the_thread_calls_back_and_is_waited_for(void **state)
{
    struct fixture *f = *state;
    struct later later = {0};
    struct evloop *loop = NULL;
    assert_int_equal(evloop_new(&loop), 0);
    assert_int_equal(ledger_work_aside(f->ledger, loop), 0);
    for (unsigned i = 1; i <= 5; i++) {
        put_later(f, &later); /* out of turn: waits for the one before, and for what follows it */
        CLEANUP_FREE struct event *events = NULL;
        size_t n = 0;
        if (i % 2 == 0) {
            assert_int_equal(ledger_load_events(f->ledger, 0, 100, &events, &n, NULL), 0);
            assert_int_equal(n, i);
            assert_int_equal(f->ledger->last_event, i);
        }
    }
    assert_int_equal(later.n_done, 4); /* the last one is followed from the loop's own turn */
    turn_until(loop, &later, 5);
    assert_int_equal(later.err.reason, REASON_NONE);
    put_later(f, &later);
    open_again(f); /* its end waits for that, too, and calls back */
    assert_int_equal(later.n_done, 6);
    assert_int_equal(f->ledger->last_event, 6);
    evloop_free(loop);
}

static void all_has_called_back_when_the_thread_has_ended(void **state)
{
    struct fixture *f = *state;
    struct later later = {0};
    struct evloop *loop = NULL;
    assert_int_equal(evloop_new(&loop), 0);
    assert_int_equal(ledger_work_aside(f->ledger, loop), 0);
    put_later(f, &later);
    put_later(f, &later);
    ledger_end_aside(f->ledger);
    assert_int_equal(later.n_done, 2);
    put_later(f, &later); /* at once, from now on */
    assert_int_equal(later.n_done, 3);
    assert_int_equal(f->ledger->last_event, 3);
    ledger_end_aside(f->ledger); /* there is none any more */
    open_again(f);
    assert_int_equal(f->ledger->last_event, 3);
    evloop_free(loop);
}

static void a_commit_on_the_thread_that_fails_says_so(void **state)
{
    struct fixture *f = *state;
    struct later later = {0};
    struct evloop *loop = NULL;
    char path[96];
    assert_int_equal(evloop_new(&loop), 0);
    assert_int_equal(ledger_work_aside(f->ledger, loop), 0);
    snprintf(path, sizeof(path), "%s/cleave.db", f->dir);
    assert_int_equal(unlink(path), 0);
    put_later(f, &later);
    turn_until(loop, &later, 1);
    assert_int_equal(later.err.reason, REASON_UNAVAILABLE);
    assert_int_equal(f->ledger->last_event, 0);
    struct draft draft; /* what can't be stored at all fails at once */
    struct step step = {0};
    draft_begin(&draft, f->ledger);
    draft_put_step(&draft, "p1", 0, &step);
    draft_commit_then(&draft, note_done, &later);
    assert_int_equal(later.n_done, 2);
    assert_int_equal(later.err.reason, REASON_NOT_FOUND);
    ledger_free(TAKE_PTR(f->ledger));
    evloop_free(loop);
}

/* A plan that can not go on: its state says that it is over. */
static void contradict(struct fixture *f, bool body, const char *key, const char *value)
{
    CLEANUP(batch_done) struct batch batch = {0};
    CLEANUP(records_done) struct records records = {0};
    struct plan **plans = NULL;
    size_t n = 0;
    struct error err = {0};
    struct store_range all = {.kind = RECORD_OPERATION};
    put_plan(f, "p1", PLAN_RUNNING, 1);
    assert_int_equal(f->store->ops->load(f->store, &all, &records, NULL), 0);
    CLEANUP_JSON json_t *record = json_loads(records.items[0].text, 0, NULL);
    json_object_set_new(body ? json_object_get(record, "body") : record, key, json_string(value));
    batch_put(&batch, RECORD_OPERATION, records.items[0].id, json_dumps(record, 0), VERSION_ANY);
    assert_int_equal(f->store->ops->commit(f->store, &batch, NULL), 0);
    open_again(f);
    assert_int_equal(ledger_load_plans(f->ledger, 10, true, &plans, &n, &err), -REASON_INTERNAL);
    assert_non_null(strstr(err.message, "p1"));
    assert_null(plans);
}

static void a_plan_that_contradicts_its_record_is_damaged(void **state)
{
    struct fixture *f = *state;
    contradict(f, true, "state", "done");
    contradict(f, true, "state", "stuck");
    contradict(f, true, "id", "p2");
    contradict(f, false, "state", "failed");
    contradict(f, false, "id", "p2");
    contradict(f, false, "kind", "drain");
}

static void two_records_of_one_operation_are_damaged(void **state)
{
    struct fixture *f = *state;
    CLEANUP(batch_done) struct batch batch = {0};
    CLEANUP(ledger_freep) struct ledger *ledger = NULL;
    struct error err = {0};
    batch_put(&batch, RECORD_OPERATION, "open:plan:000000000001:p1", xstrdup("{}"), VERSION_ANY);
    batch_put(&batch, RECORD_OPERATION, "over:plan:000000000001:p1", xstrdup("{}"), VERSION_ANY);
    assert_int_equal(f->store->ops->commit(f->store, &batch, NULL), 0);
    assert_int_equal(ledger_open(f->store, &ledger, &err), -REASON_INTERNAL);
    assert_non_null(strstr(err.message, "over:plan:000000000001:p1"));
}

static void a_damaged_record_is_named(void **state)
{
    static const char *const texts[] = {
        "{\"name\":",        /* cut off */
        "{\"name\": \"x\"}", /* incomplete */
        "{\"name\": \"x\", \"future\": 1}",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        CLEANUP(batch_done) struct batch batch = {0};
        CLEANUP(ledger_freep) struct ledger *ledger = NULL;
        struct error err = {0};
        batch_put(&batch, RECORD_CLAIM, "x", xstrdup(texts[i]), VERSION_ANY);
        assert_int_equal(f->store->ops->commit(f->store, &batch, NULL), 0);
        assert_int_equal(ledger_open(f->store, &ledger, &err), -REASON_INTERNAL);
        assert_non_null(strstr(err.message, "claim \"x\""));
    }
}

/* What a later version stored of a claim, and what becomes of it when the claim is stored again. */
static void keys_of_a_later_version_are_kept(void **state)
{
    static const char text[] =
        "{\"name\": \"x\", \"version\": 3, \"createdUs\": 1, \"future\": {\"a\": [1, 2]}, "
        "\"need\": {\"memory\": \"8GiB\", \"future\": true}, \"overrides\": [{\"rule\": \"r\", "
        "\"reason\": \"why\", \"until\": \"2027\"}]}";
    static const char later[] =
        "{\"future\":{\"a\":[1,2]},\"need.future\":true,\"overrides[0].until\":\"2027\"}";
    struct fixture *f = *state;
    CLEANUP(batch_done) struct batch batch = {0};
    CLEANUP(ledger_freep) struct ledger *ledger = NULL;
    CLEANUP(ledger_freep) struct ledger *again = NULL;
    struct error err = {0};
    struct draft draft;
    batch_put(&batch, RECORD_CLAIM, "x", xstrdup(text), VERSION_ANY);
    assert_int_equal(f->store->ops->commit(f->store, &batch, NULL), 0);
    if (ledger_open(f->store, &ledger, &err) != 0) {
        fail_msg("%s", err.message);
    }
    struct claim claim = *ledger_claim(ledger, "x");
    assert_string_equal(claim.later, later);
    assert_string_equal(claim.overrides.items[0].reason, "why");
    STR_SET(claim.problem, "changed");
    draft_begin(&draft, ledger);
    draft_put_claim(&draft, &claim);
    assert_int_equal(draft_commit(&draft, &err), 0);
    assert_int_equal(ledger_open(f->store, &again, &err), 0);
    assert_string_equal(ledger_claim(again, "x")->later, later);
    assert_string_equal(ledger_claim(again, "x")->problem, "changed");
}

/* A word that decides what is done with the claim can't be passed over. */
static void a_word_of_a_later_version_is_refused(void **state)
{
    static const char *const words[] = {"\"state\": \"future\"", "\"mode\": \"future\"",
                                        "\"hold\": \"future\""};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        CLEANUP(batch_done) struct batch batch = {0};
        CLEANUP(ledger_freep) struct ledger *ledger = NULL;
        struct error err = {0};
        char *text = xasprintf("{\"name\": \"x\", \"version\": 1, \"createdUs\": 1, %s}", words[i]);
        batch_put(&batch, RECORD_CLAIM, "x", text, VERSION_ANY);
        assert_int_equal(f->store->ops->commit(f->store, &batch, NULL), 0);
        assert_int_equal(ledger_open(f->store, &ledger, &err), -REASON_INTERNAL);
        assert_non_null(strstr(err.message, "future"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(a_plan_that_contradicts_its_record_is_damaged),
        OVER_BOTH(two_records_of_one_operation_are_damaged),
        OVER_BOTH(a_damaged_record_is_named),
        OVER_BOTH(keys_of_a_later_version_are_kept),
        OVER_BOTH(a_word_of_a_later_version_is_refused),
        OVER_BOTH(a_commit_on_the_thread_calls_back_and_is_waited_for),
        OVER_BOTH(all_has_called_back_when_the_thread_has_ended),
        OVER(a_commit_on_the_thread_that_fails_says_so, sqlite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
