/* SPDX-License-Identifier: Apache-2.0 */
/* A problem of the store is shown for as long as there is one, without a change that shows it. */
#include <string.h>

#include "mhost_fixture.h"
#include "state/state.h"
#include "test.h"

#define CLAIM_A "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"web1\"}"

static void look_often(struct mhost *mhost, struct manager_config *config)
{
    (void)mhost;
    config->observe_period_us = 20000;
}

static int setup(void **state)
{
    return mhost_fixture_setup_as(state, look_often);
}

static bool shows_store(struct mhost *mhost)
{
    struct answer answer = {0};
    const json_t *problem = NULL;
    size_t i = 0;
    bool found = false;
    mhost_ask(mhost, VERB_GET_HEALTH, &answer);
    assert_true(mhost_wait(mhost, &answer));
    json_array_foreach(json_object_get(answer.body, "problems"), i, problem)
    {
        found = found || strcmp(json_string_value(json_object_get(problem, "what")), "store") == 0;
    }
    answer_done(&answer);
    return found;
}

static bool has_failed_often(void *data)
{
    return atomic_load(&((struct mhost *)data)->faults.calls) >= 5;
}

static bool works(void *data)
{
    return ((struct mhost *)data)->manager->commit_problem.reason == REASON_NONE;
}

static void fail_commits(struct mhost *mhost)
{
    atomic_store(&mhost->faults.only, FAULT_COMMITS);
    atomic_store(&mhost->faults.calls, 0);
    atomic_store(&mhost->faults.at, 1);
    atomic_store(&mhost->faults.length, 1000000);
    atomic_store(&mhost->faults.kind, FAULT_FAIL_BEFORE);
}

static void the_problem_goes_when_the_store_works_again(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    assert_true(mhost_wait_stored(mhost));
    fail_commits(mhost);
    assert_int_equal(mhost_create(mhost, CLAIM_A, NULL), -REASON_UNAVAILABLE);
    assert_true(mhost_wait_until(mhost, has_failed_often, mhost)); /* nothing else is asked for */
    assert_true(shows_store(mhost));
    atomic_store(&mhost->faults.kind, FAULT_NONE);
    assert_true(mhost_wait_until(mhost, works, mhost));
    assert_false(shows_store(mhost));
    assert_int_equal(mhost_create(mhost, CLAIM_A, NULL), 0);
    assert_true(mhost_settle(mhost));
}

/* A disk that was full when the store was opened. */
static void a_store_that_was_opened_for_reading_has_the_problem_from_the_start(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct error full = {.reason = REASON_UNAVAILABLE, .message = "the disk is full"};
    mhost_stop(mhost);
    fail_commits(mhost);
    mhost->store->problem = &full;
    assert_int_equal(mhost_start(mhost), 0);
    assert_true(shows_store(mhost));
    assert_true(mhost_wait_until(mhost, has_failed_often, mhost));
    assert_true(shows_store(mhost));
    atomic_store(&mhost->faults.kind, FAULT_NONE);
    assert_true(mhost_wait_until(mhost, works, mhost));
    assert_false(shows_store(mhost));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_problem_goes_when_the_store_works_again, setup,
                                        mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(
            a_store_that_was_opened_for_reading_has_the_problem_from_the_start, setup,
            mhost_fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
