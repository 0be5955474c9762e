/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/runner.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/str.h"
#include "fake_host.h"
#include "faulty.h"
#include "ledger/draft.h"
#include "store/memory.h"
#include "test.h"

#define TEN_SECONDS_US 10000000

struct fixture {
    struct evloop *loop;
    struct worker *worker;
    struct fake_host host, before;
    struct faults faults;
    struct ports ports;
    struct store *store;
    struct ledger *ledger;
    struct runner *runner;
    struct plan *ended;
    size_t progress;
    size_t cancel_at; /* of them; 0: never */
};

static void on_progress(const struct plan *plan, size_t step, void *data)
{
    (void)step;
    struct fixture *f = data;
    f->progress++;
    if (f->progress == f->cancel_at) {
        assert_int_equal(plan_check_cancel(plan, NULL), 0);
        runner_cancel(f->runner, "ada");
    }
}

static void on_done(struct plan *plan, void *data)
{
    struct fixture *f = data;
    f->ended = plan;
    evloop_stop(f->loop, 0);
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    *state = f;
    fake_host_add_gpu(&f->host, 0x41, 0x20b0, 0x1450);
    fake_host_add_vm(&f->host, "web1");
    f->before = f->host;
    f->ports = faulty_ports_new(fake_ports_new(&f->host), &f->faults);
    f->store = memory_store_new();
    assert_int_equal(ledger_open(f->store, &f->ledger, NULL), 0);
    assert_int_equal(evloop_new(&f->loop), 0);
    assert_int_equal(ledger_work_aside(f->ledger, f->loop), 0);
    assert_int_equal(worker_new(f->loop, "ports", &f->worker), 0);
    struct runner_config config = {.loop = f->loop,
                                   .workers = {f->worker, f->worker, f->worker},
                                   .ledger = f->ledger,
                                   .ports = f->ports,
                                   .progress = on_progress,
                                   .done = on_done,
                                   .data = f};
    f->runner = runner_new(&config);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    runner_halt(f->runner);
    worker_free(f->worker);
    ledger_free(f->ledger);
    runner_free(f->runner);
    plan_free(f->ended);
    f->store->ops->free(f->store);
    ports_free(&f->ports);
    evloop_free(f->loop);
    free(f);
    return 0;
}

/* A MIG-backed vGPU from nothing: six steps over all three ports. */
static struct plan *make_plan(void)
{
    struct plan *plan = plan_new();
    struct pci_addr gpu = {.bus = 0x41};
    struct pci_addr vf = {.bus = 0x41, .function = 4};
    static const enum step_kind kinds[] = {STEP_MIG_ENABLE, STEP_SRIOV_ENABLE, STEP_GI_CREATE,
                                           STEP_CI_CREATE,  STEP_VGPU_CREATE,  STEP_ATTACH};
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct step *step = vec_push(&plan->steps);
        *step = step_make(kinds[i], &gpu);
        STR_SET(step->claim, "web1");
        if (kinds[i] == STEP_GI_CREATE || kinds[i] == STEP_CI_CREATE) {
            step->profile_id = 14;
            step->start = 2;
            step->size = 2;
            STR_SET(step->profile, "2g.10gb");
        }
        if (kinds[i] == STEP_VGPU_CREATE || kinds[i] == STEP_ATTACH) {
            step->device = vf;
            step->type_id = 500;
            STR_SET(step->type, "A100-2-10C");
        }
        if (kinds[i] == STEP_ATTACH) {
            STR_SET(step->vm, "web1");
        }
    }
    struct plan_claim *entry = vec_push(&plan->claims);
    entry->verb = PLAN_BIND;
    STR_SET(entry->claim.name, "web1");
    entry->claim.assigned = (struct assignment){
        .set = true, .gpu = gpu, .device = vf, .start = 2, .size = 2, .gi_id = NO_ID};
    STR_SET(entry->claim.assigned.profile, "2g.10gb");
    STR_SET(plan->id, "p1");
    plan->state = PLAN_RUNNING;
    return plan;
}

static void give_up(void *data)
{
    evloop_stop(data, -1);
}

