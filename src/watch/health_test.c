/* SPDX-License-Identifier: Apache-2.0 */
/* Faults, quarantine and recovery, over a host in memory. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "mhost_fixture.h"
#include "state/state.h"
#include "state/txn.h"
#include "test.h"
#include "turn/plan_end.h"
#include "watch/health.h"

static const struct gpu_record *record(struct mhost *mhost, const char *bdf)
{
    struct pci_addr addr;
    assert_true(pci_addr_parse(bdf, &addr));
    return gpu_records_find_addr(&mhost->manager->gpu_records, &addr);
}

static bool is_quarantined(struct mhost *mhost, const char *bdf)
{
    const struct gpu_record *found = record(mhost, bdf);
    return found != NULL && found->quarantine.set;
}

static void report(struct mhost *mhost, uint32_t xid)
{
    struct gpu_report report = {.kind = GPU_REPORT_XID, .xid = xid};
    assert_true(pci_addr_parse(MHOST_L40S, &report.gpu));
    health_take_report(mhost->manager, &report);
    assert_true(mhost_wait_stored(mhost));
}

static void serve_two(struct mhost *mhost)
{
    assert_int_equal(
        mhost_create(mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"web1\"}", NULL), 0);
    assert_true(mhost_settle(mhost));
}

static void a_fault_that_is_seen_quarantines_the_gpu_once_and_names_who_is_on_it(void **state)
{
    struct mhost_fixture *f = *state;
    char message[ERROR_TEXT_SIZE] = "";
    serve_two(&f->mhost);
    f->host.gpus[2].wedged = true;
    mhost_look(&f->mhost);
    mhost_look(&f->mhost);
    assert_true(is_quarantined(&f->mhost, MHOST_L40S));
    assert_false(is_quarantined(&f->mhost, MHOST_A100));
    assert_int_equal(mhost_count_events(&f->mhost, "gpu-quarantined", NULL, message), 1);
    assert_non_null(strstr(message, "VMs: web1; claims: a"));
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "bound");
}

static const json_t *find_gpu(const struct answer *answer, const char *address)
{
    size_t i = 0;
    const json_t *gpu = NULL;
    json_array_foreach(json_object_get(answer->body, "gpus"), i, gpu)
    {
        if (str_eq(json_string_value(json_object_get(gpu, "address")), address)) {
            return gpu;
        }
    }
    return NULL;
}

static void list_gpus(struct mhost *mhost, struct answer *ret_answer)
{
    *ret_answer = (struct answer){0};
    mhost_ask(mhost, VERB_LIST_GPUS, ret_answer);
    assert_true(mhost_wait(mhost, ret_answer));
}

static void a_gpu_that_left_the_bus_is_listed_as_lost_while_a_claim_names_it(void **state)
{
    struct mhost_fixture *f = *state;
    struct answer answer;
    serve_two(&f->mhost);
    f->host.n_gpus--; /* the L40S is the last */
    list_gpus(&f->mhost, &answer);
    const json_t *gpu = find_gpu(&answer, MHOST_L40S);
    assert_non_null(gpu);
    assert_non_null(
        strstr(json_string_value(json_object_get(gpu, "problem")), "no longer on the PCI bus"));
    assert_true(json_is_null(json_object_get(gpu, "mode")));
    assert_true(json_is_null(json_object_get(gpu, "vgpus")));
    answer_done(&answer);
    answer = (struct answer){0};
    mhost_ask(&f->mhost, VERB_GET_GPU, &answer, .target = MHOST_L40S);
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_non_null(strstr(answer_text(&answer, "problem"), "no longer on the PCI bus"));
    answer_done(&answer);
    assert_int_equal(mhost_delete(&f->mhost, "a", NULL), 0);
    assert_true(mhost_settle(&f->mhost));
    list_gpus(&f->mhost, &answer);
    assert_null(find_gpu(&answer, MHOST_L40S));
    answer_done(&answer);
}

static enum reason recover(struct mhost *mhost, const char *gpu, char ret_message[ERROR_TEXT_SIZE])
{
    struct answer answer = {0};
    mhost_ask(mhost, VERB_RECOVER_GPU, &answer, .target = gpu, .dry_run = true);
    assert_true(mhost_wait(mhost, &answer));
    str_copy(ret_message, ERROR_TEXT_SIZE, answer.err.message);
    enum reason reason = answer.err.reason;
    answer_done(&answer);
    return reason;
}

