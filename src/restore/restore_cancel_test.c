/* SPDX-License-Identifier: Apache-2.0 */
/* A restoration that is cancelled: the plan under way ends, the rest is left with its reason, and
 * stays left after a restart of cleaved, until a person asks again or the driver is loaded again.
 */
#include "base/str.h"
#include "mhost_fixture.h"
#include "restore/restorations.h"
#include "restore/restore_run.h"
#include "state/state.h"
#include "test.h"

static const struct operation *restoration(const struct mhost *mhost)
{
    return mhost->manager->restore->operation;
}

static bool is_over(void *mhost)
{
    const struct operation *operation = restoration(mhost);
    return operation != NULL && operation_is_over(operation);
}

/* The step does not come back until the test says so. */
#define HANG (1U << PORT_GPU | 1U << PORT_PCI)

static bool a_step_hangs(void *data)
{
    const struct mhost *mhost = data;
    return mhost->faults.hanging > 0 &&
           restore_count(mhost->manager->restore, RESTORE_RUNNING) == 1;
}

static bool a_plan_failed(void *mhost)
{
    const struct restore_run *run = ((struct mhost *)mhost)->manager->restore;
    return run->gpus.n > 0 && run->gpus.items[0].attempts.n > 0;
}

static enum reason cancel(struct mhost *mhost, bool dry_run)
{
    struct answer answer = {0};
    mhost_ask(mhost, VERB_CANCEL_OPERATION, &answer, .target = restoration(mhost)->id,
              .dry_run = dry_run);
    assert_true(mhost_wait(mhost, &answer));
    enum reason reason = answer.err.reason;
    answer_done(&answer);
    return reason;
}

static enum reason ask_to_restore(struct mhost *mhost)
{
    struct answer answer = {0};
    mhost_ask(mhost, VERB_RESTORE_HOST, &answer);
    assert_true(mhost_wait(mhost, &answer));
    enum reason reason = answer.err.reason;
    answer_done(&answer);
    return reason;
}

static void must_have(struct mhost_fixture *f, size_t vgpus)
{
    char why[256] = "";
    assert_int_equal(fake_host_count_vgpus(&f->host), vgpus);
    if (vgpus == 2 && !mhost_is_sound(&f->mhost, why, sizeof(why))) {
        fail_msg("%s", why);
    }
}

/* Two claims of two GPUs, after a reboot. */
static void reboot(struct mhost_fixture *f)
{
    assert_int_equal(mhost_create(&f->mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\"}", NULL), 0);
    assert_true(mhost_settle(&f->mhost));
    assert_int_equal(
        mhost_create(&f->mhost,
                     "{\"name\": \"b\", \"type\": \"DC-1-8C\", \"gpu\": \"" MHOST_RTX "\"}", NULL),
        0);
    assert_true(mhost_settle(&f->mhost));
    must_have(f, 2);
    mhost_stop(&f->mhost);
    fake_host_reboot(&f->host);
    must_have(f, 0);
}

/* The restoration of the reboot, with the first GPU's plan at a step that has not come back. */
static void begin(struct mhost_fixture *f)
{
    reboot(f);
    f->mhost.faults.hang_steps = HANG;
    assert_int_equal(mhost_start(&f->mhost), 0);
    assert_true(mhost_wait_until(&f->mhost, a_step_hangs, &f->mhost));
}

static void end(struct mhost_fixture *f)
{
    f->mhost.faults.hang_steps = 0;
    assert_true(mhost_wait_until(&f->mhost, is_over, &f->mhost));
    assert_true(mhost_settle(&f->mhost));
}

static void the_plan_under_way_ends_and_the_rest_is_left(void **state)
{
    struct mhost_fixture *f = *state;
    begin(f);
    assert_int_equal(cancel(&f->mhost, true), REASON_NONE);
    assert_int_equal(restoration(&f->mhost)->state, OPERATION_RUNNING);
    assert_int_equal(cancel(&f->mhost, false), REASON_NONE);
    assert_int_equal(restoration(&f->mhost)->state, OPERATION_CANCELLING);
    end(f);
    assert_int_equal(restoration(&f->mhost)->state, OPERATION_CANCELLED);
    must_have(f, 1);
    const struct restore_run *run = f->mhost.manager->restore;
    assert_int_equal(restore_count(run, RESTORE_RESTORED), 1);
    assert_int_equal(restore_count(run, RESTORE_INCOMPLETE), 1);
    struct operation_view view;
    operation_describe(restoration(&f->mhost), &view);
    assert_non_null(strstr(view.problem, "was cancelled before its turn came"));
    assert_int_equal(cancel(&f->mhost, false), REASON_CONFLICT);
}

static void it_stays_cancelled_over_a_restart_until_a_person_asks(void **state)
{
    struct mhost_fixture *f = *state;
    begin(f);
    assert_int_equal(cancel(&f->mhost, false), REASON_NONE);
    end(f);
    for (int i = 0; i < 2; i++) {
        mhost_stop(&f->mhost);
        assert_int_equal(mhost_start(&f->mhost), 0);
        assert_true(mhost_settle(&f->mhost));
        assert_null(restoration(&f->mhost));
        must_have(f, 1);
    }
    assert_int_equal(ask_to_restore(&f->mhost), REASON_NONE);
    assert_true(mhost_wait_until(&f->mhost, is_over, &f->mhost));
    assert_int_equal(restoration(&f->mhost)->state, OPERATION_DONE);
    must_have(f, 2);
}

