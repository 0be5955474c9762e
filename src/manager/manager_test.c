/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/manager.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "mhost_fixture.h"
#include "state/state.h"
#include "test.h"
#include "turn/queue.h"

#define MIG_CLAIM "{\"name\": \"a\", \"type\": \"A100-2-10C\", \"vm\": \"web1\"}"

static void a_claim_is_bound_to_a_vgpu_on_a_gpu_instance(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct answer answer;
    assert_int_equal(mhost_create(mhost, MIG_CLAIM, &answer), 0);
    assert_string_equal(answer_text(&answer, "plan.state"), "running");
    assert_string_equal(answer_text(&answer, "plan.author"), "tester");
    assert_string_equal(json_string_value(json_object_get(
                            json_array_get(json_object_get(answer.body, "claims"), 0), "state")),
                        "binding");
    answer_done(&answer);
    assert_true(mhost_settle(mhost));
    assert_string_equal(mhost_claim_state(mhost, "a"), "bound");
    mhost_assert_sound(mhost);
    assert_true(mhost_count_events(mhost, "claim-created", "claim/a", NULL) > 0);
    assert_true(mhost_count_events(mhost, "claim-bound", "claim/a", NULL) > 0);
}

static void what_we_change_ourselves_is_no_drift(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    assert_int_equal(mhost_create(mhost, MIG_CLAIM, NULL), 0);
    assert_true(mhost_settle(mhost));
    struct answer answer = {0};
    mhost_ask(mhost, VERB_LIST_GPUS, &answer);
    assert_true(mhost_wait(mhost, &answer));
    answer_done(&answer);
    assert_int_equal(mhost_count_events(mhost, "gpu-changed", "gpu/" MHOST_A100, NULL), 0);
}

static void what_others_change_is_an_event(void **state)
{
    struct mhost_fixture *f = *state;
    assert_true(mhost_settle(&f->mhost));
    for (int round = 0; round < 2; round++) {
        struct answer answer = {0};
        mhost_ask(&f->mhost, VERB_LIST_GPUS, &answer);
        assert_true(mhost_wait(&f->mhost, &answer));
        answer_done(&answer);
        f->host.gpus[0].mig = true;
        STR_SET(f->host.gpus[2].driver, "vfio-pci");
    }
    assert_true(mhost_count_events(&f->mhost, "gpu-changed", "gpu/" MHOST_A100, NULL) > 0);
    assert_true(mhost_count_events(&f->mhost, "gpu-changed", "gpu/" MHOST_L40S, NULL) > 0);
    assert_int_equal(mhost_count_events(&f->mhost, "gpu-changed", "gpu/" MHOST_RTX, NULL), 0);
}

static void a_gpu_that_leaves_the_bus_is_an_event(void **state)
{
    struct mhost_fixture *f = *state;
    for (int round = 0; round < 2; round++) {
        struct answer answer = {0};
        mhost_ask(&f->mhost, VERB_LIST_GPUS, &answer);
        assert_true(mhost_wait(&f->mhost, &answer));
        answer_done(&answer);
        f->host.n_gpus = 2;
    }
    assert_true(mhost_count_events(&f->mhost, "gpu-lost", "gpu/" MHOST_L40S, NULL) > 0);
}

static void a_dry_run_shows_the_plan_and_changes_nothing(void **state)
{
    struct mhost_fixture *f = *state;
    struct fake_host before = f->host;
    struct answer answer = {0};
    json_t *body = json_pack("{s:s, s:s}", "name", "a", "type", "A100-2-10C");
    mhost_ask(&f->mhost, VERB_CREATE_CLAIM, &answer, .json = body, .dry_run = true);
    json_decref(body);
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_string_equal(answer_text(&answer, "plan.state"), "planned");
    assert_true(json_array_size(json_object_get(json_object_get(answer.body, "plan"), "steps")) >
                2);
    answer_done(&answer);
    assert_true(mhost_settle(&f->mhost));
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "");
    assert_true(fake_host_same(&before, &f->host));
}

