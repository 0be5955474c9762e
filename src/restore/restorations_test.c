/* SPDX-License-Identifier: Apache-2.0 */
/* Restorations as stored operations: listed over a restart, going on after one, and what they wait
 * for. */
#include <string.h>

#include "base/str.h"
#include "mhost_fixture.h"
#include "operation/operation.h"
#include "restore/restore_run.h"
#include "state/state.h"
#include "test.h"

#define HANG (1U << PORT_GPU | 1U << PORT_PCI)

static const struct operation *latest(const struct mhost *mhost)
{
    return mhost->manager->restore->operation;
}

static bool is_over(void *mhost)
{
    return latest(mhost) != NULL && operation_is_over(latest(mhost));
}

static bool a_step_hangs(void *data)
{
    const struct mhost *mhost = data;
    return mhost->faults.hanging > 0 &&
           restore_count(mhost->manager->restore, RESTORE_RUNNING) == 1;
}

static struct operation_view view_of(const struct mhost *mhost, const char *id)
{
    struct operation_view view = {0};
    const struct operation *operation = operations_find(&mhost->manager->operations, id);
    assert_non_null(operation);
    operation_describe(operation, &view);
    return view;
}

static struct operation_view latest_view(const struct mhost *mhost)
{
    return view_of(mhost, latest(mhost)->id);
}

static void create(struct mhost_fixture *f, const char *json)
{
    assert_int_equal(mhost_create(&f->mhost, json, NULL), 0);
    assert_true(mhost_settle(&f->mhost));
}

static void restart(struct mhost_fixture *f)
{
    mhost_stop(&f->mhost);
    assert_int_equal(mhost_start(&f->mhost), 0);
}

/* The host was rebooted, and its claim's device is gone. */
static void reboot(struct mhost_fixture *f)
{
    create(f, "{\"name\": \"a\", \"type\": \"L40S-8Q\"}");
    mhost_stop(&f->mhost);
    fake_host_reboot(&f->host);
}

static void fail_steps(struct mhost_fixture *f)
{
    f->mhost.faults.kind = FAULT_FAIL_BEFORE;
    f->mhost.faults.only = FAULT_STEPS;
    f->mhost.faults.calls = 0;
    f->mhost.faults.at = 1;
    f->mhost.faults.length = 1000;
}

static void end(struct mhost_fixture *f)
{
    assert_true(mhost_wait_until(&f->mhost, is_over, &f->mhost));
    assert_true(mhost_settle(&f->mhost));
    assert_true(mhost_wait_stored(&f->mhost));
}

static void one_that_is_over_is_listed_over_restarts(void **state)
{
    struct mhost_fixture *f = *state;
    reboot(f);
    assert_int_equal(mhost_start(&f->mhost), 0);
    end(f);
    const struct operation_view before = latest_view(&f->mhost);
    assert_int_equal(before.state, OPERATION_DONE);
    for (int i = 0; i < 2; i++) {
        restart(f);
        assert_true(mhost_settle(&f->mhost));
        const struct operation_view after = view_of(&f->mhost, before.id);
        assert_null(latest(&f->mhost)); /* nothing is to be restored */
        assert_int_equal(after.state, OPERATION_DONE);
        assert_int_equal(after.created_us, before.created_us);
        assert_int_equal(after.finished_us, before.finished_us);
        assert_string_equal(after.author, "cleaved");
        assert_string_equal(after.text, before.text);
        assert_int_equal(after.progress.done, 1);
        assert_int_equal(after.progress.total, 1);
        assert_string_equal(after.url, "");
        assert_false(after.cancellable);
    }
}

static void ask_to_restore(struct mhost_fixture *f)
{
    struct answer answer = {0};
    mhost_ask(&f->mhost, VERB_RESTORE_HOST, &answer);
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_int_equal(answer.err.reason, REASON_NONE);
    answer_done(&answer);
}

/* Whether cleaved or a person began it. */
static void one_that_a_restart_cuts_off_goes_on_as_the_same(void **state)
{
    struct mhost_fixture *f = *state;
    for (int asked = 0; asked < 2; asked++) {
        char id[40];
        if (asked == 0) {
            reboot(f);
            f->mhost.faults.hang_steps = HANG;
            assert_int_equal(mhost_start(&f->mhost), 0);
        } else {
            fake_host_forget(&f->host);
            f->mhost.faults.hang_steps = HANG;
            ask_to_restore(f);
        }
        assert_true(mhost_wait_until(&f->mhost, a_step_hangs, &f->mhost));
        STR_SET(id, latest(&f->mhost)->id);
        f->mhost.faults.hang_steps = 0;
        restart(f);
        end(f);
        assert_string_equal(latest(&f->mhost)->id, id);
        assert_int_equal(latest(&f->mhost)->state, OPERATION_DONE);
        assert_int_equal(fake_host_count_vgpus(&f->host), 1);
    }
}

static bool waits(void *data)
{
    const struct mhost *mhost = data;
    const struct operation *operation = latest(mhost);
    return operation != NULL && operation->state == OPERATION_WAITING && operation->due_us != 0 &&
           mhost->manager->restore->gpus.n > 0 &&
           mhost->manager->restore->gpus.items[0].attempts.n > 3;
}

