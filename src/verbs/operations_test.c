/* SPDX-License-Identifier: Apache-2.0 */
/* Operations of all kinds in one list: what is shown of them, filters, cancelling. */
#include "base/str.h"
#include "drain/drain_run.h"
#include "hooked.h"
#include "mhost_fixture.h"
#include "state/plan_run.h"
#include "state/state.h"
#include "state/txn.h"
#include "test.h"

static void list(struct mhost *mhost, const struct request *filters, struct answer *answer)
{
    struct request request = *filters;
    request.data = answer;
    mhost_call(mhost, VERB_LIST_OPERATIONS, &request);
    assert_true(mhost_wait(mhost, answer));
}

static size_t count(struct mhost *mhost, const struct request *filters)
{
    struct answer answer = {0};
    list(mhost, filters, &answer);
    assert_int_equal(answer.err.reason, REASON_NONE);
    size_t n = json_array_size(json_object_get(answer.body, "operations"));
    answer_done(&answer);
    return n;
}
#define COUNT(mhost, ...) count((mhost), &(struct request){__VA_ARGS__})

/* The newest of that kind; the caller's. */
static json_t *newest(struct mhost *mhost, const char *kind)
{
    struct answer answer = {0};
    list(mhost, &(struct request){.kind = kind}, &answer);
    json_t *first = json_incref(json_array_get(json_object_get(answer.body, "operations"), 0));
    answer_done(&answer);
    return first;
}

static const char *text(const json_t *operation, const char *key)
{
    const char *found = json_string_value(json_object_get(operation, key));
    return found == NULL ? "" : found;
}

static enum reason cancel(struct mhost *mhost, const char *id, bool dry_run, char ret_why[512])
{
    struct answer answer = {0};
    mhost_ask(mhost, VERB_CANCEL_OPERATION, &answer, .target = id, .dry_run = dry_run);
    assert_true(mhost_wait(mhost, &answer));
    enum reason reason = answer.err.reason;
    (void)str_copy(ret_why, 512, answer.err.message);
    answer_done(&answer);
    return reason;
}

static void create(struct mhost *mhost, const char *json)
{
    assert_int_equal(mhost_create(mhost, json, NULL), 0);
    assert_true(mhost_settle(mhost));
}

static void a_plan_is_listed_and_found_by_every_filter(void **state)
{
    struct mhost_fixture *f = *state;
    create(&f->mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"web1\"}");
    CLEANUP_JSON json_t *plan = newest(&f->mhost, "plan");
    const json_t *progress = json_object_get(plan, "progress");
    assert_string_equal(text(plan, "kind"), "plan");
    assert_string_equal(text(plan, "subject"), "claim/a");
    assert_string_equal(text(plan, "state"), "done");
    assert_true(str_ends(text(plan, "url"), text(plan, "id")));
    assert_int_equal(json_integer_value(json_object_get(progress, "done")),
                     json_integer_value(json_object_get(progress, "total")));
    assert_int_equal(COUNT(&f->mhost, .kind = NULL), 1);
    assert_int_equal(COUNT(&f->mhost, .kind = "plan", .state = "done", .subject = "claim/a"), 1);
    assert_int_equal(COUNT(&f->mhost, .kind = "migration"), 0);
    assert_int_equal(COUNT(&f->mhost, .state = "active"), 0);
    assert_int_equal(COUNT(&f->mhost, .state = "failed"), 0);
    assert_int_equal(COUNT(&f->mhost, .subject = "claim/b"), 0);
}