static void of_two_claims_that_race_for_one_gpu_exactly_one_wins(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct answer one = {0};
    struct answer two = {0};
    json_t *a = json_pack("{s:s, s:s, s:s}", "name", "a", "mode", "passthrough", "gpu", MHOST_L40S);
    json_t *b = json_pack("{s:s, s:s, s:s}", "name", "b", "mode", "passthrough", "gpu", MHOST_L40S);
    mhost_ask(mhost, VERB_CREATE_CLAIM, &one, .json = a);
    mhost_ask(mhost, VERB_CREATE_CLAIM, &two, .json = b);
    json_decref(a);
    json_decref(b);
    assert_true(mhost_wait(mhost, &one));
    assert_true(mhost_wait(mhost, &two));
    assert_int_equal(one.err.reason, REASON_NONE);
    assert_true(two.err.reason == REASON_NO_CAPACITY || two.err.reason == REASON_CONFLICT ||
                two.err.reason == REASON_IN_USE);
    answer_done(&one);
    assert_true(mhost_settle(mhost));
    assert_string_equal(mhost_claim_state(mhost, "a"), "bound");
    assert_string_equal(mhost_claim_state(mhost, "b"), "");
    mhost_assert_sound(mhost);
}

static void a_deleted_claim_leaves_nothing_behind(void **state)
{
    struct mhost_fixture *f = *state;
    assert_int_equal(mhost_create(&f->mhost, MIG_CLAIM, NULL), 0);
    assert_int_equal(mhost_delete(&f->mhost, "a", NULL), 0);
    assert_true(mhost_settle(&f->mhost));
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "");
    assert_int_equal(fake_host_count_vgpus(&f->host), 0);
    assert_int_equal(fake_host_count_gis(&f->host), 0);
    mhost_assert_sound(&f->mhost);
    assert_int_equal(mhost_delete(&f->mhost, "a", NULL), -REASON_NOT_FOUND);
}

static void a_name_is_taken_only_once(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    assert_int_equal(mhost_create(mhost, MIG_CLAIM, NULL), 0);
    assert_int_equal(mhost_create(mhost, MIG_CLAIM, NULL), -REASON_CONFLICT);
    assert_true(mhost_settle(mhost));
}

static void a_running_vm_keeps_its_device(void **state)
{
    struct mhost_fixture *f = *state;
    assert_int_equal(mhost_create(&f->mhost, MIG_CLAIM, NULL), 0);
    struct answer answer = {0};
    mhost_ask(&f->mhost, VERB_START_VM, &answer, .target = "web1");
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_string_equal(answer_text(&answer, "vm.state"), "running");
    answer_done(&answer);

    struct answer refused;
    assert_int_equal(mhost_delete(&f->mhost, "a", &refused), -REASON_IN_USE);
    assert_non_null(strstr(refused.err.message, "web1"));
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "bound");
    assert_true(mhost_settle(&f->mhost));

    answer = (struct answer){0};
    mhost_ask(&f->mhost, VERB_STOP_VM, &answer, .target = "web1");
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_string_equal(answer_text(&answer, "vm.state"), "shut-off");
    answer_done(&answer);
    assert_int_equal(mhost_delete(&f->mhost, "a", NULL), 0);
    assert_true(mhost_settle(&f->mhost));
    mhost_assert_sound(&f->mhost);
    assert_int_equal(mhost_count_events(&f->mhost, "vm-changed", "vm/web1", NULL), 0);
}

static void a_definition_is_judged_next_to_the_claims(void **state)
{
    struct mhost_fixture *f = *state;
    assert_int_equal(mhost_create(&f->mhost, MIG_CLAIM, NULL), 0);
    assert_true(mhost_settle(&f->mhost));
    struct answer answer = {0};
    mhost_ask(&f->mhost, VERB_LINT_VM, &answer, .target = "web1");
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_string_equal(answer_text(&answer, "vm"), "web1");
    assert_int_equal(json_array_size(json_object_get(answer.body, "findings")), 0);
    answer_done(&answer);

    fake_host_vm(&f->host, "web1")->n_devices = 0; /* someone took it out */
    answer = (struct answer){0};
    mhost_ask(&f->mhost, VERB_LINT_VM, &answer, .target = "web1");
    assert_true(mhost_wait(&f->mhost, &answer));
    const json_t *finding = json_array_get(json_object_get(answer.body, "findings"), 0);
    assert_string_equal(json_string_value(json_object_get(finding, "rule")), "claim-missing");
    answer_done(&answer);

    answer = (struct answer){0};
    mhost_ask(&f->mhost, VERB_LINT_VM, &answer, .target = "nosuch");
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_int_equal(answer.err.reason, REASON_NOT_FOUND);
    answer_done(&answer);
}

