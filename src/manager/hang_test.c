/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever hangs below the manager, it answers. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "manager/hang_fixture.h"
#include "manager/manager.h"
#include "state/lateness.h"
#include "state/state.h"
#include "store/busy.h"
#include "test.h"
#include "turn/queue.h"
#include "watch/looks.h"

#define NVML_CLAIM "{\"name\": \"a\", \"type\": \"A100-2-10C\", \"vm\": \"web1\"}"
#define WHOLE_GPU "{\"name\": \"w\", \"mode\": \"passthrough\", \"gpu\": \"" MHOST_L40S "\"}"

/* On a machine that is busy with other things a look may be late for once. */
static void list_fresh_gpus(struct mhost *mhost, struct answer *answer)
{
    list_gpus(mhost, answer);
    while (answer_text(answer, "late") != NULL) {
        answer_done(answer);
        list_gpus(mhost, answer);
    }
}

static void who_reads_gets_what_was_seen_last_with_its_age(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct answer before;
    struct answer now;
    list_fresh_gpus(mhost, &before);
    let_hang(mhost, PORT_GPU);
    list_gpus(mhost, &now);
    assert_int_equal(json_array_size(json_object_get(now.body, "gpus")), 3);
    assert_non_null(strstr(answer_text(&now, "late"), "NVML has not answered since 2"));
    assert_true(strcmp(answer_text(&now, "observedAt"), answer_text(&before, "observedAt")) >= 0);
    answer_done(&now);
    let_go(mhost);
    assert_true(mhost_wait_until(mhost, driver_is_back, mhost));
    list_fresh_gpus(mhost, &now);
    assert_string_not_equal(answer_text(&now, "observedAt"), answer_text(&before, "observedAt"));
    answer_done(&now);
    answer_done(&before);
}

static void assert_device_is_listed_once(struct mhost *mhost)
{
    struct answer vms = {0};
    const json_t *vm = NULL;
    size_t i = 0;
    size_t n = 0;
    mhost_ask(mhost, VERB_LIST_VMS, &vms);
    assert_true(mhost_wait(mhost, &vms));
    json_array_foreach(json_object_get(vms.body, "vms"), i, vm)
    {
        if (strcmp(json_string_value(json_object_get(vm, "name")), "web1") == 0) {
            n += json_array_size(json_object_get(vm, "devices"));
        }
    }
    assert_int_equal(n, 1);
    answer_done(&vms);
}

static void assert_hook_lists_once(struct mhost *mhost, const char *operation)
{
    print_message("# %s\n", operation);
    assert_int_equal(mhost_hook(mhost, "web1", operation, NULL), 0);
    assert_device_is_listed_once(mhost);
}

/* Hooks say that a VM starts and ends, and libvirt nothing: what was seen of its definition, and
 * what one hook or two say, is the same device. */
static void a_device_is_listed_once_while_libvirt_is_late(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    assert_int_equal(mhost_create(mhost, NVML_CLAIM, NULL), 0);
    assert_true(mhost_settle(mhost));
    mhost_look(mhost);
    let_hang(mhost, PORT_GUEST);
    assert_hook_lists_once(mhost, "prepare");
    assert_hook_lists_once(mhost, "prepare");
    assert_hook_lists_once(mhost, "release");
    assert_hook_lists_once(mhost, "prepare");
    let_go(mhost);
    mhost_stop(mhost);
    let_hang(mhost, PORT_GUEST); /* no VM was seen yet, and none is listed */
    assert_int_equal(mhost_start(mhost), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(mhost_hook(mhost, "web1", "prepare", NULL), 0);
        assert_int_equal(host_find_vm(mhost->manager->host, "web1")->devices.n, 1);
    }
}

