/* SPDX-License-Identifier: Apache-2.0 */
/* A restoration that is cancelled: the plan under way ends, the rest is left with its reason, and
 * stays left after a restart of cleaved, until a person asks again or the driver is loaded again.
 */
#include "base/str.h"
#include "lab_fixture.h"
#include "restore/restore.h"
#include "restore/restore_run.h"
#include "state/state.h"
#include "test.h"

static const struct operation *restoration(const struct lab *lab)
{
    return lab->manager->restore->operation;
}

static bool is_over(void *lab)
{
    const struct operation *operation = restoration(lab);
    return operation != NULL && operation_is_over(operation);
}

/* The step does not come back until the test says so. */
#define HANG (1U << PORT_GPU | 1U << PORT_PCI)

static bool a_step_hangs(void *data)
{
    const struct lab *lab = data;
    return lab->faults.hanging > 0 && restore_count(lab->manager->restore, RESTORE_RUNNING) == 1;
}

static bool a_plan_failed(void *lab)
{
    const struct restore_run *run = ((struct lab *)lab)->manager->restore;
    return run->gpus.n > 0 && run->gpus.items[0].attempts.n > 0;
}

static enum reason cancel(struct lab *lab, bool dry_run)
{
    struct answer answer = {0};
    lab_ask(lab, VERB_CANCEL_OPERATION, &answer, .target = restoration(lab)->id,
            .dry_run = dry_run);
    assert_true(lab_wait(lab, &answer));
    enum reason reason = answer.err.reason;
    answer_done(&answer);
    return reason;
}

static enum reason ask_to_restore(struct lab *lab)
{
    struct answer answer = {0};
    lab_ask(lab, VERB_RESTORE_HOST, &answer);
    assert_true(lab_wait(lab, &answer));
    enum reason reason = answer.err.reason;
    answer_done(&answer);
    return reason;
}

static void must_have(struct lab_fixture *f, size_t vgpus)
{
    char why[256] = "";
    assert_int_equal(fake_host_count_vgpus(&f->host), vgpus);
    if (vgpus == 2 && !lab_is_sound(&f->lab, why, sizeof(why))) {
        fail_msg("%s", why);
    }
}

/* Two claims of two GPUs, after a reboot. */
static void reboot(struct lab_fixture *f)
{
    assert_int_equal(lab_create(&f->lab, "{\"name\": \"a\", \"type\": \"L40S-8Q\"}", NULL), 0);
    assert_true(lab_settle(&f->lab));
    assert_int_equal(
        lab_create(&f->lab, "{\"name\": \"b\", \"type\": \"DC-1-8C\", \"gpu\": \"" LAB_RTX "\"}",
                   NULL),
        0);
    assert_true(lab_settle(&f->lab));
    must_have(f, 2);
    lab_stop(&f->lab);
    fake_host_reboot(&f->host);
    must_have(f, 0);
}

/* The restoration of the reboot, with the first GPU's plan at a step that has not come back. */
static void begin(struct lab_fixture *f)
{
    reboot(f);
    f->lab.faults.hang_steps = HANG;
    assert_int_equal(lab_start(&f->lab), 0);
    assert_true(lab_wait_until(&f->lab, a_step_hangs, &f->lab));
}

static void end(struct lab_fixture *f)
{
    f->lab.faults.hang_steps = 0;
    assert_true(lab_wait_until(&f->lab, is_over, &f->lab));
    assert_true(lab_settle(&f->lab));
}

static void the_plan_under_way_ends_and_the_rest_is_left(void **state)
{
    struct lab_fixture *f = *state;
    begin(f);
    assert_int_equal(cancel(&f->lab, true), REASON_NONE);
    assert_int_equal(restoration(&f->lab)->state, OPERATION_RUNNING);
    assert_int_equal(cancel(&f->lab, false), REASON_NONE);
    assert_int_equal(restoration(&f->lab)->state, OPERATION_CANCELLING);
    end(f);
    assert_int_equal(restoration(&f->lab)->state, OPERATION_CANCELLED);
    must_have(f, 1);
    const struct restore_run *run = f->lab.manager->restore;
    assert_int_equal(restore_count(run, RESTORE_RESTORED), 1);
    assert_int_equal(restore_count(run, RESTORE_INCOMPLETE), 1);
    struct operation_view view;
    operation_describe(restoration(&f->lab), &view);
    assert_non_null(strstr(view.problem, "was cancelled before its turn came"));
    assert_int_equal(cancel(&f->lab, false), REASON_CONFLICT);
}