static void a_device_that_is_gone_is_made_again_when_its_vm_starts(void **state)
{
    struct mhost_fixture *f = *state;
    assert_int_equal(mhost_create(&f->mhost, MIG_CLAIM, NULL), 0);
    assert_true(mhost_settle(&f->mhost));
    memset(f->host.gpus[0].vfs, 0, sizeof(f->host.gpus[0].vfs)); /* as after a reboot */
    struct answer answer = {0};
    mhost_ask(&f->mhost, VERB_START_VM, &answer, .target = "web1");
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_string_equal(answer_text(&answer, "vm.state"), "running");
    answer_done(&answer);
    assert_int_equal(fake_host_count_vgpus(&f->host), 1);
    mhost_assert_sound(&f->mhost);
}

static void a_failed_plan_fails_its_claim_and_says_why(void **state)
{
    struct mhost_fixture *f = *state;
    assert_true(mhost_settle(&f->mhost));
    f->mhost.faults.kind = FAULT_FAIL_BEFORE;
    f->mhost.faults.only = FAULT_STEPS;
    f->mhost.faults.calls = 0;
    f->mhost.faults.at = 2;
    assert_int_equal(mhost_create(&f->mhost, MIG_CLAIM, NULL), 0);
    assert_true(mhost_settle(&f->mhost));
    f->mhost.faults.kind = FAULT_NONE;
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "failed");
    assert_non_null(strstr(f->mhost.manager->claims.items[0].problem, "a fault was injected"));
    mhost_assert_sound(&f->mhost);
    /* and can be deleted, and made again */
    assert_int_equal(mhost_delete(&f->mhost, "a", NULL), 0);
    assert_int_equal(mhost_create(&f->mhost, MIG_CLAIM, NULL), 0);
    assert_true(mhost_settle(&f->mhost));
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "bound");
    mhost_assert_sound(&f->mhost);
}

#define SITE(claims) "{\"name\": \"lab\", \"claims\": [" claims "]}"

static void a_site_becomes_exactly_what_its_file_says(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    assert_int_equal(
        mhost_apply(mhost,
                    SITE("{\"name\": \"a\", \"type\": \"A100-2-10C\"},"
                         "{\"name\": \"b\", \"type\": \"A100-2-10C\", \"vm\": \"web2\"}"),
                    NULL),
        0);
    assert_true(mhost_settle(mhost));
    mhost_assert_sound(mhost);
    /* a goes, b becomes another, c comes */
    assert_int_equal(
        mhost_apply(mhost,
                    SITE("{\"name\": \"b\", \"type\": \"A100-1-5C\", \"vm\": \"web2\"},"
                         "{\"name\": \"c\", \"type\": \"L40S-8Q\", \"vm\": \"web3\"}"),
                    NULL),
        0);
    assert_true(mhost_settle(mhost));
    mhost_assert_sound(mhost);
    assert_string_equal(mhost_claim_state(mhost, "a"), "");
    assert_string_equal(mhost_claim_state(mhost, "b"), "bound");
    assert_string_equal(mhost_claim_state(mhost, "c"), "bound");
    assert_string_equal(claims_find(&mhost->manager->claims, "b")->spec.type, "A100-1-5C");
    /* again: nothing to do */
    struct answer answer;
    assert_int_equal(
        mhost_apply(mhost,
                    SITE("{\"name\": \"b\", \"type\": \"A100-1-5C\", \"vm\": \"web2\"},"
                         "{\"name\": \"c\", \"type\": \"L40S-8Q\", \"vm\": \"web3\"}"),
                    &answer),
        0);
    assert_string_equal(answer_text(&answer, "plan.state"), "done");
    assert_int_equal(
        json_array_size(json_object_get(json_object_get(answer.body, "plan"), "steps")), 0);
    answer_done(&answer);
    assert_true(mhost_settle(mhost));
}