/* NVML is closed for a step that hangs: it is that which is named. */
static void a_step_that_keeps_nvml_closed_is_named_for_it(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct manager *m = mhost->manager;
    struct answer now;
    CLEANUP(plan_freep) struct plan *plan = plan_new();
    struct pci_addr addr;
    assert_true(pci_addr_parse(MHOST_L40S, &addr));
    struct step *step = vec_push(&plan->steps);
    *step = step_make(STEP_SRIOV_ENABLE, &addr);
    step->state = STEP_RUNNING;
    list_fresh_gpus(mhost, &now);
    answer_done(&now);
    let_hang(mhost, PORT_GPU);
    m->running = plan;
    m->step_since_us = 1;
    list_gpus(mhost, &now);
    const char *late = answer_text(&now, "late");
    assert_null(strstr(late, "NVML has not answered"));
    assert_non_null(strstr(late, "cleaved does not ask NVML"));
    assert_non_null(strstr(late, MHOST_L40S));
    answer_done(&now);
    assert_true(mhost_wait_until(mhost, driver_is_late, mhost));
    now = (struct answer){0};
    mhost_ask(mhost, VERB_GET_HEALTH, &now);
    const json_t *problem = json_array_get(json_object_get(now.body, "problems"), 0);
    assert_string_equal(json_string_value(json_object_get(problem, "what")), "sysfs");
    assert_non_null(strstr(json_string_value(json_object_get(problem, "text")), MHOST_L40S));
    answer_done(&now);
    assert_true(m->host->nvml_unasked);
    assert_int_equal(mhost_create(mhost, NVML_CLAIM, &now), -REASON_UNAVAILABLE);
    assert_non_null(strstr(now.err.hint, "`cleave plan list`"));
    assert_null(strstr(now.err.hint, "dmesg"));
    answer_done(&now);
    m->step_since_us =
        UINT64_MAX; /* it began after NVML was asked: NVML hangs, and the step waits */
    list_gpus(mhost, &now);
    assert_non_null(strstr(answer_text(&now, "late"), "NVML has not answered since 2"));
    answer_done(&now);
    m->running = NULL;
}

static void health_names_what_hangs(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct answer answer = {0};
    let_hang(mhost, PORT_GUEST);
    list_gpus(mhost, &answer);
    answer_done(&answer);
    answer = (struct answer){0};
    mhost_ask(mhost, VERB_GET_HEALTH, &answer);
    assert_true(answer.there); /* at once */
    assert_string_equal(answer_text(&answer, "status"), "degraded");
    const json_t *problem = json_array_get(json_object_get(answer.body, "problems"), 0);
    assert_string_equal(json_string_value(json_object_get(problem, "what")), "libvirt");
    answer_done(&answer);
}

/* The loop turns while the journal is stored. */
static void health_names_a_store_that_hangs(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct answer answer = {0};
    mhost->manager->config.read_patience_us = 1;
    sqlite_busy_begin();
    do {
        answer_done(&answer);
        answer = (struct answer){0};
        mhost_ask(mhost, VERB_GET_HEALTH, &answer);
    } while (str_eq(answer_text(&answer, "status"), "ok"));
    sqlite_busy_end();
    const json_t *problem = json_array_get(json_object_get(answer.body, "problems"), 0);
    assert_string_equal(json_string_value(json_object_get(problem, "what")), "store");
    answer_done(&answer);
}

static void what_needs_nvml_is_refused_while_it_is_late_and_the_rest_is_not(void **state)
{
    struct mhost_fixture *f = *state;
    struct mhost *mhost = &f->mhost;
    struct answer answer;
    fake_lock();
    STR_SET(f->host.gpus[2].driver, "vfio-pci"); /* not the driver's: nothing to ask it */
    fake_unlock();
    list_gpus(mhost, &answer);
    answer_done(&answer);
    let_hang(mhost, PORT_GPU);
    assert_int_equal(mhost_create(mhost, NVML_CLAIM, &answer), -REASON_UNAVAILABLE);
    assert_non_null(strstr(answer.err.message, "NVML has not answered since 2"));
    answer_done(&answer);
    assert_int_equal(mhost_create(mhost, WHOLE_GPU, NULL), 0);
    while (!str_eq(mhost_claim_state(mhost, "w"), "bound")) {
        list_gpus(mhost, &answer);
        answer_done(&answer);
    }
    assert_int_equal(atomic_load(&mhost->faults.hanging), 1); /* no second one waits behind it */
    let_go(mhost);
    assert_true(mhost_wait_until(mhost, driver_is_back, mhost));
    assert_int_equal(mhost_create(mhost, NVML_CLAIM, NULL), 0);
    assert_true(mhost_settle(mhost));
    assert_string_equal(mhost_claim_state(mhost, "a"), "bound");
}