static void it_stays_cancelled_over_a_restart_until_a_person_asks(void **state)
{
    struct lab_fixture *f = *state;
    begin(f);
    assert_int_equal(cancel(&f->lab, false), REASON_NONE);
    end(f);
    for (int i = 0; i < 2; i++) {
        lab_stop(&f->lab);
        assert_int_equal(lab_start(&f->lab), 0);
        assert_true(lab_settle(&f->lab));
        assert_null(restoration(&f->lab));
        must_have(f, 1);
    }
    assert_int_equal(ask_to_restore(&f->lab), REASON_NONE);
    assert_true(lab_wait_until(&f->lab, is_over, &f->lab));
    assert_int_equal(restoration(&f->lab)->state, OPERATION_DONE);
    must_have(f, 2);
}

static void a_restart_before_its_end_only_ends_the_plan_under_way(void **state)
{
    struct lab_fixture *f = *state;
    begin(f);
    assert_int_equal(cancel(&f->lab, false), REASON_NONE);
    f->lab.faults.hang_steps = 0;
    lab_stop(&f->lab);
    assert_int_equal(lab_start(&f->lab), 0);
    assert_true(lab_settle(&f->lab));
    assert_null(restoration(&f->lab));
    must_have(f, 1);
}

/* Asked for again, it goes on after a restart as if it had never been cancelled. */
static void what_is_asked_for_again_goes_on_after_a_restart(void **state)
{
    struct lab_fixture *f = *state;
    begin(f);
    assert_int_equal(cancel(&f->lab, false), REASON_NONE);
    end(f);
    f->lab.faults.hang_steps = HANG;
    assert_int_equal(ask_to_restore(&f->lab), REASON_NONE);
    assert_true(lab_wait_until(&f->lab, a_step_hangs, &f->lab));
    f->lab.faults.hang_steps = 0;
    lab_stop(&f->lab);
    assert_int_equal(lab_start(&f->lab), 0);
    assert_true(lab_wait_until(&f->lab, is_over, &f->lab));
    assert_true(lab_settle(&f->lab));
    must_have(f, 2);
}

static void who_asks_while_it_ends_gets_another_one(void **state)
{
    struct lab_fixture *f = *state;
    char first[40];
    begin(f);
    STR_SET(first, restoration(&f->lab)->id);
    assert_int_equal(cancel(&f->lab, false), REASON_NONE);
    struct answer answer = {0};
    lab_ask(&f->lab, VERB_RESTORE_HOST, &answer); /* waits for the turn */
    f->lab.faults.hang_steps = 0;
    assert_true(lab_wait(&f->lab, &answer));
    assert_int_equal(answer.err.reason, REASON_NONE);
    answer_done(&answer);
    assert_string_not_equal(restoration(&f->lab)->id, first);
    end(f);
    assert_int_equal(restoration(&f->lab)->state, OPERATION_DONE);
    must_have(f, 2);
}

static void what_waits_keeps_its_own_reason(void **state)
{
    struct lab_fixture *f = *state;
    reboot(f);
    f->lab.faults.kind = FAULT_FAIL_BEFORE;
    f->lab.faults.only = FAULT_STEPS;
    f->lab.faults.calls = 0;
    f->lab.faults.at = 1;
    f->lab.faults.length = 1000;
    assert_int_equal(lab_start(&f->lab), 0);
    assert_true(lab_wait_until(&f->lab, a_plan_failed, &f->lab));
    assert_int_equal(cancel(&f->lab, false), REASON_NONE);
    assert_true(lab_wait_until(&f->lab, is_over, &f->lab));
    f->lab.faults.kind = FAULT_NONE;
    assert_int_equal(restoration(&f->lab)->state, OPERATION_CANCELLED);
    must_have(f, 0);
    for (vec_each(&f->lab.manager->restore->gpus, gpu)) {
        assert_int_equal(gpu->state, RESTORE_INCOMPLETE);
        assert_int_not_equal(gpu->why.reason, REASON_NONE);
        assert_true(gpu->attempts.n == 0 || strstr(gpu->why.message, "cancelled") == NULL);
    }
}

/* What that takes is another loss than the one that was given up. */
static void a_driver_that_is_loaded_again_is_restored(void **state)
{
    struct lab_fixture *f = *state;
    begin(f);
    assert_int_equal(cancel(&f->lab, false), REASON_NONE);
    end(f);
    lab_stop(&f->lab);
    fake_host_forget(&f->host);
    f->host.driver_load++;
    assert_int_equal(lab_start(&f->lab), 0);
    assert_true(lab_wait_until(&f->lab, is_over, &f->lab));
    assert_true(lab_settle(&f->lab));
    must_have(f, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, lab_fixture_setup, lab_fixture_teardown)
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