/* An index is that of another GPU once one before it is on vfio-pci. */
static void a_site_names_no_gpu_by_its_index(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct answer answer;
    assert_int_equal(
        mhost_apply(mhost, SITE("{\"name\": \"a\", \"mode\": \"passthrough\", \"gpu\": \"2\"}"),
                    &answer),
        -REASON_INVALID);
    assert_non_null(strstr(answer.err.message, "NVML index 2"));
    assert_non_null(strstr(answer.err.hint, mhost->manager->host->gpus.items[2].uuid));
    char bdf[BDF_SIZE];
    assert_non_null(
        strstr(answer.err.hint, pci_addr_format(&mhost->manager->host->gpus.items[2].addr, bdf)));
    answer_done(&answer);
}

static void a_failed_replacement_gives_the_old_claim_back(void **state)
{
    struct mhost_fixture *f = *state;
    struct mhost *mhost = &f->mhost;
    assert_int_equal(
        mhost_apply(mhost, SITE("{\"name\": \"a\", \"type\": \"A100-2-10C\", \"vm\": \"web1\"}"),
                    NULL),
        0);
    assert_true(mhost_settle(mhost));
    struct fake_host before = f->host;
    f->mhost.faults.kind = FAULT_FAIL_BEFORE;
    f->mhost.faults.only = FAULT_STEPS;
    f->mhost.faults.calls = 0;
    f->mhost.faults.at = 4;
    assert_int_equal(
        mhost_apply(mhost, SITE("{\"name\": \"a\", \"type\": \"A100-3-20C\", \"vm\": \"web1\"}"),
                    NULL),
        0);
    assert_true(mhost_settle(mhost));
    assert_string_equal(mhost_claim_state(mhost, "a"), "bound");
    assert_string_equal(claims_find(&mhost->manager->claims, "a")->spec.type, "A100-2-10C");
    assert_true(mhost_count_events(mhost, "claim-change-undone", "claim/a", NULL) > 0);
    assert_true(fake_host_same(&before, &f->host));
    mhost_assert_sound(mhost);
}

static void a_site_does_not_take_over_a_claim_made_by_hand(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    assert_int_equal(mhost_create(mhost, MIG_CLAIM, NULL), 0);
    assert_int_equal(mhost_apply(mhost, SITE("{\"name\": \"a\", \"type\": \"A100-2-10C\"}"), NULL),
                     -REASON_CONFLICT);
    assert_int_equal(mhost_apply(mhost, SITE(""), NULL), 0);
    assert_true(mhost_settle(mhost));
    assert_string_equal(mhost_claim_state(mhost, "a"), "bound");
}

static void twelve_vgpus_share_four_instances(void **state)
{
    struct mhost_fixture *f = *state;
    for (int i = 0; i < 12; i++) {
        char text[128];
        snprintf(text, sizeof(text), "{\"name\": \"dc%d\", \"type\": \"DC-1-8C\"}", i);
        assert_int_equal(mhost_create(&f->mhost, text, NULL), 0);
    }
    assert_true(mhost_settle(&f->mhost));
    assert_int_equal(fake_host_count_vgpus(&f->host), 12);
    assert_int_equal(fake_host_count_gis(&f->host), 4);
    mhost_assert_sound(&f->mhost);
    assert_int_equal(mhost_create(&f->mhost, "{\"name\": \"dc12\", \"type\": \"DC-1-8C\"}", NULL),
                     -REASON_NO_CAPACITY);
}

