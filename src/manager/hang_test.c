/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever hangs below the manager, it answers. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "hooked.h"
#include "lab_fixture.h"
#include "manager/manager.h"
#include "state/lateness.h"
#include "state/state.h"
#include "store/busy.h"
#include "test.h"
#include "turn/queue.h"
#include "watch/looks.h"

#define NVML_CLAIM "{\"name\": \"a\", \"type\": \"A100-2-10C\", \"vm\": \"web1\"}"
#define WHOLE_GPU "{\"name\": \"w\", \"mode\": \"passthrough\", \"gpu\": \"" LAB_L40S "\"}"

/* Patience ends for what hangs, and at once then. */
static int setup(void **state)
{
    int r = lab_fixture_setup(state);
    ((struct lab_fixture *)*state)->lab.tick = lab_lose_patience;
    return r;
}

static int teardown(void **state)
{
    struct lab_fixture *f = *state;
    atomic_store(&f->lab.faults.hang, 0);
    atomic_store(&f->lab.faults.hang_steps, 0);
    return lab_fixture_teardown(state);
}

static void let_hang(struct lab *lab, enum port_kind port)
{
    atomic_store(&lab->faults.hang, 1U << port);
}

static void let_go(struct lab *lab)
{
    atomic_store(&lab->faults.hang, 0);
}

static void list_gpus(struct lab *lab, struct answer *answer)
{
    *answer = (struct answer){0};
    lab_ask(lab, VERB_LIST_GPUS, answer);
    assert_true(lab_wait(lab, answer));
    assert_int_equal(answer->err.reason, REASON_NONE);
}

/* On a machine that is busy with other things a look may be late for once. */
static void list_fresh_gpus(struct lab *lab, struct answer *answer)
{
    list_gpus(lab, answer);
    while (answer_text(answer, "late") != NULL) {
        answer_done(answer);
        list_gpus(lab, answer);
    }
}

static bool driver_is_late(void *data)
{
    return looks_driver_problem(((struct lab *)data)->manager)[0] != '\0';
}

static bool driver_is_back(void *data)
{
    const struct manager *m = ((struct lab *)data)->manager;
    return looks_driver_problem(m)[0] == '\0' && !manager_is_looking(m);
}

static void who_reads_gets_what_was_seen_last_with_its_age(void **state)
{
    struct lab *lab = &((struct lab_fixture *)*state)->lab;
    struct answer before;
    struct answer now;
    list_fresh_gpus(lab, &before);
    let_hang(lab, PORT_GPU);
    list_gpus(lab, &now);
    assert_int_equal(json_array_size(json_object_get(now.body, "gpus")), 3);
    assert_non_null(strstr(answer_text(&now, "late"), "NVML has not answered since 2"));
    assert_true(strcmp(answer_text(&now, "observedAt"), answer_text(&before, "observedAt")) >= 0);
    answer_done(&now);
    let_go(lab);
    assert_true(lab_wait_until(lab, driver_is_back, lab));
    list_fresh_gpus(lab, &now);
    assert_string_not_equal(answer_text(&now, "observedAt"), answer_text(&before, "observedAt"));
    answer_done(&now);
    answer_done(&before);
}