/* Boards are shifted: one is out, and the next sits where it was. */
static void a_lost_gpu_whose_address_another_board_has_is_listed_and_not_recovered(void **state)
{
    struct mhost_fixture *f = *state;
    char message[ERROR_TEXT_SIZE];
    struct answer answer;
    serve_two(&f->mhost);
    fake_lock();
    f->host.gpus[2].board = 0x91;
    memset(f->host.gpus[2].vfs, 0, sizeof(f->host.gpus[2].vfs));
    fake_unlock();
    list_gpus(&f->mhost, &answer);
    size_t n = 0;
    const json_t *lost = NULL;
    const json_t *gpus = json_object_get(answer.body, "gpus");
    for (size_t i = 0; i < json_array_size(gpus); i++) {
        const json_t *gpu = json_array_get(gpus, i);
        bool here = str_eq(json_string_value(json_object_get(gpu, "address")), MHOST_L40S);
        n += here;
        lost =
            here && str_eq(json_string_value(json_object_get(gpu, "uuid")), "GPU-81") ? gpu : lost;
    }
    assert_int_equal(n, 2);
    assert_non_null(lost);
    assert_non_null(strstr(json_string_value(json_object_get(lost, "problem")), "another board"));
    answer_done(&answer);
    answer = (struct answer){0};
    mhost_ask(&f->mhost, VERB_GET_GPU, &answer, .target = MHOST_L40S);
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_string_equal(answer_text(&answer, "uuid"), "GPU-91");
    answer_done(&answer);
    assert_int_equal(recover(&f->mhost, MHOST_L40S, message), REASON_CONFLICT);
    assert_int_equal(recover(&f->mhost, "GPU-81", message), REASON_NOT_FOUND);
    assert_non_null(strstr(message, "another GPU is at its address " MHOST_L40S));
    fake_lock();
    f->host.n_gpus--; /* that one, too */
    fake_unlock();
    mhost_look(&f->mhost);
    assert_int_equal(recover(&f->mhost, "GPU-81", message), REASON_NONE);
}

/* As when the host was rebooted in the middle of it. */
static void a_recovery_that_was_cut_off_is_of_its_board_and_not_of_its_address(void **state)
{
    struct mhost_fixture *f = *state;
    struct manager *m = f->mhost.manager;
    fake_lock();
    f->host.gpus[2].board = 0x91;
    fake_unlock();
    mhost_look(&f->mhost);
    struct plan *plan = plan_new();
    STR_SET(plan->id, "b0a7d000-0000-4000-8000-000000000001");
    STR_SET(plan->problem, "the host was rebooted");
    plan->state = PLAN_FAILED;
    struct step *step = vec_push(&plan->steps);
    *step = step_make(STEP_GPU_RESET, &(struct pci_addr){.bus = 0x81});
    STR_SET(step->board, "GPU-81");
    step->state = STEP_UNDONE;
    struct step *mode = vec_push(&plan->steps);
    *mode = step_make(STEP_BIND_VFIO, &(struct pci_addr){.bus = 0x81});
    STR_SET(mode->board, "GPU-81");
    mode->state = STEP_DONE;
    struct txn txn;
    struct error err = {0};
    txn_begin(&txn, m);
    txn_end_plan(&txn, plan);
    assert_int_equal(txn_commit(&txn, &err), 0);
    plan_free(plan);
    size_t n = 0;
    for (vec_each(&m->gpu_records, it)) {
        n += str_eq(it->uuid, "GPU-81") && it->quarantine.set && it->mode == GPU_PASSTHROUGH;
        assert_false(str_eq(it->uuid, "GPU-91") && (it->quarantine.set || it->mode_set));
    }
    assert_int_equal(n, 1);
}