static void a_mode_is_set_by_hand(void **state)
{
    struct mhost_fixture *f = *state;
    json_t *body = json_pack("{s:s}", "mode", "mig");
    struct answer answer = {0};
    mhost_ask(&f->mhost, VERB_SET_GPU_MODE, &answer, .target = "0", .json = body);
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_string_equal(answer_text(&answer, "plan.reason"), "gpu mode " MHOST_A100 " mig");
    answer_done(&answer);
    json_decref(body);
    assert_true(mhost_settle(&f->mhost));
    assert_true(f->host.gpus[0].mig);
}

static void too_many_waiting_changes_are_refused(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct answer answers[MAX_CHANGES + 3];
    memset(answers, 0, sizeof(answers));
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        mhost_ask(mhost, VERB_DELETE_CLAIM, &answers[i], .target = "nosuch");
    }
    assert_true(answers[ARRAY_SIZE(answers) - 1].there);
    assert_int_equal(answers[ARRAY_SIZE(answers) - 1].err.reason, REASON_UNAVAILABLE);
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        assert_true(mhost_wait(mhost, &answers[i]));
    }
    assert_int_equal(answers[0].err.reason, REASON_NOT_FOUND);
    assert_true(mhost_settle(mhost));
}

static void who_waits_when_the_manager_stops_gets_an_answer(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct answer answers[4] = {0};
    json_t *body = json_pack("{s:s, s:s}", "name", "a", "type", "A100-2-10C");
    mhost_ask(mhost, VERB_CREATE_CLAIM, &answers[0], .json = body);
    mhost_ask(mhost, VERB_DELETE_CLAIM, &answers[1], .target = "b");
    mhost_ask(mhost, VERB_LIST_VMS, &answers[2]);
    mhost_ask(mhost, VERB_STOP_VM, &answers[3], .target = "web1");
    json_decref(body);
    mhost_stop(mhost);
    for (size_t i = 0; i < 4; i++) {
        assert_true(answers[i].there);
        assert_int_equal(answers[i].err.reason, REASON_UNAVAILABLE);
    }
}

static void a_stopped_manager_goes_on_where_it_was(void **state)
{
    struct mhost_fixture *f = *state;
    assert_int_equal(mhost_create(&f->mhost, MIG_CLAIM, NULL), 0);
    mhost_stop(&f->mhost); /* the plan has just begun */
    assert_int_equal(mhost_start(&f->mhost), 0);
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "binding");
    assert_true(mhost_settle(&f->mhost));
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "bound");
    mhost_assert_sound(&f->mhost);
}

static void a_claim_that_lost_its_plan_fails(void **state)
{
    struct mhost_fixture *f = *state;
    mhost_stop(&f->mhost);
    struct claim claim = {.state = CLAIM_RELEASING, .spec = {.mode = CLAIM_TIME_SLICED}};
    STR_SET(claim.name, "lost");
    mhost_store_claim(&f->mhost, &claim);
    assert_int_equal(mhost_start(&f->mhost), 0);
    assert_true(mhost_settle(&f->mhost));
    assert_string_equal(mhost_claim_state(&f->mhost, "lost"), "failed");
    assert_int_equal(mhost_delete(&f->mhost, "lost", NULL), 0);
    assert_true(mhost_settle(&f->mhost));
}

/* More than a manager ever has in hand: none is left over, and no claim loses its plan. */
static void all_plans_that_a_crash_cut_off_go_on(void **state)
{
    struct mhost_fixture *f = *state;
    mhost_stop(&f->mhost);
    for (unsigned i = 0; i < 40; i++) {
        CLEANUP(plan_freep) struct plan *plan = plan_new();
        struct claim claim = {.state = CLAIM_RELEASING, .spec = {.mode = CLAIM_TIME_SLICED}};
        str_print(claim.name, sizeof(claim.name), "c%u", i);
        str_print(plan->id, sizeof(plan->id), "11111111-0000-4000-8000-0000000000%02u", i);
        STR_SET(plan->reason, "claim delete");
        plan->created_us = i + 1;
        plan->state = PLAN_RUNNING;
        *vec_push(&plan->claims) = (struct plan_claim){.verb = PLAN_RELEASE, .claim = claim};
        mhost_store_claim(&f->mhost, &claim);
        mhost_store_plan(&f->mhost, plan);
    }
    assert_int_equal(mhost_start(&f->mhost), 0);
    assert_true(mhost_settle(&f->mhost));
    assert_int_equal(mhost_count_events(&f->mhost, "plan-done", NULL, NULL), 40);
    assert_int_equal(mhost_count_events(&f->mhost, "claim-failed", NULL, NULL), 0);
    assert_int_equal(f->mhost.manager->claims.n, 0);
}