/* A site's plan has many claims, and none of them is its subject. */
static void a_plan_of_several_claims_is_found_by_each(void **state)
{
    struct mhost_fixture *f = *state;
    assert_int_equal(
        mhost_apply(&f->mhost,
                    "{\"name\": \"lab\", \"claims\": ["
                    "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"web1\"},"
                    "{\"name\": \"ab\", \"profile\": \"2g.10gb\", \"gpu\": \"" MHOST_A100 "\"}]}",
                    NULL),
        0);
    assert_true(mhost_settle(&f->mhost));
    static const char *const subjects[] = {"claim/a", "claim/ab",        "vm/web1",
                                           "host",    "gpu/" MHOST_A100, "gpu/" MHOST_L40S};
    static const char *const others[] = {"claim/b", "claim/", "vm/web", "gpu/" MHOST_RTX, "a"};
    for (int restarts = 0; restarts < 2; restarts++) {
        for (size_t i = 0; i < ARRAY_SIZE(subjects); i++) {
            if (COUNT(&f->mhost, .subject = subjects[i]) != 1) {
                fail_msg("%s finds no plan", subjects[i]);
            }
        }
        for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
            assert_int_equal(COUNT(&f->mhost, .subject = others[i]), 0);
        }
        mhost_stop(&f->mhost);
        assert_int_equal(mhost_start(&f->mhost), 0);
        assert_true(mhost_settle(&f->mhost));
    }
}

static void a_plan_is_listed_after_a_restart(void **state)
{
    struct mhost_fixture *f = *state;
    create(&f->mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"web1\"}");
    CLEANUP_JSON json_t *before = newest(&f->mhost, "plan");
    mhost_stop(&f->mhost);
    assert_int_equal(mhost_start(&f->mhost), 0);
    assert_true(mhost_settle(&f->mhost));
    CLEANUP_JSON json_t *after = newest(&f->mhost, "plan");
    assert_true(json_equal(before, after));
    assert_int_equal(COUNT(&f->mhost, .kind = "plan"), 1);
}

static bool a_step_hangs(void *data)
{
    return ((struct mhost *)data)->faults.hanging > 0;
}

static void a_plan_that_runs_says_how_far_it_is(void **state)
{
    struct mhost_fixture *f = *state;
    struct answer answer = {0};
    CLEANUP_JSON json_t *claim = json_pack("{s:s, s:s}", "name", "a", "type", "L40S-8Q");
    f->mhost.faults.spared = 1; /* the check before the step */
    f->mhost.faults.hang_steps = 1U << PORT_GPU | 1U << PORT_PCI;
    mhost_ask(&f->mhost, VERB_CREATE_CLAIM, &answer, .json = claim);
    assert_true(mhost_wait_until(&f->mhost, a_step_hangs, &f->mhost));
    CLEANUP_JSON json_t *plan = newest(&f->mhost, "plan");
    assert_string_equal(text(plan, "state"), "running");
    assert_string_not_equal(text(json_object_get(plan, "progress"), "text"), "");
    assert_int_equal(COUNT(&f->mhost, .state = "active"), 1);
    assert_true(json_is_true(json_object_get(plan, "cancellable")));
    f->mhost.faults.hang_steps = 0;
    assert_true(mhost_settle(&f->mhost));
    assert_int_equal(COUNT(&f->mhost, .state = "active"), 0);
    answer_done(&answer);
}

static void a_plan_that_cant_be_stored_is_no_operation(void **state)
{
    struct mhost_fixture *f = *state;
    f->mhost.faults.kind = FAULT_FAIL_BEFORE;
    f->mhost.faults.only = FAULT_COMMITS;
    f->mhost.faults.calls = 0;
    f->mhost.faults.at = 1;
    assert_int_not_equal(mhost_create(&f->mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\"}", NULL),
                         0);
    f->mhost.faults.kind = FAULT_NONE;
    assert_int_equal(COUNT(&f->mhost, .kind = NULL), 0);
}

static void put_done_plan(struct mhost *mhost, const char *id)
{
    CLEANUP(plan_freep) struct plan *plan = plan_new();
    struct txn txn;
    struct error err = {0};
    STR_SET(plan->id, id);
    plan->created_us = plan->finished_us = 1000000;
    plan_move(plan, PLAN_DONE);
    txn_begin(&txn, mhost->manager);
    txn_put_plan(&txn, plan);
    assert_int_equal(txn_commit(&txn, &err), 0);
}