static void what_cannot_be_seen_on_a_gpu_is_null(void **state)
{
    struct mhost_fixture *f = *state;
    struct answer answer;
    f->host.gpus[2].blind = true;
    list_gpus(&f->mhost, &answer);
    const json_t *gpu = find_gpu(&answer, MHOST_L40S);
    assert_true(json_is_null(json_object_get(gpu, "mode")));
    assert_true(json_is_null(json_object_get(gpu, "gpuInstances")));
    assert_true(json_is_null(json_object_get(gpu, "vgpus")));
    const json_t *other = find_gpu(&answer, MHOST_A100);
    assert_string_equal(json_string_value(json_object_get(other, "mode")), "idle");
    assert_int_equal(json_array_size(json_object_get(other, "vgpus")), 0);
    assert_true(json_is_array(json_object_get(other, "vgpus")));
    answer_done(&answer);
}

static void an_xid_of_a_guest_is_reported_and_one_of_the_gpu_condemns(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    char message[ERROR_TEXT_SIZE] = "";
    serve_two(mhost);
    report(mhost, 31);
    assert_false(is_quarantined(mhost, MHOST_L40S));
    report(mhost, 95);
    assert_true(is_quarantined(mhost, MHOST_L40S));
    assert_int_equal(mhost_count_events(mhost, "gpu-xid", NULL, message), 2);
    assert_non_null(strstr(message, "Xid 95 (uncontained memory error): the GPU must be reset"));
    assert_string_equal(record(mhost, MHOST_L40S)->quarantine.kind, "xid");
    report(mhost, 79); /* what was found first stays */
    assert_non_null(strstr(record(mhost, MHOST_L40S)->quarantine.why, "Xid 95"));
}

static void the_same_again_and_again_is_reported_once(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    char message[ERROR_TEXT_SIZE] = "";
    for (int i = 0; i < 50; i++) {
        report(mhost, 31);
        report(mhost, 13);
    }
    assert_int_equal(mhost_count_events(mhost, "gpu-xid", NULL, message), 2);
}

static void a_quarantine_that_can_t_be_stored_is_tried_again(void **state)
{
    struct mhost_fixture *f = *state;
    f->mhost.faults.only = FAULT_COMMITS;
    f->mhost.faults.calls = 0;
    f->mhost.faults.at = 1;
    f->mhost.faults.length = 3;
    f->mhost.faults.kind = FAULT_FAIL_BEFORE;
    report(&f->mhost, 95);
    assert_false(is_quarantined(&f->mhost, MHOST_L40S));
    assert_true(mhost_settle(&f->mhost));
    f->mhost.faults.kind = FAULT_NONE;
    mhost_look(&f->mhost);
    assert_true(is_quarantined(&f->mhost, MHOST_L40S));
}

static void a_quarantine_outlives_a_restart(void **state)
{
    struct mhost_fixture *f = *state;
    report(&f->mhost, 95);
    mhost_stop(&f->mhost);
    assert_int_equal(mhost_start(&f->mhost), 0);
    assert_true(is_quarantined(&f->mhost, MHOST_L40S));
}

static void a_recovery_brings_the_devices_back_and_ends_the_quarantine(void **state)
{
    struct mhost_fixture *f = *state;
    char message[ERROR_TEXT_SIZE] = "";
    char why[256] = "";
    serve_two(&f->mhost);
    f->host.gpus[2].wedged = true;
    mhost_look(&f->mhost);
    struct answer answer = {0};
    mhost_ask(&f->mhost, VERB_RECOVER_GPU, &answer, .target = MHOST_L40S);
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_int_equal(answer.err.reason, REASON_NONE);
    answer_done(&answer);
    assert_true(mhost_settle(&f->mhost));
    assert_false(is_quarantined(&f->mhost, MHOST_L40S));
    assert_int_equal(mhost_count_events(&f->mhost, "gpu-recovered", NULL, message), 1);
    if (!mhost_is_sound(&f->mhost, why, sizeof(why))) {
        fail_msg("%s", why);
    }
}

static void a_gpu_that_vms_run_with_is_not_recovered(void **state)
{
    struct mhost_fixture *f = *state;
    serve_two(&f->mhost);
    fake_host_vm(&f->host, "web1")->running = true;
    f->host.gpus[2].wedged = true;
    mhost_look(&f->mhost);
    struct fake_host before = f->host;
    struct answer answer = {0};
    mhost_ask(&f->mhost, VERB_RECOVER_GPU, &answer, .target = MHOST_L40S);
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_int_equal(answer.err.reason, REASON_IN_USE);
    assert_non_null(strstr(answer.err.message, "web1"));
    answer_done(&answer);
    assert_true(fake_host_same(&before, &f->host));
}