static void a_vm_is_created_from_a_template_and_deleted(void **state)
{
    struct mhost_fixture *f = *state;
    json_t *body = json_pack("{s:s, s:s}", "name", "new1", "template", "<domain>\n</domain>");
    struct answer answer = {0};
    mhost_ask(&f->mhost, VERB_CREATE_VM, &answer, .json = body);
    assert_true(mhost_wait(&f->mhost, &answer));
    json_decref(body);
    assert_string_equal(answer_text(&answer, "vm.name"), "new1");
    answer_done(&answer);
    answer = (struct answer){0};
    mhost_ask(&f->mhost, VERB_DELETE_VM, &answer, .target = "new1");
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_string_equal(answer_text(&answer, "vm.name"), "new1");
    answer_done(&answer);
    assert_null(fake_host_vm(&f->host, "new1"));
}

static void a_vm_with_a_claim_is_not_deleted(void **state)
{
    struct mhost_fixture *f = *state;
    assert_int_equal(mhost_create(&f->mhost, MIG_CLAIM, NULL), 0);
    struct answer answer = {0};
    mhost_ask(&f->mhost, VERB_DELETE_VM, &answer, .target = "web1");
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_int_equal(answer.err.reason, REASON_IN_USE);
    assert_non_null(strstr(answer.err.message, "\"a\""));
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, mhost_fixture_setup, mhost_fixture_teardown)

static void stop_vm(struct mhost *mhost, const char *body_text, struct answer *answer)
{
    CLEANUP_JSON json_t *body = json_loads(body_text, 0, NULL);
    *answer = (struct answer){0};
    mhost_ask(mhost, VERB_STOP_VM, answer, .target = "web1", .json = body);
    assert_true(mhost_wait(mhost, answer));
}

static void a_paused_vm_is_not_asked_to_shut_down(void **state)
{
    struct mhost_fixture *f = *state;
    struct fake_vm *vm = fake_host_vm(&f->host, "web1");
    struct answer answer = {0};
    vm->running = vm->paused = true;
    for (int dry_run = 0; dry_run < 2; dry_run++) {
        answer = (struct answer){0};
        mhost_ask(&f->mhost, VERB_STOP_VM, &answer, .target = "web1", .dry_run = dry_run == 1);
        assert_true(mhost_wait(&f->mhost, &answer));
        assert_int_equal(answer.err.reason, REASON_CONFLICT);
        assert_non_null(strstr(answer.err.message, "is paused"));
        assert_non_null(strstr(answer.err.hint, "`virsh resume web1`"));
        assert_non_null(strstr(answer.err.hint, "`cleave vm stop --now web1`"));
        answer_done(&answer);
    }
    assert_true(vm->running);
    stop_vm(&f->mhost, "{\"force\": true}", &answer);
    assert_int_equal(answer.err.reason, REASON_NONE);
    answer_done(&answer);
    assert_true(!vm->running && vm->killed);
}