static void a_gpu_of_a_late_driver_keeps_what_was_seen_of_it(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct answer answer;
    assert_int_equal(mhost_create(mhost, NVML_CLAIM, NULL), 0);
    assert_true(mhost_settle(mhost));
    let_hang(mhost, PORT_GPU);
    list_gpus(mhost, &answer);
    answer_done(&answer);
    assert_true(mhost_wait_until(mhost, driver_is_late, mhost));
    list_gpus(mhost, &answer);
    const json_t *gpu = json_array_get(json_object_get(answer.body, "gpus"), 0);
    assert_string_equal(json_string_value(json_object_get(gpu, "mode")), "mig");
    assert_int_equal(json_array_size(json_object_get(gpu, "gpuInstances")), 1);
    assert_non_null(json_string_value(json_object_get(gpu, "problem")));
    answer_done(&answer);
    assert_int_equal(mhost_delete(mhost, "a", NULL), -REASON_UNAVAILABLE);
    let_go(mhost);
    assert_true(mhost_wait_until(mhost, driver_is_back, mhost));
    assert_int_equal(mhost_count_events(mhost, "gpu-changed", NULL, NULL), 0);
    assert_int_equal(mhost_count_events(mhost, "gpu-found", NULL, NULL), 0);
    assert_int_equal(mhost_delete(mhost, "a", NULL), 0);
    assert_true(mhost_settle(mhost));
    mhost_assert_sound(mhost);
}

static void a_kernel_that_hangs_is_named_to_who_wants_a_change(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct answer answer;
    let_hang(mhost, PORT_PCI);
    assert_int_equal(mhost_create(mhost, NVML_CLAIM, &answer), -REASON_UNAVAILABLE);
    assert_non_null(strstr(answer.err.message, "sysfs has not answered since 2"));
    answer_done(&answer);
    list_gpus(mhost, &answer);
    assert_non_null(answer_text(&answer, "late"));
    answer_done(&answer);
    let_go(mhost);
    assert_true(mhost_settle(mhost));
    assert_int_equal(mhost_create(mhost, NVML_CLAIM, NULL), 0);
    assert_true(mhost_settle(mhost));
}

/* ---- any port, at any call ---- */

static const enum verb_id reads[] = {VERB_GET_HEALTH, VERB_GET_HOST,      VERB_LIST_GPUS,
                                     VERB_LIST_VMS,   VERB_LIST_PROFILES, VERB_LIST_CLAIMS,
                                     VERB_LIST_PLANS, VERB_LIST_GARBAGE,  VERB_GET_RESTORE};

static bool is_hanging(void *data)
{
    struct mhost *mhost = data;
    return atomic_load(&mhost->faults.hanging) > 0 ||
           (mhost->manager->running == NULL && !mhost->manager->busy &&
            !looks_under_way(mhost->manager));
}

static bool all_answer(struct mhost *mhost)
{
    struct answer answers[ARRAY_SIZE(reads)] = {{0}};
    for (size_t i = 0; i < ARRAY_SIZE(reads); i++) {
        mhost_ask(mhost, reads[i], &answers[i]);
        if (!mhost_wait(mhost, &answers[i])) {
            return false;
        }
        answer_done(&answers[i]);
    }
    return true;
}

enum outcome { OUTCOME_ANSWERED, OUTCOME_NOT_REACHED, OUTCOME_SILENT, OUTCOME_NO_END };