static void run(struct fixture *f)
{
    evloop_after(f->loop, TEN_SECONDS_US, give_up, f->loop);
    assert_int_equal(evloop_run(f->loop), 0);
    assert_non_null(f->ended);
    assert_false(runner_busy(f->runner));
}

static void start(struct fixture *f, struct plan *plan)
{
    assert_int_equal(draft_store_plan(f->ledger, plan, NULL), 0);
    runner_start(f->runner, plan);
    run(f);
}

static void every_step_is_applied_in_order_and_claims_learn_what_they_got(void **state)
{
    struct fixture *f = *state;
    start(f, make_plan());

    assert_int_equal(f->ended->state, PLAN_DONE);
    assert_true(f->ended->finished_us > 0);
    for (vec_each(&f->ended->steps, step)) {
        assert_int_equal(step->state, STEP_DONE);
    }
    const struct assignment *got = &f->ended->claims.items[0].claim.assigned;
    assert_int_equal(got->gi_id, 1);
    assert_string_equal(got->mig_uuid, "MIG-41-2");
    assert_int_equal(fake_host_count_vgpus(&f->host), 1);
    assert_int_equal(f->progress, 12); /* each step: running, done */
}

static void a_failed_check_undoes_what_was_done_and_names_the_step(void **state)
{
    struct fixture *f = *state;
    struct plan *plan = make_plan();
    STR_SET(plan->steps.items[5].vm, "nosuch");
    start(f, plan);

    assert_int_equal(f->ended->state, PLAN_UNDONE);
    assert_int_equal(f->ended->steps.items[5].state, STEP_FAILED);
    assert_int_equal(f->ended->steps.items[4].state, STEP_UNDONE);
    assert_non_null(strstr(f->ended->problem, "step 6 of 6 (attach"));
    assert_non_null(strstr(f->ended->problem, "no VM \"nosuch\""));
    assert_true(fake_host_same(&f->before, &f->host));
}

static void what_a_failed_apply_left_behind_is_undone_too(void **state)
{
    struct fixture *f = *state;
    f->faults.kind = FAULT_FAIL_AFTER;
    f->faults.at = 2 * 3; /* apply of GI_CREATE: check and apply per step */
    start(f, make_plan());

    assert_int_equal(f->ended->state, PLAN_UNDONE);
    assert_int_equal(f->ended->steps.items[2].state, STEP_FAILED);
    assert_int_equal(f->ended->steps.items[3].state, STEP_PLANNED);
    assert_true(fake_host_same(&f->before, &f->host));
}

static void an_undo_is_tried_again(void **state)
{
    struct fixture *f = *state;
    f->faults.kind = FAULT_FAIL_BEFORE;
    f->faults.at = 2 * 3;
    f->faults.length = 2; /* and the first attempt to undo it */
    start(f, make_plan());
    assert_int_equal(f->ended->state, PLAN_UNDONE);
    assert_true(fake_host_same(&f->before, &f->host));
}

static void an_undo_that_keeps_failing_is_stuck_and_stops_there(void **state)
{
    struct fixture *f = *state;
    f->faults.kind = FAULT_FAIL_BEFORE;
    f->faults.at = 2 * 3;
    f->faults.length = 100;
    start(f, make_plan());
    assert_int_equal(f->ended->state, PLAN_STUCK);
    assert_int_equal(f->ended->steps.items[2].state, STEP_STUCK);
    assert_int_equal(f->ended->steps.items[1].state, STEP_DONE);
    assert_non_null(strstr(f->ended->steps.items[2].problem, "cannot be undone"));
    /* The plan names what failed, what could not be undone and what clears the rest. */
    const char *first = strstr(f->ended->problem, "step 3 of ");
    assert_non_null(first);
    assert_non_null(strstr(first + 1, "; then step 3 of "));
    assert_non_null(strstr(first + 1, "cannot be undone: "));
    assert_non_null(
        strstr(plan_hint(f->ended), "`cleave claim delete web1` or `cleave gc` clears"));
}