static void a_guest_that_does_not_shut_down_is_not_killed(void **state)
{
    struct mhost_fixture *f = *state;
    struct fake_vm *vm = fake_host_vm(&f->host, "web1");
    struct answer answer;
    char message[ERROR_TEXT_SIZE] = "";
    vm->running = true;
    vm->deaf = true;
    stop_vm(&f->mhost, "{\"timeoutSeconds\": 1}", &answer);
    assert_int_equal(answer.err.reason, REASON_DRIVER);
    assert_non_null(strstr(answer.err.message, "still runs after 1 s"));
    assert_non_null(strstr(answer.err.hint, "`cleave vm stop --now web1`"));
    answer_done(&answer);
    assert_true(vm->running);
    assert_int_equal(mhost_count_events(&f->mhost, "vm-stopped", "vm/web1", NULL), 0);
    stop_vm(&f->mhost, "{\"force\": true}", &answer);
    assert_int_equal(answer.err.reason, REASON_NONE);
    answer_done(&answer);
    assert_true(!vm->running && vm->killed);
    assert_int_equal(mhost_count_events(&f->mhost, "vm-stopped", "vm/web1", NULL), 0);
    assert_int_equal(mhost_count_events(&f->mhost, "vm-killed", "vm/web1", message), 1);
    fake_lock();
    vm->running = true;
    vm->killed = vm->deaf = false;
    fake_unlock();
    stop_vm(&f->mhost, "{}", &answer);
    assert_int_equal(answer.err.reason, REASON_NONE);
    answer_done(&answer);
    assert_true(!vm->running && !vm->killed);
    assert_int_equal(mhost_count_events(&f->mhost, "vm-stopped", "vm/web1", message), 1);
}

/* Each load, then each commit: what was begun is ended, and the next start works. */
static void a_start_that_fails_anywhere_ends_cleanly(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    static const enum fault_calls kinds[] = {FAULT_LOADS, FAULT_COMMITS};
    assert_int_equal(mhost_create(mhost, MIG_CLAIM, NULL), 0);
    assert_true(mhost_settle(mhost));
    unsigned n_failed = 0;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        bool was_reached = true;
        for (unsigned at = 1; was_reached; at++) {
            mhost_stop(mhost);
            mhost->faults.only = kinds[i];
            mhost->faults.calls = 0;
            mhost->faults.at = at;
            mhost->faults.kind = FAULT_FAIL_BEFORE;
            int r = mhost_start(mhost);
            was_reached = mhost->faults.calls >= at;
            mhost->faults.kind = FAULT_NONE;
            n_failed += r != 0;
            assert_true(was_reached || r == 0);
        }
    }
    assert_true(n_failed >= 5);
    assert_true(mhost_settle(mhost));
    assert_string_equal(mhost_claim_state(mhost, "a"), "bound");
    mhost_assert_sound(mhost);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_claim_is_bound_to_a_vgpu_on_a_gpu_instance),
        TEST(a_paused_vm_is_not_asked_to_shut_down),
        TEST(a_guest_that_does_not_shut_down_is_not_killed),
        TEST(what_we_change_ourselves_is_no_drift),
        TEST(what_others_change_is_an_event),
        TEST(a_gpu_that_leaves_the_bus_is_an_event),
        TEST(a_dry_run_shows_the_plan_and_changes_nothing),
        TEST(of_two_claims_that_race_for_one_gpu_exactly_one_wins),
        TEST(a_deleted_claim_leaves_nothing_behind),
        TEST(a_name_is_taken_only_once),
        TEST(a_running_vm_keeps_its_device),
        TEST(a_definition_is_judged_next_to_the_claims),
        TEST(a_device_that_is_gone_is_made_again_when_its_vm_starts),
        TEST(a_failed_plan_fails_its_claim_and_says_why),
        TEST(a_site_becomes_exactly_what_its_file_says),
        TEST(a_failed_replacement_gives_the_old_claim_back),
        TEST(a_site_names_no_gpu_by_its_index),
        TEST(a_site_does_not_take_over_a_claim_made_by_hand),
        TEST(twelve_vgpus_share_four_instances),
        TEST(a_mode_is_set_by_hand),
        TEST(too_many_waiting_changes_are_refused),
        TEST(who_waits_when_the_manager_stops_gets_an_answer),
        TEST(a_stopped_manager_goes_on_where_it_was),
        TEST(a_claim_that_lost_its_plan_fails),
        TEST(all_plans_that_a_crash_cut_off_go_on),
        TEST(a_start_that_fails_anywhere_ends_cleanly),
        TEST(a_vm_is_created_from_a_template_and_deleted),
        TEST(a_vm_with_a_claim_is_not_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