/* NVML is closed for a step that hangs: it is that which is named. */
static void a_step_that_keeps_nvml_closed_is_named_for_it(void **state)
{
    struct lab *lab = &((struct lab_fixture *)*state)->lab;
    struct manager *m = lab->manager;
    struct answer now;
    CLEANUP(plan_freep) struct plan *plan = plan_new();
    struct pci_addr addr;
    assert_true(pci_addr_parse(LAB_L40S, &addr));
    struct step *step = vec_push(&plan->steps);
    *step = step_make(STEP_SRIOV_ENABLE, &addr);
    step->state = STEP_RUNNING;
    list_fresh_gpus(lab, &now);
    answer_done(&now);
    let_hang(lab, PORT_GPU);
    m->running = plan;
    m->step_since_us = 1;
    list_gpus(lab, &now);
    const char *late = answer_text(&now, "late");
    assert_null(strstr(late, "NVML has not answered"));
    assert_non_null(strstr(late, "NVML is not asked"));
    assert_non_null(strstr(late, LAB_L40S));
    answer_done(&now);
    assert_true(lab_wait_until(lab, driver_is_late, lab));
    now = (struct answer){0};
    lab_ask(lab, VERB_GET_HEALTH, &now);
    const json_t *problem = json_array_get(json_object_get(now.body, "problems"), 0);
    assert_string_equal(json_string_value(json_object_get(problem, "what")), "sysfs");
    assert_non_null(strstr(json_string_value(json_object_get(problem, "text")), LAB_L40S));
    answer_done(&now);
    assert_true(m->host->nvml_unasked);
    assert_int_equal(lab_create(lab, NVML_CLAIM, &now), -REASON_UNAVAILABLE);
    assert_non_null(strstr(now.err.hint, "`cleave plan list`"));
    assert_null(strstr(now.err.hint, "dmesg"));
    answer_done(&now);
    m->step_since_us =
        UINT64_MAX; /* it began after NVML was asked: NVML hangs, and the step waits */
    list_gpus(lab, &now);
    assert_non_null(strstr(answer_text(&now, "late"), "NVML has not answered since 2"));
    answer_done(&now);
    m->running = NULL;
}

static void health_names_what_hangs(void **state)
{
    struct lab *lab = &((struct lab_fixture *)*state)->lab;
    struct answer answer = {0};
    let_hang(lab, PORT_GUEST);
    list_gpus(lab, &answer);
    answer_done(&answer);
    answer = (struct answer){0};
    lab_ask(lab, VERB_GET_HEALTH, &answer);
    assert_true(answer.there); /* at once */
    assert_string_equal(answer_text(&answer, "status"), "degraded");
    const json_t *problem = json_array_get(json_object_get(answer.body, "problems"), 0);
    assert_string_equal(json_string_value(json_object_get(problem, "what")), "libvirt");
    answer_done(&answer);
}

/* The loop turns while the journal is stored. */
static void health_names_a_store_that_hangs(void **state)
{
    struct lab *lab = &((struct lab_fixture *)*state)->lab;
    struct answer answer = {0};
    lab->manager->config.read_patience_us = 1;
    sqlite_busy_begin();
    do {
        answer_done(&answer);
        answer = (struct answer){0};
        lab_ask(lab, VERB_GET_HEALTH, &answer);
    } while (str_eq(answer_text(&answer, "status"), "ok"));
    sqlite_busy_end();
    const json_t *problem = json_array_get(json_object_get(answer.body, "problems"), 0);
    assert_string_equal(json_string_value(json_object_get(problem, "what")), "store");
    answer_done(&answer);
}

static void what_needs_nvml_is_refused_while_it_is_late_and_the_rest_is_not(void **state)
{
    struct lab_fixture *f = *state;
    struct lab *lab = &f->lab;
    struct answer answer;
    fake_lock();
    STR_SET(f->host.gpus[2].driver, "vfio-pci"); /* not the driver's: nothing to ask it */
    fake_unlock();
    list_gpus(lab, &answer);
    answer_done(&answer);
    let_hang(lab, PORT_GPU);
    assert_int_equal(lab_create(lab, NVML_CLAIM, &answer), -REASON_UNAVAILABLE);
    assert_non_null(strstr(answer.err.message, "NVML has not answered since 2"));
    answer_done(&answer);
    assert_int_equal(lab_create(lab, WHOLE_GPU, NULL), 0);
    while (!str_eq(lab_claim_state(lab, "w"), "bound")) {
        list_gpus(lab, &answer);
        answer_done(&answer);
    }
    assert_int_equal(atomic_load(&lab->faults.hanging), 1); /* no second one waits behind it */
    let_go(lab);
    assert_true(lab_wait_until(lab, driver_is_back, lab));
    assert_int_equal(lab_create(lab, NVML_CLAIM, NULL), 0);
    assert_true(lab_settle(lab));
    assert_string_equal(lab_claim_state(lab, "a"), "bound");
}