/* In a process of its own, as the daemon: what hangs is left to itself. */
static enum outcome claim_while_hanging(struct mhost *mhost, enum port_kind port, int spared)
{
    struct answer claim = {0};
    atomic_store(&mhost->faults.spared, spared);
    let_hang(mhost, port);
    json_t *body = json_loads(NVML_CLAIM, 0, NULL);
    mhost_ask(mhost, VERB_CREATE_CLAIM, &claim, .json = body);
    json_decref(body);
    if (!mhost_wait(mhost, &claim)) {
        return OUTCOME_SILENT;
    }
    (void)mhost_wait_until(mhost, is_hanging, mhost);
    bool reached = atomic_load(&mhost->faults.hanging) > 0;
    if (!all_answer(mhost)) {
        return OUTCOME_SILENT;
    }
    uint64_t until_us = clock_monotonic_us() + 50000;
    bool ended = manager_finish(mhost->manager, until_us);
    if (clock_monotonic_us() > until_us + 20000000 || (ended && reached)) {
        return OUTCOME_NO_END;
    }
    return reached ? OUTCOME_ANSWERED : OUTCOME_NOT_REACHED;
}

static enum outcome in_a_process(enum port_kind port, int spared)
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        void *state = NULL;
        if (hang_setup(&state) != 0) {
            _exit(99);
        }
        _exit((int)claim_while_hanging(&((struct mhost_fixture *)state)->mhost, port, spared));
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return (enum outcome)WEXITSTATUS(status);
}

static void whichever_call_hangs_every_read_is_answered_and_the_end_comes(void **state)
{
    (void)state;
    for (enum port_kind port = PORT_GPU; port <= PORT_GUEST; port++) {
        int spared = 0;
        enum outcome outcome = OUTCOME_ANSWERED;
        for (; outcome == OUTCOME_ANSWERED && spared < 100; spared++) {
            outcome = in_a_process(port, spared);
            if (outcome != OUTCOME_ANSWERED && outcome != OUTCOME_NOT_REACHED) {
                fail_msg("port %d hangs after %d calls: %s", port, spared,
                         outcome == OUTCOME_SILENT ? "no answer" : "no end");
            }
        }
        assert_true(spared > 3); /* each port is called for a claim */
    }
}

static void a_plan_that_libvirt_does_not_answer_holds_up_no_other(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct answer answer;
    atomic_store(&mhost->faults.spared, 2); /* a look, and the check of the attach step */
    let_hang(mhost, PORT_GUEST);
    assert_int_equal(mhost_create(mhost, NVML_CLAIM, NULL), 0);
    assert_true(mhost_wait_until(mhost, is_free, mhost));
    assert_string_equal(mhost_claim_state(mhost, "a"), "binding");
    /* On a busy machine another step may have been late before. */
    assert_true(mhost_count_events(mhost, "plan-delayed", NULL, NULL) >= 1);
    /* Another GPU, whichever: that of the plan is in hand. */
    assert_int_equal(mhost_create(mhost, "{\"name\": \"b\", \"type\": \"L40S-8Q\"}", NULL), 0);
    while (!str_eq(mhost_claim_state(mhost, "b"), "bound")) {
        list_gpus(mhost, &answer);
        answer_done(&answer);
    }
    assert_int_equal(mhost_create(mhost, "{\"name\": \"c\", \"type\": \"A100-2-10C\"}", &answer),
                     -REASON_UNAVAILABLE);
    answer_done(&answer);
    assert_int_equal(mhost_delete(mhost, "a", NULL), -REASON_UNAVAILABLE);
    answer = (struct answer){0};
    mhost_ask(mhost, VERB_GET_HEALTH, &answer);
    assert_string_equal(answer_text(&answer, "status"), "degraded");
    answer_done(&answer);
    let_go(mhost);
    assert_true(mhost_settle(mhost));
    assert_string_equal(mhost_claim_state(mhost, "a"), "bound");
    mhost_assert_sound(mhost);
    assert_int_equal(mhost_delete(mhost, "a", NULL), 0);
    assert_true(mhost_settle(mhost));
}