static void a_vm_of_a_quarantined_gpu_does_not_start(void **state)
{
    struct mhost_fixture *f = *state;
    serve_two(&f->mhost);
    report(&f->mhost, 95);
    struct answer answer = {0};
    mhost_ask(&f->mhost, VERB_START_VM, &answer, .target = "web1");
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_int_equal(answer.err.reason, REASON_UNAVAILABLE);
    assert_non_null(strstr(answer.err.message, "is quarantined: Xid 95"));
    assert_non_null(strstr(answer.err.hint, "cleave gpu recover"));
    answer_done(&answer);
}

/* The vGPU of claim "a" would not go once; `quarantined`: its GPU was set aside for that. */
static void remember_stuck(struct mhost *mhost, bool quarantined)
{
    const struct claim *claim = claims_find(&mhost->manager->claims, "a");
    struct gpu_record *found =
        gpu_records_find_addr(&mhost->manager->gpu_records, &claim->assigned.gpu);
    assert_non_null(found);
    struct stuck_vf stuck = {.addr = claim->assigned.device, .why = "EIO"};
    assert_true(gpu_record_add_stuck(found, &stuck));
    if (quarantined) {
        found->n_stuck_vfs = 0;
        found->quarantine.set = true;
        STR_SET(found->quarantine.kind, "stuck-vf");
    }
}

static void a_function_that_lets_go_after_all_is_free_again(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    serve_two(mhost);
    remember_stuck(mhost, false);
    assert_int_equal(mhost_delete(mhost, "a", NULL), 0);
    assert_true(mhost_settle(mhost));
    assert_int_equal(record(mhost, MHOST_L40S)->n_stuck_vfs, 0);
    assert_int_equal(mhost_count_events(mhost, "vf-recovered", NULL, NULL), 1);
}

static void a_gpu_set_aside_for_a_function_is_free_once_that_lets_go(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    char message[ERROR_TEXT_SIZE] = "";
    serve_two(mhost);
    remember_stuck(mhost, true);
    assert_int_equal(mhost_delete(mhost, "a", NULL), 0);
    assert_true(mhost_settle(mhost));
    assert_false(is_quarantined(mhost, MHOST_L40S));
    assert_int_equal(mhost_count_events(mhost, "vf-recovered", NULL, message), 1);
    assert_non_null(strstr(message, "no longer quarantined"));
}

static void a_quarantine_for_more_stays_when_a_function_lets_go(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    serve_two(mhost);
    remember_stuck(mhost, true);
    struct pci_addr addr;
    assert_true(pci_addr_parse(MHOST_L40S, &addr));
    STR_SET(gpu_records_find_addr(&mhost->manager->gpu_records, &addr)->quarantine.kind, "xid");
    (void)mhost_delete(mhost, "a", NULL);
    assert_true(mhost_settle(mhost));
    assert_true(is_quarantined(mhost, MHOST_L40S));
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, mhost_fixture_setup, mhost_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_fault_that_is_seen_quarantines_the_gpu_once_and_names_who_is_on_it),
        TEST(a_gpu_that_left_the_bus_is_listed_as_lost_while_a_claim_names_it),
        TEST(a_lost_gpu_whose_address_another_board_has_is_listed_and_not_recovered),
        TEST(a_recovery_that_was_cut_off_is_of_its_board_and_not_of_its_address),
        TEST(what_cannot_be_seen_on_a_gpu_is_null),
        TEST(an_xid_of_a_guest_is_reported_and_one_of_the_gpu_condemns),
        TEST(the_same_again_and_again_is_reported_once),
        TEST(a_quarantine_that_can_t_be_stored_is_tried_again),
        TEST(a_quarantine_outlives_a_restart),
        TEST(a_recovery_brings_the_devices_back_and_ends_the_quarantine),
        TEST(a_gpu_that_vms_run_with_is_not_recovered),
        TEST(a_vm_of_a_quarantined_gpu_does_not_start),
        TEST(a_function_that_lets_go_after_all_is_free_again),
        TEST(a_gpu_set_aside_for_a_function_is_free_once_that_lets_go),
        TEST(a_quarantine_for_more_stays_when_a_function_lets_go),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
