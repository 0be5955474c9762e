/* SPDX-License-Identifier: Apache-2.0 */
/* A plan that waits for a call which does not come back is cancelled: at once where nothing was
 * begun, else once the call is back. */
#include "base/json.h"
#include "base/str.h"
#include "mhost_fixture.h"
#include "state/state.h"
#include "test.h"

#define CLAIM_A "{\"name\": \"a\", \"type\": \"A100-2-10C\", \"vm\": \"web1\"}"

static int setup(void **state)
{
    int r = mhost_fixture_setup(state);
    ((struct mhost_fixture *)*state)->mhost.tick = mhost_lose_patience;
    return r;
}

static int teardown(void **state)
{
    struct mhost_fixture *f = *state;
    atomic_store(&f->mhost.faults.hang_steps, 0);
    return mhost_fixture_teardown(state);
}

static bool is_waiting(void *data)
{
    const struct manager *m = ((struct mhost *)data)->manager;
    return !m->busy && m->parked.n > 0;
}

static bool waits_no_more(void *data)
{
    const struct manager *m = ((struct mhost *)data)->manager;
    return !m->busy && m->parked.n == 0;
}

/* The first steps come back, and the next one of that port does not. */
static void let_wait(struct mhost *mhost, enum port_kind port, int spared)
{
    atomic_store(&mhost->faults.spared, spared);
    atomic_store(&mhost->faults.hang_steps, 1U << port);
}

static void ask(struct mhost *mhost, bool dry_run, struct answer *answer)
{
    *answer = (struct answer){0};
    assert_int_equal(mhost->manager->parked.n, 1);
    mhost_ask(mhost, VERB_CANCEL_OPERATION, answer,
              .target = mhost->manager->parked.items[0].plan->id, .dry_run = dry_run);
    assert_true(mhost_wait(mhost, answer));
    assert_int_equal(answer->err.reason, REASON_NONE);
}

static size_t count_undoes(const struct answer *answer)
{
    const json_t *list = json_object_get(answer->body, "undoes");
    assert_true(json_is_array(list));
    return json_array_size(list);
}

static void one_of_which_nothing_is_begun_ends_while_the_call_still_hangs(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct answer answer;
    let_wait(mhost, PORT_GPU, 0); /* the check of the first step */
    assert_int_equal(mhost_create(mhost, CLAIM_A, NULL), 0);
    assert_true(mhost_wait_until(mhost, is_waiting, mhost));
    ask(mhost, false, &answer);
    assert_int_equal(count_undoes(&answer), 0);
    answer_done(&answer);
    assert_true(mhost_wait_until(mhost, waits_no_more, mhost));
    assert_int_equal(atomic_load(&mhost->faults.hanging), 1);
    assert_string_equal(mhost_claim_state(mhost, "a"), "");
    assert_int_equal(mhost_count_events(mhost, "plan-cancelled", NULL, NULL), 1);
    mhost_assert_sound(mhost);
}

static void assert_is_undone_later(struct mhost *mhost)
{
    assert_true(mhost_settle(mhost));
    assert_string_equal(mhost_claim_state(mhost, "a"), "");
    assert_int_equal(mhost_count_events(mhost, "plan-cancelled", NULL, NULL), 1);
    assert_int_equal(fake_host_count_vgpus(mhost->host), 0);
    mhost_assert_sound(mhost);
}

/* At the attach step, all others are done. */
static void let_last_step_wait(struct mhost *mhost)
{
    let_wait(mhost, PORT_GUEST, 1);
    assert_int_equal(mhost_create(mhost, CLAIM_A, NULL), 0);
    assert_true(mhost_wait_until(mhost, is_waiting, mhost));
}

static void one_that_was_begun_is_undone_once_the_call_is_back(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct answer answer;
    let_last_step_wait(mhost);
    ask(mhost, true, &answer);
    size_t n = count_undoes(&answer);
    const json_t *first = json_array_get(json_object_get(answer.body, "undoes"), 0);
    assert_true(str_starts(json_string_value(first), "detach "));
    assert_string_equal(answer_text(&answer, "operation.state"), "waiting");
    answer_done(&answer);
    assert_false(plan_is_cancelled(mhost->manager->parked.items[0].plan));
    ask(mhost, false, &answer);
    assert_int_equal(count_undoes(&answer), n);
    assert_string_equal(answer_text(&answer, "operation.state"), "cancelling");
    answer_done(&answer);
    assert_true(is_waiting(mhost));
    ask(mhost, false, &answer); /* once more changes nothing */
    answer_done(&answer);
    atomic_store(&mhost->faults.hang_steps, 0);
    assert_is_undone_later(mhost);
}

static void a_cancel_outlives_a_restart(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct answer answer;
    let_last_step_wait(mhost);
    ask(mhost, false, &answer);
    answer_done(&answer);
    atomic_store(&mhost->faults.hang_steps, 0);
    mhost_stop(mhost);
    assert_int_equal(mhost_start(mhost), 0);
    const struct operations *all = &mhost->manager->operations;
    assert_int_equal(all->items.items[all->items.n - 1]->state, OPERATION_CANCELLING);
    assert_is_undone_later(mhost);
}

static void a_cancel_that_cant_be_stored_changes_nothing(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct answer answer = {0};
    let_last_step_wait(mhost);
    assert_true(mhost_wait_stored(mhost));
    mhost->faults.calls = 0;
    mhost->faults.at = 1;
    mhost->faults.only = FAULT_COMMITS;
    mhost->faults.kind = FAULT_FAIL_BEFORE;
    mhost_ask(mhost, VERB_CANCEL_OPERATION, &answer,
              .target = mhost->manager->parked.items[0].plan->id);
    assert_true(mhost_wait(mhost, &answer));
    assert_int_not_equal(answer.err.reason, REASON_NONE);
    answer_done(&answer);
    mhost->faults.kind = FAULT_NONE;
    atomic_store(&mhost->faults.hang_steps, 0);
    assert_true(mhost_settle(mhost));
    assert_string_equal(mhost_claim_state(mhost, "a"), "bound");
    mhost_assert_sound(mhost);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_of_which_nothing_is_begun_ends_while_the_call_still_hangs),
        TEST(one_that_was_begun_is_undone_once_the_call_is_back),
        TEST(a_cancel_outlives_a_restart),
        TEST(a_cancel_that_cant_be_stored_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