static void a_restart_before_its_end_only_ends_the_plan_under_way(void **state)
{
    struct mhost_fixture *f = *state;
    begin(f);
    assert_int_equal(cancel(&f->mhost, false), REASON_NONE);
    char id[40];
    STR_SET(id, restoration(&f->mhost)->id);
    f->mhost.faults.hang_steps = 0;
    mhost_stop(&f->mhost);
    assert_int_equal(mhost_start(&f->mhost), 0);
    assert_true(mhost_wait_until(&f->mhost, is_over, &f->mhost));
    assert_true(mhost_settle(&f->mhost));
    assert_string_equal(restoration(&f->mhost)->id, id);
    assert_int_equal(restoration(&f->mhost)->state, OPERATION_CANCELLED);
    must_have(f, 1);
}

/* Asked for again, it goes on after a restart as if it had never been cancelled. */
static void what_is_asked_for_again_goes_on_after_a_restart(void **state)
{
    struct mhost_fixture *f = *state;
    begin(f);
    assert_int_equal(cancel(&f->mhost, false), REASON_NONE);
    end(f);
    f->mhost.faults.hang_steps = HANG;
    assert_int_equal(ask_to_restore(&f->mhost), REASON_NONE);
    assert_true(mhost_wait_until(&f->mhost, a_step_hangs, &f->mhost));
    f->mhost.faults.hang_steps = 0;
    mhost_stop(&f->mhost);
    assert_int_equal(mhost_start(&f->mhost), 0);
    assert_true(mhost_wait_until(&f->mhost, is_over, &f->mhost));
    assert_true(mhost_settle(&f->mhost));
    must_have(f, 2);
}

static void who_asks_while_it_ends_gets_another_one(void **state)
{
    struct mhost_fixture *f = *state;
    char first[40];
    begin(f);
    STR_SET(first, restoration(&f->mhost)->id);
    assert_int_equal(cancel(&f->mhost, false), REASON_NONE);
    struct answer answer = {0};
    mhost_ask(&f->mhost, VERB_RESTORE_HOST, &answer); /* waits for the turn */
    f->mhost.faults.hang_steps = 0;
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_int_equal(answer.err.reason, REASON_NONE);
    answer_done(&answer);
    assert_string_not_equal(restoration(&f->mhost)->id, first);
    end(f);
    assert_int_equal(restoration(&f->mhost)->state, OPERATION_DONE);
    must_have(f, 2);
}

static void what_waits_keeps_its_own_reason(void **state)
{
    struct mhost_fixture *f = *state;
    reboot(f);
    f->mhost.faults.kind = FAULT_FAIL_BEFORE;
    f->mhost.faults.only = FAULT_STEPS;
    f->mhost.faults.calls = 0;
    f->mhost.faults.at = 1;
    f->mhost.faults.length = 1000;
    assert_int_equal(mhost_start(&f->mhost), 0);
    assert_true(mhost_wait_until(&f->mhost, a_plan_failed, &f->mhost));
    assert_int_equal(cancel(&f->mhost, false), REASON_NONE);
    assert_true(mhost_wait_until(&f->mhost, is_over, &f->mhost));
    f->mhost.faults.kind = FAULT_NONE;
    assert_int_equal(restoration(&f->mhost)->state, OPERATION_CANCELLED);
    must_have(f, 0);
    for (vec_each(&f->mhost.manager->restore->gpus, gpu)) {
        assert_int_equal(gpu->state, RESTORE_INCOMPLETE);
        assert_int_not_equal(gpu->why.reason, REASON_NONE);
        assert_true(gpu->attempts.n == 0 || strstr(gpu->why.message, "cancelled") == NULL);
    }
}

/* What that takes is another loss than the one that was given up. */
static void a_driver_that_is_loaded_again_is_restored(void **state)
{
    struct mhost_fixture *f = *state;
    begin(f);
    assert_int_equal(cancel(&f->mhost, false), REASON_NONE);
    end(f);
    mhost_stop(&f->mhost);
    fake_host_forget(&f->host);
    f->host.driver_load++;
    assert_int_equal(mhost_start(&f->mhost), 0);
    assert_true(mhost_wait_until(&f->mhost, is_over, &f->mhost));
    assert_true(mhost_settle(&f->mhost));
    must_have(f, 2);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, mhost_fixture_setup, mhost_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_plan_under_way_ends_and_the_rest_is_left),
        TEST(it_stays_cancelled_over_a_restart_until_a_person_asks),
        TEST(a_restart_before_its_end_only_ends_the_plan_under_way),
        TEST(what_is_asked_for_again_goes_on_after_a_restart),
        TEST(who_asks_while_it_ends_gets_another_one),
        TEST(what_waits_keeps_its_own_reason),
        TEST(a_driver_that_is_loaded_again_is_restored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