static void the_oldest_plans_are_shown_from_the_store(void **state)
{
    struct mhost_fixture *f = *state;
    char why[512];
    char id[16];
    for (int i = 0; i <= (int)operation_limits[OPERATION_KIND_PLAN].listed; i++) {
        str_print(id, sizeof(id), "plan-%d", i);
        put_done_plan(&f->mhost, id);
    }
    assert_int_equal(COUNT(&f->mhost, .kind = "plan"),
                     operation_limits[OPERATION_KIND_PLAN].listed);
    assert_null(operations_find(&f->mhost.manager->operations, "plan-0"));
    struct answer answer = {0};
    mhost_ask(&f->mhost, VERB_GET_OPERATION, &answer, .target = "plan-0");
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_string_equal(answer_text(&answer, "operation.state"), "done");
    assert_string_equal(answer_text(&answer, "operation.url"), "/v1/plans/plan-0");
    answer_done(&answer);
    assert_int_equal(cancel(&f->mhost, "plan-0", false, why), REASON_CONFLICT);
    assert_string_equal(why, "it is over: done");
}

static void a_filter_that_no_operation_can_have_is_refused(void **state)
{
    struct mhost_fixture *f = *state;
    struct answer answer = {0};
    list(&f->mhost, &(struct request){.state = "run"}, &answer);
    assert_int_equal(answer.err.reason, REASON_INVALID);
    assert_string_equal(answer.err.message, "no operation has the state \"run\"");
    assert_string_equal(answer.err.hint, "did you mean \"running\"?");
    answer_done(&answer);
    list(&f->mhost, &(struct request){.kind = "migrations"}, &answer);
    assert_int_equal(answer.err.reason, REASON_INVALID);
    assert_string_equal(answer.err.hint, "did you mean \"migration\"?");
    answer_done(&answer);
    list(&f->mhost, &(struct request){.kind = "xyzzyxyzzy"}, &answer);
    assert_string_equal(answer.err.hint,
                        "one of plan, migration, incoming, drain, restoration, release, give-back");
    answer_done(&answer);
}

static void what_is_over_or_unknown_cant_be_cancelled(void **state)
{
    struct mhost_fixture *f = *state;
    char why[512];
    create(&f->mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\"}");
    CLEANUP_JSON json_t *plan = newest(&f->mhost, "plan");
    assert_int_equal(cancel(&f->mhost, text(plan, "id"), false, why), REASON_CONFLICT);
    assert_string_equal(why, "the plan of claim/a is over: done");
    assert_int_equal(cancel(&f->mhost, "no-such", true, why), REASON_NOT_FOUND);
}

static void a_restoration_is_an_operation(void **state)
{
    struct mhost_fixture *f = *state;
    struct answer answer = {0};
    char why[512];
    create(&f->mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\"}");
    mhost_ask(&f->mhost, VERB_RESTORE_HOST, &answer);
    assert_true(mhost_wait(&f->mhost, &answer));
    answer_done(&answer);
    assert_true(mhost_settle(&f->mhost));
    CLEANUP_JSON json_t *restoration = newest(&f->mhost, "restoration");
    assert_string_equal(text(restoration, "subject"), "host");
    assert_string_equal(text(restoration, "state"), "done");
    assert_string_equal(text(restoration, "url"), "/v1/host/restore");
    assert_int_equal(cancel(&f->mhost, text(restoration, "id"), false, why), REASON_CONFLICT);
    assert_string_equal(why, "the restoration of host is over: done");
}

static bool is_drained(void *data)
{
    const struct manager *m = data;
    return m->drain_run != NULL && drain_is_over(m->drain_run->drain->state);
}