static void a_gpu_of_a_late_driver_keeps_what_was_seen_of_it(void **state)
{
    struct lab *lab = &((struct lab_fixture *)*state)->lab;
    struct answer answer;
    assert_int_equal(lab_create(lab, NVML_CLAIM, NULL), 0);
    assert_true(lab_settle(lab));
    let_hang(lab, PORT_GPU);
    list_gpus(lab, &answer);
    answer_done(&answer);
    assert_true(lab_wait_until(lab, driver_is_late, lab));
    list_gpus(lab, &answer);
    const json_t *gpu = json_array_get(json_object_get(answer.body, "gpus"), 0);
    assert_string_equal(json_string_value(json_object_get(gpu, "mode")), "mig");
    assert_int_equal(json_array_size(json_object_get(gpu, "gpuInstances")), 1);
    assert_non_null(json_string_value(json_object_get(gpu, "problem")));
    answer_done(&answer);
    assert_int_equal(lab_delete(lab, "a", NULL), -REASON_UNAVAILABLE);
    let_go(lab);
    assert_true(lab_wait_until(lab, driver_is_back, lab));
    assert_int_equal(lab_count_events(lab, "gpu-changed", NULL, NULL), 0);
    assert_int_equal(lab_count_events(lab, "gpu-found", NULL, NULL), 0);
    assert_int_equal(lab_delete(lab, "a", NULL), 0);
    assert_true(lab_settle(lab));
    lab_assert_sound(lab);
}

static void a_kernel_that_hangs_is_named_to_who_wants_a_change(void **state)
{
    struct lab *lab = &((struct lab_fixture *)*state)->lab;
    struct answer answer;
    let_hang(lab, PORT_PCI);
    assert_int_equal(lab_create(lab, NVML_CLAIM, &answer), -REASON_UNAVAILABLE);
    assert_non_null(strstr(answer.err.message, "sysfs has not answered since 2"));
    answer_done(&answer);
    list_gpus(lab, &answer);
    assert_non_null(answer_text(&answer, "late"));
    answer_done(&answer);
    let_go(lab);
    assert_true(lab_settle(lab));
    assert_int_equal(lab_create(lab, NVML_CLAIM, NULL), 0);
    assert_true(lab_settle(lab));
}

/* ---- any port, at any call ---- */

static const enum verb_id reads[] = {VERB_GET_HEALTH, VERB_GET_HOST,      VERB_LIST_GPUS,
                                     VERB_LIST_VMS,   VERB_LIST_PROFILES, VERB_LIST_CLAIMS,
                                     VERB_LIST_PLANS, VERB_LIST_GARBAGE,  VERB_GET_RESTORE};

static bool is_hanging(void *data)
{
    struct lab *lab = data;
    return atomic_load(&lab->faults.hanging) > 0 ||
           (lab->manager->running == NULL && !lab->manager->busy &&
            !manager_is_looking(lab->manager));
}

static bool all_answer(struct lab *lab)
{
    struct answer answers[ARRAY_SIZE(reads)] = {{0}};
    for (size_t i = 0; i < ARRAY_SIZE(reads); i++) {
        lab_ask(lab, reads[i], &answers[i]);
        if (!lab_wait(lab, &answers[i])) {
            return false;
        }
        answer_done(&answers[i]);
    }
    return true;
}

enum outcome { OUTCOME_ANSWERED, OUTCOME_NOT_REACHED, OUTCOME_SILENT, OUTCOME_NO_END };