static void a_held_device_is_not_taken_away_by_an_undo(void **state)
{
    struct fixture *f = *state;
    struct plan *plan = make_plan();
    for (size_t i = 0; i < 6; i++) {
        plan->steps.items[i].state = STEP_DONE;
    }
    plan->state = PLAN_UNDOING;
    struct fake_gpu *gpu = &f->host.gpus[0];
    gpu->mig = true;
    gpu->vfs_enabled = FAKE_VFS;
    STR_SET(gpu->vfs[0].type, "A100-2-10C");
    f->host.vms[0].n_devices = 1;
    f->host.vms[0].devices[0] = (struct pci_addr){.bus = 0x41, .function = 4};
    f->host.vms[0].running = true;

    assert_int_equal(draft_store_plan(f->ledger, plan, NULL), 0);
    runner_resume(f->runner, plan);
    run(f);
    assert_int_equal(f->ended->state, PLAN_STUCK);
    assert_int_equal(fake_host_count_vgpus(&f->host), 1);
    assert_int_equal(f->host.vms[0].n_devices, 1);
}

static void a_step_that_was_running_at_a_crash_is_done_again(void **state)
{
    struct fixture *f = *state;
    struct plan *plan = make_plan();
    plan->steps.items[0].state = STEP_RUNNING; /* was applied, and the journal does not know */
    f->host.gpus[0].mig = true;
    assert_int_equal(draft_store_plan(f->ledger, plan, NULL), 0);
    runner_resume(f->runner, plan);
    run(f);
    assert_int_equal(f->ended->state, PLAN_DONE);
    assert_int_equal(fake_host_count_vgpus(&f->host), 1);
}

/* Both ways the instance is there: made by a step that was running, or by someone else. */
static void resume_with_a_failing_check(struct fixture *f, enum step_state state)
{
    struct plan *plan = make_plan();
    plan->steps.items[0].state = STEP_DONE;
    plan->steps.items[1].state = STEP_DONE;
    plan->steps.items[2].state = state;
    struct fake_gpu *gpu = &f->host.gpus[0];
    gpu->mig = true;
    gpu->vfs_enabled = gpu->vfs_total;
    struct step step = plan->steps.items[2];
    assert_int_equal(f->ports.gpu->ops->apply(f->ports.gpu, &step, NULL), 0);
    f->faults = (struct faults){.kind = FAULT_FAIL_BEFORE, .at = 1};
    assert_int_equal(draft_store_plan(f->ledger, plan, NULL), 0);
    runner_resume(f->runner, plan);
    run(f);
}

static void a_step_that_was_running_is_undone_when_its_check_fails(void **state)
{
    struct fixture *f = *state;
    resume_with_a_failing_check(f, STEP_RUNNING);
    assert_int_equal(f->ended->state, PLAN_UNDONE);
    assert_int_equal(f->ended->steps.items[2].state, STEP_FAILED);
    assert_true(fake_host_same(&f->before, &f->host));
}

static void a_step_that_was_only_planned_is_not_undone_when_its_check_fails(void **state)
{
    struct fixture *f = *state;
    f->host.gpus[0].vfs_total = 0; /* so that undoing step 2 wipes no instance */
    resume_with_a_failing_check(f, STEP_PLANNED);
    assert_int_equal(f->ended->steps.items[2].state, STEP_FAILED);
    assert_int_equal(fake_host_count_gis(&f->host), 1);
}

static void a_plan_that_cannot_go_on_after_a_reboot_is_undone(void **state)
{
    struct fixture *f = *state;
    struct plan *plan = make_plan();
    for (size_t i = 0; i < 4; i++) {
        plan->steps.items[i].state = STEP_DONE; /* and all of it is gone */
    }
    assert_int_equal(draft_store_plan(f->ledger, plan, NULL), 0);
    runner_resume(f->runner, plan);
    run(f);
    assert_int_equal(f->ended->state, PLAN_UNDONE);
    assert_true(fake_host_same(&f->before, &f->host));
}

static void cancel_at(struct fixture *f, size_t progress)
{
    f->cancel_at = progress;
    start(f, make_plan());
    assert_int_equal(f->ended->state, PLAN_CANCELLED);
    assert_string_equal(f->ended->problem, "cancelled by ada");
    assert_true(fake_host_same(&f->before, &f->host));
}

static void a_plan_that_is_cancelled_finishes_its_step_and_undoes_all(void **state)
{
    struct fixture *f = *state;
    cancel_at(f, 5); /* the third step is in the journal as running */
    for (vec_each(&f->ended->steps, step)) {
        size_t i = (size_t)(step - f->ended->steps.items);
        assert_int_equal(step->state, i < 3 ? STEP_UNDONE : STEP_PLANNED);
    }
}