static void a_drain_is_an_operation(void **state)
{
    struct mhost_fixture *f = *state;
    struct answer answer = {0};
    char why[512];
    CLEANUP_JSON json_t *body = json_pack("{s:b}", "stop", true);
    mhost_ask(&f->mhost, VERB_DRAIN_HOST, &answer, .json = body);
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_int_equal(answer.err.reason, REASON_NONE);
    answer_done(&answer);
    CLEANUP_JSON json_t *drain = newest(&f->mhost, "drain");
    assert_string_equal(text(drain, "url"), "/v1/drain");
    assert_true(mhost_wait_until(&f->mhost, is_drained, f->mhost.manager));
    CLEANUP_JSON json_t *end = newest(&f->mhost, "drain");
    assert_string_equal(text(end, "id"), text(drain, "id"));
    assert_string_equal(text(end, "state"), "done");
    assert_int_equal(cancel(&f->mhost, text(end, "id"), false, why), REASON_CONFLICT);
    assert_string_equal(why, "the drain is over: done");
    mhost_stop(&f->mhost);
    assert_int_equal(mhost_start(&f->mhost), 0);
    CLEANUP_JSON json_t *stored = newest(&f->mhost, "drain");
    assert_string_equal(text(stored, "id"), text(drain, "id"));
    assert_string_equal(text(stored, "finishedAt"), text(end, "finishedAt"));
}

static enum reason ask(struct mhost *mhost, enum verb_id verb)
{
    struct answer answer = {0};
    mhost_ask(mhost, verb, &answer);
    assert_true(mhost_wait(mhost, &answer));
    enum reason reason = answer.err.reason;
    answer_done(&answer);
    return reason;
}

/* Only the latest is the host's, until it is ended; all are listed. */
static void drains_are_listed_over_restarts(void **state)
{
    struct mhost_fixture *f = *state;
    CLEANUP_JSON json_t *body = json_pack("{s:b}", "stop", true);
    for (int i = 0; i < 3; i++) {
        struct answer answer = {0};
        mhost_ask(&f->mhost, VERB_DRAIN_HOST, &answer, .json = body);
        assert_true(mhost_wait(&f->mhost, &answer));
        answer_done(&answer);
        assert_true(mhost_wait_until(&f->mhost, is_drained, f->mhost.manager));
        assert_true(mhost_wait_stored(&f->mhost));
    }
    CLEANUP_JSON json_t *latest = newest(&f->mhost, "drain");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(COUNT(&f->mhost, .kind = "drain", .state = "done"), 3);
        CLEANUP_JSON json_t *now = newest(&f->mhost, "drain");
        assert_true(json_equal(now, latest));
        assert_int_equal(ask(&f->mhost, VERB_GET_DRAIN), REASON_NONE);
        mhost_stop(&f->mhost);
        assert_int_equal(mhost_start(&f->mhost), 0);
        assert_true(mhost_settle(&f->mhost));
    }
    assert_int_equal(ask(&f->mhost, VERB_UNDRAIN_HOST), REASON_NONE);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask(&f->mhost, VERB_GET_DRAIN), REASON_NOT_FOUND);
        assert_int_equal(COUNT(&f->mhost, .kind = "drain", .state = "done"), 3);
        CLEANUP_JSON json_t *now = newest(&f->mhost, "drain");
        assert_string_equal(text(now, "id"), text(latest, "id"));
        assert_string_equal(text(now, "url"), "");
        mhost_stop(&f->mhost);
        assert_int_equal(mhost_start(&f->mhost), 0);
        assert_true(mhost_settle(&f->mhost));
    }
}