/* In a process of its own, as the daemon: what hangs is left to itself. */
static enum outcome claim_while_hanging(struct lab *lab, enum port_kind port, int spared)
{
    struct answer claim = {0};
    atomic_store(&lab->faults.spared, spared);
    let_hang(lab, port);
    json_t *body = json_loads(NVML_CLAIM, 0, NULL);
    lab_ask(lab, VERB_CREATE_CLAIM, &claim, .json = body);
    json_decref(body);
    if (!lab_wait(lab, &claim)) {
        return OUTCOME_SILENT;
    }
    (void)lab_wait_until(lab, is_hanging, lab);
    bool reached = atomic_load(&lab->faults.hanging) > 0;
    if (!all_answer(lab)) {
        return OUTCOME_SILENT;
    }
    uint64_t until_us = clock_monotonic_us() + 50000;
    bool ended = manager_finish(lab->manager, until_us);
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
        if (setup(&state) != 0) {
            _exit(99);
        }
        _exit((int)claim_while_hanging(&((struct lab_fixture *)state)->lab, port, spared));
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

static bool is_free(void *data)
{
    const struct manager *m = ((struct lab *)data)->manager;
    return !m->busy && m->parked.n > 0;
}

static void a_plan_that_libvirt_does_not_answer_holds_up_no_other(void **state)
{
    struct lab *lab = &((struct lab_fixture *)*state)->lab;
    struct answer answer;
    atomic_store(&lab->faults.spared, 2); /* a look, and the check of the attach step */
    let_hang(lab, PORT_GUEST);
    assert_int_equal(lab_create(lab, NVML_CLAIM, NULL), 0);
    assert_true(lab_wait_until(lab, is_free, lab));
    assert_string_equal(lab_claim_state(lab, "a"), "binding");
    /* On a busy machine another step may have been late before. */
    assert_true(lab_count_events(lab, "plan-delayed", NULL, NULL) >= 1);
    /* Another GPU, whichever: that of the plan is in hand. */
    assert_int_equal(lab_create(lab, "{\"name\": \"b\", \"type\": \"L40S-8Q\"}", NULL), 0);
    while (!str_eq(lab_claim_state(lab, "b"), "bound")) {
        list_gpus(lab, &answer);
        answer_done(&answer);
    }
    assert_int_equal(lab_create(lab, "{\"name\": \"c\", \"type\": \"A100-2-10C\"}", &answer),
                     -REASON_UNAVAILABLE);
    answer_done(&answer);
    assert_int_equal(lab_delete(lab, "a", NULL), -REASON_UNAVAILABLE);
    answer = (struct answer){0};
    lab_ask(lab, VERB_GET_HEALTH, &answer);
    assert_string_equal(answer_text(&answer, "status"), "degraded");
    answer_done(&answer);
    let_go(lab);
    assert_true(lab_settle(lab));
    assert_string_equal(lab_claim_state(lab, "a"), "bound");
    lab_assert_sound(lab);
    assert_int_equal(lab_delete(lab, "a", NULL), 0);
    assert_true(lab_settle(lab));
}

static void a_plan_that_waits_goes_on_after_a_restart(void **state)
{
    struct lab *lab = &((struct lab_fixture *)*state)->lab;
    atomic_store(&lab->faults.spared, 2);
    let_hang(lab, PORT_GUEST);
    assert_int_equal(lab_create(lab, NVML_CLAIM, NULL), 0);
    assert_true(lab_wait_until(lab, is_free, lab));
    let_go(lab);
    lab_stop(lab); /* before the plan has the turn again */
    assert_int_equal(lab_start(lab), 0);
    assert_true(lab_settle(lab));
    assert_string_equal(lab_claim_state(lab, "a"), "bound");
    lab_assert_sound(lab);
}

static bool is_over(void *data)
{
    struct lab *lab = data;
    return lab->manager->parked.n == 0 && !lab->manager->busy && queue_length(lab->manager) == 0;
}

/* Wherever a port hangs in a plan: another change is answered, and all is well in the end. */
static bool goes_on(enum port_kind port, int spared)
{
    void *state = NULL;
    assert_int_equal(setup(&state), 0);
    struct lab *lab = &((struct lab_fixture *)state)->lab;
    struct answer one = {0};
    struct answer two = {0};
    atomic_store(&lab->faults.spared, spared);
    let_hang(lab, port);
    json_t *body = json_loads(NVML_CLAIM, 0, NULL);
    lab_ask(lab, VERB_CREATE_CLAIM, &one, .json = body);
    json_decref(body);
    assert_true(lab_wait(lab, &one));
    (void)lab_wait_until(lab, is_hanging, lab);
    bool reached = atomic_load(&lab->faults.hanging) > 0;
    body = json_loads("{\"name\": \"b\", \"type\": \"L40S-8Q\"}", 0, NULL);
    lab_ask(lab, VERB_CREATE_CLAIM, &two, .json = body);
    json_decref(body);
    assert_true(lab_wait(lab, &two));
    let_go(lab);
    assert_true(lab_wait_until(lab, is_over, lab));
    assert_true(lab_settle(lab));
    assert_string_equal(lab_claim_state(lab, "a"), one.err.reason == REASON_NONE ? "bound" : "");
    assert_string_equal(lab_claim_state(lab, "b"), two.err.reason == REASON_NONE ? "bound" : "");
    lab_assert_sound(lab);
    answer_done(&one);
    answer_done(&two);
    (void)teardown(&state);
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

/* ---- VMs that start meanwhile ---- */

static bool a_step_hangs(void *data)
{
    return atomic_load(&((struct lab *)data)->faults.hanging) == 1;
}

static void let_steps_hang(struct lab *lab, enum port_kind port)
{
    atomic_store(&lab->faults.hang_steps, 1U << port);
}

static void steps_go_on(struct lab *lab)
{
    atomic_store(&lab->faults.hang_steps, 0);
    assert_true(lab_wait_until(lab, is_over, lab));
    assert_true(lab_settle(lab));
}

static void assert_not_started(struct lab *lab, bool dry_run, const char *what)
{
    struct answer answer = {0};
    lab_ask(lab, VERB_START_VM, &answer, .target = "web1", .dry_run = dry_run);
    assert_true(lab_wait(lab, &answer));
    assert_int_equal(answer.err.reason, REASON_UNAVAILABLE);
    assert_non_null(strstr(answer.err.message, what));
    assert_non_null(strstr(answer.err.hint, "`cleave plan show "));
    answer_done(&answer);
}

/* By none of the ways in. */
static void assert_waits_for_plan(struct lab *lab, enum port_kind port)
{
    char what[64];
    struct error err = {0};
    str_print(what, sizeof(what), "which waits: %s has not answered since 2",
              manager_port_name(port));
    assert_true(lab_wait_until(lab, is_free, lab));
    assert_int_equal(hooked_ask(lab, "web1", "prepare", &err), -REASON_UNAVAILABLE);
    assert_non_null(strstr(err.message, what));
    assert_non_null(strstr(err.hint, "`cleave plan show "));
    assert_not_started(lab, true, what);
    assert_not_started(lab, false, what);
    assert_int_equal(hooked_ask(lab, "web2", "prepare", NULL), 0); /* has nothing to do with it */
}

static void a_vm_whose_claim_a_plan_has_that_hangs_does_not_start_without_it(void **state)
{
    static const enum port_kind ports[] = {PORT_PCI, PORT_GUEST};
    struct lab_fixture *f = *state;
    struct lab *lab = &f->lab;
    for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
        let_steps_hang(lab, ports[i]);
        assert_int_equal(
            lab_create(lab, "{\"name\": \"b\", \"type\": \"L40S-8Q\", \"vm\": \"web1\"}", NULL), 0);
        assert_true(lab_wait_until(lab, a_step_hangs, lab));
        assert_not_started(lab, false, "which waits: "); /* its turn comes once the plan waits */
        assert_waits_for_plan(lab, ports[i]);
        assert_false(fake_host_vm(&f->host, "web1")->running);
        steps_go_on(lab);
        assert_string_equal(lab_claim_state(lab, "b"), "bound");
        assert_int_equal(hooked_ask(lab, "web1", "prepare", NULL), 0);
        assert_int_equal(hooked_ask(lab, "web1", "release", NULL), 0);
        lab_look(lab);
        let_steps_hang(lab, ports[i]);
        assert_int_equal(lab_delete(lab, "b", NULL), 0);
        assert_true(lab_wait_until(lab, a_step_hangs, lab));
        assert_waits_for_plan(lab, ports[i]);
        steps_go_on(lab);
        assert_string_equal(lab_claim_state(lab, "b"), "");
    }
}

/* VMs start without NVML: what the kernel shows is enough. */
static void a_vm_whose_device_the_kernel_shows_starts_while_nvml_is_late(void **state)
{
    struct lab_fixture *f = *state;
    struct lab *lab = &f->lab;
    struct answer answer = {0};
    struct error err = {0};
    hooked_create(lab, "{\"name\": \"b\", \"type\": \"L40S-8Q\", \"vm\": \"web1\"}");
    let_hang(lab, PORT_GPU);
    list_gpus(lab, &answer);
    answer_done(&answer);
    assert_true(lab_wait_until(lab, driver_is_late, lab));
    assert_int_equal(hooked_ask(lab, "web1", "prepare", NULL), 0);
    assert_int_equal(hooked_ask(lab, "web1", "release", NULL), 0);
    assert_int_equal(hooked_start(lab, "web1"), 0);
    assert_int_equal(hooked_stop(lab, "web1"), 0);
    struct fake_vf *vf = &f->host.gpus[2].vfs[0];
    assert_string_equal(vf->type, "L40S-8Q");
    char type[sizeof(vf->type)];
    STR_SET(type, vf->type);
    fake_lock();
    vf->type[0] = '\0'; /* now the kernel shows that it is gone, whatever was seen before */
    fake_unlock();
    assert_int_equal(hooked_ask(lab, "web1", "prepare", &err), -REASON_UNAVAILABLE);
    assert_non_null(strstr(err.message, "NVML has not answered since 2"));
    assert_non_null(strstr(err.hint, "`cleave host show`"));
    fake_lock();
    STR_SET(vf->type, type);
    fake_unlock();
    assert_int_equal(hooked_ask(lab, "web1", "prepare", NULL), 0);
    let_go(lab);
    assert_true(lab_wait_until(lab, driver_is_back, lab));
    assert_int_equal(hooked_ask(lab, "web1", "prepare", NULL), 0);
}

static void a_step_of_a_plan_from_before_a_restart_is_under_way_since_then(void **state)
{
    struct lab *lab = &((struct lab_fixture *)*state)->lab;
    assert_int_equal(lab_create(lab, "{\"name\": \"w\", \"type\": \"L40S-8Q\"}", NULL), 0);
    lab_stop(lab); /* in its first steps, or before them */
    uint64_t restarted_us = clock_monotonic_us();
    let_steps_hang(lab, PORT_PCI);
    assert_int_equal(lab_start(lab), 0);
    assert_true(lab_wait_until(lab, a_step_hangs, lab));
    assert_true(lab->manager->step_since_us >= restarted_us);
    steps_go_on(lab);
    assert_string_equal(lab_claim_state(lab, "w"), "bound");
}

/* The first start is the plan's own, and the second finds it waiting. */
static void a_vm_whose_own_draw_hangs_is_refused_again(void **state)
{
    struct lab *lab = &((struct lab_fixture *)*state)->lab;
    struct error err = {0};
    assert_int_equal(lab_create(lab,
                                "{\"name\": \"b\", \"type\": \"L40S-8Q\", \"vm\": \"web1\", "
                                "\"hold\": \"on-demand\"}",
                                NULL),
                     0);
    assert_true(lab_settle(lab));
    let_steps_hang(lab, PORT_PCI);
    assert_int_equal(hooked_ask(lab, "web1", "prepare", &err), -REASON_DRIVER);
    assert_non_null(strstr(err.message, "sysfs has not answered since 2"));
    assert_waits_for_plan(lab, PORT_PCI);
    steps_go_on(lab);
    assert_string_equal(lab_claim_state(lab, "b"), "bound");
    assert_int_equal(hooked_ask(lab, "web1", "prepare", NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whichever_call_hangs_every_read_is_answered_and_the_end_comes),
        cmocka_unit_test(whichever_call_hangs_other_changes_are_answered_and_all_goes_on),
        cmocka_unit_test_setup_teardown(a_plan_that_libvirt_does_not_answer_holds_up_no_other,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_plan_that_waits_goes_on_after_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_vm_whose_claim_a_plan_has_that_hangs_does_not_start_without_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_vm_whose_own_draw_hangs_is_refused_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            a_vm_whose_device_the_kernel_shows_starts_while_nvml_is_late, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_step_of_a_plan_from_before_a_restart_is_under_way_since_then, setup, teardown),
        cmocka_unit_test_setup_teardown(who_reads_gets_what_was_seen_last_with_its_age, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_step_that_keeps_nvml_closed_is_named_for_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(health_names_what_hangs, setup, teardown),
        cmocka_unit_test_setup_teardown(health_names_a_store_that_hangs, setup, teardown),
        cmocka_unit_test_setup_teardown(
            what_needs_nvml_is_refused_while_it_is_late_and_the_rest_is_not, setup, teardown),
        cmocka_unit_test_setup_teardown(a_gpu_of_a_late_driver_keeps_what_was_seen_of_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_kernel_that_hangs_is_named_to_who_wants_a_change, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