static void a_plan_that_is_cancelled_in_its_last_step_is_undone(void **state)
{
    cancel_at(*state, 11);
}

static void a_cancel_that_is_in_the_store_is_gone_on_with(void **state)
{
    struct fixture *f = *state;
    struct plan *plan = make_plan();
    plan->steps.items[0].state = STEP_RUNNING; /* was applied, and the journal does not know */
    f->host.gpus[0].mig = true;
    STR_SET(plan->cancelled_by, "ada");
    STR_SET(plan->problem, "");
    assert_int_equal(draft_store_plan(f->ledger, plan, NULL), 0);
    runner_resume(f->runner, plan);
    run(f);
    assert_int_equal(f->ended->state, PLAN_CANCELLED);
    assert_true(fake_host_same(&f->before, &f->host));
}

static void a_plan_says_why_it_cant_be_cancelled(void **state)
{
    (void)state;
    static const struct {
        enum plan_state plan;
        enum step_state first, rest;
        bool no_undo;
        const char *why; /* NULL: it can */
    } rows[] = {
        {PLAN_RUNNING, STEP_PLANNED, STEP_PLANNED, false, NULL},
        {PLAN_RUNNING, STEP_DONE, STEP_PLANNED, false, NULL},
        {PLAN_RUNNING, STEP_DONE, STEP_RUNNING, false, NULL},
        {PLAN_RUNNING, STEP_PLANNED, STEP_PLANNED, true, NULL},
        {PLAN_RUNNING, STEP_DONE, STEP_DONE, false, "all of its steps are done"},
        {PLAN_RUNNING, STEP_RUNNING, STEP_PLANNED, true, "no way back from its steps"},
        {PLAN_UNDOING, STEP_DONE, STEP_FAILED, false, "is being undone already"},
        {PLAN_DONE, STEP_DONE, STEP_DONE, false, "the plan is over: done"},
        {PLAN_CANCELLED, STEP_UNDONE, STEP_UNDONE, false, "the plan is over: cancelled"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(plan_freep) struct plan *plan = make_plan();
        struct error err = {0};
        plan->state = rows[i].plan;
        plan->no_undo = rows[i].no_undo;
        for (vec_each(&plan->steps, step)) {
            step->state = step == plan->steps.items ? rows[i].first : rows[i].rest;
        }
        int r = plan_check_cancel(plan, &err);
        assert_int_equal(r, rows[i].why == NULL ? 0 : -REASON_CONFLICT);
        if (rows[i].why != NULL && strstr(err.message, rows[i].why) == NULL) {
            fail_msg("row %zu: %s", i, err.message);
        }
    }
}

static void a_plan_without_steps_is_done_at_once(void **state)
{
    struct fixture *f = *state;
    struct plan *plan = plan_new();
    plan->state = PLAN_RUNNING;
    runner_start(f->runner, plan);
    assert_non_null(f->ended);
    assert_int_equal(f->ended->state, PLAN_DONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_step_is_applied_in_order_and_claims_learn_what_they_got),
        TEST(a_failed_check_undoes_what_was_done_and_names_the_step),
        TEST(what_a_failed_apply_left_behind_is_undone_too),
        TEST(an_undo_is_tried_again),
        TEST(an_undo_that_keeps_failing_is_stuck_and_stops_there),
        TEST(a_held_device_is_not_taken_away_by_an_undo),
        TEST(a_step_that_was_running_at_a_crash_is_done_again),
        TEST(a_step_that_was_running_is_undone_when_its_check_fails),
        TEST(a_step_that_was_only_planned_is_not_undone_when_its_check_fails),
        TEST(a_plan_that_cannot_go_on_after_a_reboot_is_undone),
        TEST(a_plan_that_is_cancelled_finishes_its_step_and_undoes_all),
        TEST(a_plan_that_is_cancelled_in_its_last_step_is_undone),
        TEST(a_cancel_that_is_in_the_store_is_gone_on_with),
        TEST(a_plan_says_why_it_cant_be_cancelled),
        TEST(a_plan_without_steps_is_done_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