static void a_drain_is_cancelled_as_an_operation(void **state)
{
    struct mhost_fixture *f = *state;
    struct answer answer = {0};
    char why[512];
    static const char *const vms[] = {"web1", "web2"};
    fake_lock();
    for (size_t i = 0; i < ARRAY_SIZE(vms); i++) { /* it does not end before it is cancelled */
        fake_host_vm(&f->host, vms[i])->running = fake_host_vm(&f->host, vms[i])->deaf = true;
    }
    fake_unlock();
    CLEANUP_JSON json_t *body = json_pack("{s:b}", "stop", true);
    mhost_ask(&f->mhost, VERB_DRAIN_HOST, &answer, .json = body);
    assert_true(mhost_wait(&f->mhost, &answer));
    answer_done(&answer);
    CLEANUP_JSON json_t *drain = newest(&f->mhost, "drain");
    assert_true(json_is_true(json_object_get(drain, "cancellable")));
    assert_int_equal(cancel(&f->mhost, text(drain, "id"), true, why), REASON_NONE);
    assert_int_not_equal(f->mhost.manager->drain_run->drain->state, DRAIN_CANCELLING);
    assert_int_equal(cancel(&f->mhost, text(drain, "id"), false, why), REASON_NONE);
    fake_lock();
    for (size_t i = 0; i < ARRAY_SIZE(vms); i++) {
        fake_host_vm(&f->host, vms[i])->running = false;
    }
    fake_unlock();
    assert_true(mhost_wait_until(&f->mhost, is_drained, f->mhost.manager));
    CLEANUP_JSON json_t *end = newest(&f->mhost, "drain");
    assert_string_equal(text(end, "state"), "cancelled");
    assert_true(json_is_true(json_object_get(end, "cancel")));
    assert_false(json_is_true(json_object_get(end, "cancellable")));
}

static bool fails_to_give_back(void *data)
{
    const struct mhost *mhost = data;
    for (vec_each(&mhost->manager->operations.items, operation)) {
        if ((*operation)->attempts.n > 0) {
            return true;
        }
    }
    return false;
}

static bool has_given_back(void *data)
{
    const struct mhost *mhost = data;
    for (vec_each(&mhost->manager->operations.items, operation)) {
        if ((*operation)->kind->id == OPERATION_KIND_GIVE_BACK) {
            return operation_is_over(*operation);
        }
    }
    return false;
}

static void what_could_not_be_given_back_is_tried_again_until_it_is(void **state)
{
    struct mhost_fixture *f = *state;
    hooked_create(&f->mhost, WHOLE("a", "web1"));
    assert_int_equal(hooked_ask(&f->mhost, "web1", "prepare", NULL), 0);
    f->mhost.faults.kind = FAULT_FAIL_BEFORE;
    f->mhost.faults.only = FAULT_STEPS;
    f->mhost.faults.calls = 0;
    f->mhost.faults.at = 1;
    assert_int_equal(hooked_ask(&f->mhost, "web1", "release", NULL), 0);
    assert_true(mhost_wait_until(&f->mhost, fails_to_give_back, &f->mhost));
    CLEANUP_JSON json_t *waits = newest(&f->mhost, "give-back");
    assert_string_equal(text(waits, "subject"), "vm/web1");
    assert_string_equal(text(waits, "author"), "cleaved");
    assert_string_equal(text(waits, "text"), "releasing the devices of VM \"web1\"");
    assert_string_not_equal(text(waits, "problem"), "");
    f->mhost.faults.kind = FAULT_NONE;
    operations_hurry(&f->mhost.manager->operations);
    mhost_look(&f->mhost);
    assert_true(mhost_wait_until(&f->mhost, has_given_back, &f->mhost));
    CLEANUP_JSON json_t *done = newest(&f->mhost, "give-back");
    assert_string_equal(text(done, "id"), text(waits, "id"));
    assert_string_equal(text(done, "state"), "done");
    assert_string_equal(text(done, "problem"), "");
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "pending");
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, mhost_fixture_setup, mhost_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_plan_is_listed_and_found_by_every_filter),
        TEST(a_plan_of_several_claims_is_found_by_each),
        TEST(a_plan_is_listed_after_a_restart),
        TEST(a_plan_that_runs_says_how_far_it_is),
        TEST(a_plan_that_cant_be_stored_is_no_operation),
        TEST(the_oldest_plans_are_shown_from_the_store),
        TEST(a_filter_that_no_operation_can_have_is_refused),
        TEST(what_is_over_or_unknown_cant_be_cancelled),
        TEST(a_restoration_is_an_operation),
        TEST(a_drain_is_an_operation),
        TEST(drains_are_listed_over_restarts),
        TEST(a_drain_is_cancelled_as_an_operation),
        cmocka_unit_test_setup_teardown(what_could_not_be_given_back_is_tried_again_until_it_is,
                                        hooked_setup, mhost_fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