static void one_that_waits_says_why_how_often_and_when(void **state)
{
    struct mhost_fixture *f = *state;
    reboot(f);
    fail_steps(f);
    assert_int_equal(mhost_start(&f->mhost), 0);
    assert_true(mhost_wait_until(&f->mhost, waits, &f->mhost));
    const struct operation_view view = latest_view(&f->mhost);
    assert_true(str_starts(view.problem, "GPU 0000:"));
    assert_true(view.attempts > 3);
    assert_true(view.next_attempt_us > view.created_us);
    assert_true(view.deadline_us >= view.next_attempt_us);
    assert_string_not_equal(view.hint, "");
    f->mhost.faults.kind = FAULT_NONE;
    end(f);
    assert_int_equal(latest_view(&f->mhost).state, OPERATION_DONE);
    assert_string_equal(latest_view(&f->mhost).problem, "");
    /* The operation counts the attempts, and only the first one is an event. */
    assert_int_equal(mhost_count_events(&f->mhost, "plan-failed", NULL, NULL), 1);
    assert_int_equal(mhost_count_events(&f->mhost, "host-restore-waits", NULL, NULL), 0);
    assert_int_equal(mhost_count_events(&f->mhost, "host-restored", NULL, NULL), 1);
}

/* The state and the problem of claim "a" in a dry run. */
static void foresee(struct mhost_fixture *f, char state[NAME_SIZE], char problem[ERROR_TEXT_SIZE])
{
    struct answer answer = {0};
    mhost_ask(&f->mhost, VERB_RESTORE_HOST, &answer, .dry_run = true);
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_int_equal(answer.err.reason, REASON_NONE);
    const json_t *gpu = json_array_get(json_object_get(answer.body, "gpus"), 0);
    const json_t *claim = json_array_get(json_object_get(gpu, "claims"), 0);
    const char *text = json_string_value(json_object_get(claim, "problem"));
    (void)str_copy(state, NAME_SIZE, json_string_value(json_object_get(claim, "state")));
    (void)str_copy(problem, ERROR_TEXT_SIZE, text == NULL ? "" : text);
    answer_done(&answer);
}

/* The driver's module is not loaded, and NVIDIA's GPUs have none; then it comes. */
static void without_the_driver_it_waits_and_a_dry_run_says_for_what(void **state)
{
    struct mhost_fixture *f = *state;
    char word[NAME_SIZE];
    char text[ERROR_TEXT_SIZE];
    reboot(f);
    f->host.mismatch = true;
    f->host.driver_load = 0;
    for (uint32_t i = 0; i < f->host.n_gpus; i++) {
        f->host.gpus[i].driver[0] = '\0';
    }
    assert_int_equal(mhost_start(&f->mhost), 0);
    assert_true(mhost_wait_until(&f->mhost, waits, &f->mhost));
    assert_int_equal(mhost_count_events(&f->mhost, "plan-failed", NULL, NULL), 0);
    assert_int_equal(mhost_count_events(&f->mhost, "host-restore-waits", NULL, text), 1);
    assert_non_null(strstr(text, "waits for NVIDIA's driver, which is not loaded"));
    foresee(f, word, text);
    assert_string_equal(word, "blocked");
    assert_non_null(strstr(text, "waits for NVIDIA's driver, which is not loaded"));
    f->host.driver_load = 1;
    f->host.mismatch = false;
    foresee(f, word, text);
    assert_string_equal(word, "coming");
    end(f);
    assert_int_equal(mhost_count_events(&f->mhost, "host-restore-waits", NULL, NULL), 1);
    assert_int_equal(mhost_count_events(&f->mhost, "host-restored", NULL, NULL), 1);
}

/* A few are named, the others counted. */
static void what_many_wait_for_is_a_sentence(void **state)
{
    (void)state;
    struct restore_run run = {0};
    CLEANUP_STRBUF struct strbuf few = {0};
    CLEANUP_STRBUF struct strbuf many = {0};
    for (uint8_t i = 0; i < 7; i++) {
        struct restore_gpu *gpu = vec_push(&run.gpus);
        *gpu = (struct restore_gpu){.addr = {.bus = i}};
        if (i > 0) { /* the first one's turn has not come yet */
            error_set(&gpu->why, REASON_IN_USE, "gpu", "a program has it open");
        }
        if (i == 1) {
            restore_add_missing(&run, &few);
        }
    }
    assert_string_equal(strbuf_str(&few), "; GPU 0000:01:00.0: a program has it open");
    struct restore_absent *absent = vec_push(&run.absent);
    *absent = (struct restore_absent){.claim = "a"};
    error_set(&absent->why, REASON_NOT_FOUND, "claim/a", "its GPU is not on this host");
    restore_add_missing(&run, &many);
    assert_true(str_ends(strbuf_str(&many), "; and 4 more"));
    assert_non_null(strstr(strbuf_str(&many), "GPU 0000:03:00.0: a program has it open"));
    assert_null(strstr(strbuf_str(&many), "GPU 0000:04:00.0"));
    vec_done(&run.gpus);
    vec_done(&run.absent);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, mhost_fixture_setup, mhost_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(one_that_is_over_is_listed_over_restarts),
        TEST(one_that_a_restart_cuts_off_goes_on_as_the_same),
        TEST(one_that_waits_says_why_how_often_and_when),
        TEST(without_the_driver_it_waits_and_a_dry_run_says_for_what),
        cmocka_unit_test(what_many_wait_for_is_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