static void a_plan_that_waits_goes_on_after_a_restart(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    atomic_store(&mhost->faults.spared, 2);
    let_hang(mhost, PORT_GUEST);
    assert_int_equal(mhost_create(mhost, NVML_CLAIM, NULL), 0);
    assert_true(mhost_wait_until(mhost, is_free, mhost));
    let_go(mhost);
    mhost_stop(mhost); /* before the plan has the turn again */
    assert_int_equal(mhost_start(mhost), 0);
    assert_true(mhost_settle(mhost));
    assert_string_equal(mhost_claim_state(mhost, "a"), "bound");
    mhost_assert_sound(mhost);
}

/* Wherever a port hangs in a plan: another change is answered, and all is well in the end. */
static bool goes_on(enum port_kind port, int spared)
{
    void *state = NULL;
    assert_int_equal(hang_setup(&state), 0);
    struct mhost *mhost = &((struct mhost_fixture *)state)->mhost;
    struct answer one = {0};
    struct answer two = {0};
    atomic_store(&mhost->faults.spared, spared);
    let_hang(mhost, port);
    json_t *body = json_loads(NVML_CLAIM, 0, NULL);
    mhost_ask(mhost, VERB_CREATE_CLAIM, &one, .json = body);
    json_decref(body);
    assert_true(mhost_wait(mhost, &one));
    (void)mhost_wait_until(mhost, is_hanging, mhost);
    bool reached = atomic_load(&mhost->faults.hanging) > 0;
    body = json_loads("{\"name\": \"b\", \"type\": \"L40S-8Q\"}", 0, NULL);
    mhost_ask(mhost, VERB_CREATE_CLAIM, &two, .json = body);
    json_decref(body);
    assert_true(mhost_wait(mhost, &two));
    let_go(mhost);
    assert_true(mhost_wait_until(mhost, is_over, mhost));
    assert_true(mhost_settle(mhost));
    assert_string_equal(mhost_claim_state(mhost, "a"),
                        one.err.reason == REASON_NONE ? "bound" : "");
    assert_string_equal(mhost_claim_state(mhost, "b"),
                        two.err.reason == REASON_NONE ? "bound" : "");
    mhost_assert_sound(mhost);
    answer_done(&one);
    answer_done(&two);
    (void)hang_teardown(&state);
    return reached;
}

static void whichever_call_hangs_other_changes_are_answered_and_all_goes_on(void **state)
{
    (void)state;
    for (enum port_kind port = PORT_GPU; port <= PORT_GUEST; port++) {
        int spared = 0;
        while (goes_on(port, spared) && spared < 100) {
            spared++;
        }
        assert_true(spared > 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whichever_call_hangs_every_read_is_answered_and_the_end_comes),
        cmocka_unit_test(whichever_call_hangs_other_changes_are_answered_and_all_goes_on),
        cmocka_unit_test_setup_teardown(a_plan_that_libvirt_does_not_answer_holds_up_no_other,
                                        hang_setup, hang_teardown),
        cmocka_unit_test_setup_teardown(a_plan_that_waits_goes_on_after_a_restart, hang_setup,
                                        hang_teardown),
        cmocka_unit_test_setup_teardown(who_reads_gets_what_was_seen_last_with_its_age, hang_setup,
                                        hang_teardown),
        cmocka_unit_test_setup_teardown(a_device_is_listed_once_while_libvirt_is_late, hang_setup,
                                        hang_teardown),
        cmocka_unit_test_setup_teardown(a_step_that_keeps_nvml_closed_is_named_for_it, hang_setup,
                                        hang_teardown),
        cmocka_unit_test_setup_teardown(health_names_what_hangs, hang_setup, hang_teardown),
        cmocka_unit_test_setup_teardown(health_names_a_store_that_hangs, hang_setup, hang_teardown),
        cmocka_unit_test_setup_teardown(
            what_needs_nvml_is_refused_while_it_is_late_and_the_rest_is_not, hang_setup,
            hang_teardown),
        cmocka_unit_test_setup_teardown(a_gpu_of_a_late_driver_keeps_what_was_seen_of_it,
                                        hang_setup, hang_teardown),
        cmocka_unit_test_setup_teardown(a_kernel_that_hangs_is_named_to_who_wants_a_change,
                                        hang_setup, hang_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
