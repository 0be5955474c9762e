/* SPDX-License-Identifier: Apache-2.0 */
/* Libvirt takes long to start a VM, or to look: what another needs goes on, and what is the VM's
 * stays the VM's. */
#include "base/json.h"
#include "base/str.h"
#include "drain/drain_run.h"
#include "state/config.h"
#include "state/state.h"
#include "test.h"
#include "turn/queue.h"
#include "vm/lines_fixture.h"

static void others_go_on_while_a_vm_is_being_started(void **state)
{
    struct mhost_fixture *f = *state;
    struct mhost *mhost = &f->mhost;
    struct answer start = {0};
    hooked_create(mhost, ON_DEMAND("a", "web1"));
    lines_begin_stuck(f, "web1", &start);
    hooked_create(mhost, WHOLE("w", "web2"));
    assert_int_equal(hooked_start(mhost, "web2"), 0);
    assert_string_equal(mhost_claim_state(mhost, "w"), "bound");
    hooked_create(mhost, "{\"name\": \"k\", \"type\": \"A100-2-10C\", \"vm\": \"web3\"}");
    assert_string_equal(mhost_claim_state(mhost, "k"), "bound");
    assert_int_equal(mhost_delete(mhost, "k", NULL), 0);
    assert_true(mhost_settle(mhost));
    assert_false(start.there);
    lines_set_vm(f, "web1", false, false);
    assert_true(mhost_wait(mhost, &start));
    assert_int_equal(start.err.reason, REASON_NONE);
    answer_done(&start);
    assert_true(mhost_settle(mhost));
    mhost_assert_sound(mhost);
}

static void what_is_of_a_vm_that_is_being_started_stays(void **state)
{
    struct mhost_fixture *f = *state;
    struct mhost *mhost = &f->mhost;
    struct answer start = {0};
    struct answer answer = {0};
    hooked_create(mhost, ON_DEMAND("a", "web1"));
    hooked_create(mhost, "{\"name\": \"b\", \"type\": \"A100-1-5C\", \"vm\": \"web1\"}");
    lines_begin_stuck(f, "web1", &start);
    for (int i = 0; i < 3; i++) { /* libvirt shows it off; its devices are not given back */
        mhost_look(mhost);
        assert_true(mhost_settle(mhost));
        assert_string_equal(mhost_claim_state(mhost, "a"), "bound");
    }
    assert_int_equal(hooked_ask(mhost, "web1", "release", NULL), 0); /* of an earlier life */
    assert_true(mhost_settle(mhost));
    assert_string_equal(mhost_claim_state(mhost, "a"), "bound");
    uint32_t vgpus = fake_host_count_vgpus(&f->host);
    mhost_ask(mhost, VERB_DELETE_CLAIM, &answer, .caller = &root, .target = "a");
    lines_assert_refused(&answer, mhost, REASON_IN_USE, "web1");
    mhost_ask(mhost, VERB_DELETE_CLAIM, &answer, .caller = &root, .target = "b");
    lines_assert_refused(&answer, mhost, REASON_IN_USE, "web1");
    mhost_ask(mhost, VERB_START_VM, &answer, .caller = &root, .target = "web1");
    lines_assert_refused(&answer, mhost, REASON_CONFLICT, "is being started already");
    mhost_ask(mhost, VERB_DELETE_VM, &answer, .caller = &root, .target = "web1");
    lines_assert_refused(&answer, mhost, REASON_IN_USE, "web1");
    CLEANUP_JSON json_t *claim = json_pack("{s:s, s:s, s:s}", "name", "c", "type", "A100-1-5C",
                                           "vm", "web1"); /* two hands on one definition */
    mhost_ask(mhost, VERB_CREATE_CLAIM, &answer, .caller = &root, .json = claim);
    lines_assert_refused(&answer, mhost, REASON_IN_USE, "web1");
    CLEANUP_JSON json_t *mode = json_pack("{s:s}", "mode", "passthrough");
    mhost_ask(mhost, VERB_SET_GPU_MODE, &answer, .caller = &root, .target = MHOST_A100,
              .json = mode);
    assert_true(mhost_wait(mhost, &answer));
    assert_true(answer.err.reason != REASON_NONE);
    answer_done(&answer);
    answer = (struct answer){0};
    mhost_ask(mhost, VERB_COLLECT_GARBAGE, &answer, .caller = &root);
    assert_true(mhost_wait(mhost, &answer));
    answer_done(&answer);
    assert_true(mhost_settle(mhost));
    assert_int_equal(fake_host_count_vgpus(&f->host), vgpus);
    assert_false(start.there);
    lines_set_vm(f, "web1", false, false);
    assert_true(mhost_wait(mhost, &start));
    assert_int_equal(start.err.reason, REASON_NONE);
    answer_done(&start);
    assert_true(mhost_settle(mhost));
    mhost_assert_sound(mhost);
}

static bool is_drained(void *data)
{
    const struct manager *m = data;
    return m->drain_run != NULL && drain_is_over(m->drain_run->drain->state);
}

static bool waits_for_its_start(void *data)
{
    const struct manager *m = data;
    return m->drain_run != NULL && m->drain_run->drain->state == DRAIN_RUNNING &&
           m->drain_run->drain->vms.n == 1 &&
           m->drain_run->drain->vms.items[0].step == DRAIN_WAITING;
}

static void a_drain_waits_until_a_vm_that_is_being_started_runs(void **state)
{
    struct mhost_fixture *f = *state;
    struct mhost *mhost = &f->mhost;
    struct answer start = {0};
    struct answer answer = {0};
    hooked_create(mhost, ON_DEMAND("a", "web1"));
    lines_begin_stuck(f, "web1", &start);
    CLEANUP_JSON json_t *body = json_pack("{s:b}", "stop", true);
    mhost_ask(mhost, VERB_DRAIN_HOST, &answer, .caller = &root, .json = body);
    assert_true(mhost_wait(mhost, &answer));
    assert_int_equal(answer.err.reason, REASON_NONE);
    answer_done(&answer);
    assert_true(mhost_wait_until(mhost, waits_for_its_start, mhost->manager));
    assert_string_equal(mhost_claim_state(mhost, "a"), "bound");
    lines_set_vm(f, "web1", false, false);
    assert_true(mhost_wait(mhost, &start));
    assert_int_equal(start.err.reason, REASON_NONE);
    answer_done(&start);
    assert_true(mhost_wait_until(mhost, is_drained, mhost->manager));
    assert_int_equal(mhost->manager->drain_run->drain->state, DRAIN_DONE);
    assert_false(fake_host_vm(&f->host, "web1")->running);
    assert_true(mhost_settle(mhost));
    mhost_assert_sound(mhost);
}

static void a_start_that_fails_in_the_end_gives_back_what_was_drawn(void **state)
{
    struct mhost_fixture *f = *state;
    struct mhost *mhost = &f->mhost;
    struct answer start = {0};
    hooked_create(mhost, ON_DEMAND("a", "web1"));
    lines_begin_stuck(f, "web1", &start);
    assert_int_equal(fake_host_count_vgpus(&f->host), 1);
    lines_set_vm(f, "web1", false, true);
    lines_assert_refused(&start, mhost, REASON_DRIVER, "its emulator ends at once");
    mhost_look(mhost);
    assert_true(mhost_settle(mhost));
    assert_string_equal(mhost_claim_state(mhost, "a"), "pending");
    assert_int_equal(fake_host_count_vgpus(&f->host), 0);
    lines_set_vm(f, "web1", false, false);
    assert_int_equal(hooked_start(mhost, "web1"), 0);
    mhost_assert_sound(mhost);
}

/* As while another VM's start or hook hangs: every list of VMs waits for it. */
static void a_vm_starts_while_libvirt_is_late_with_a_look(void **state)
{
    struct mhost_fixture *f = *state;
    struct mhost *mhost = &f->mhost;
    struct answer answer = {0};
    hooked_create(mhost, "{\"name\": \"k\", \"type\": \"A100-2-10C\", \"vm\": \"web1\"}");
    lines_hang(mhost, 1U << PORT_GUEST);
    mhost_ask(mhost, VERB_START_VM, &answer, .caller = &root, .target = "web1");
    assert_true(mhost_wait(mhost, &answer));
    assert_int_equal(answer.err.reason, REASON_NONE);
    assert_string_equal(answer_text(&answer, "vm.state"), "running");
    assert_true(fake_host_vm(&f->host, "web1")->running);
    answer_done(&answer);
    answer = (struct answer){0};
    mhost_ask(mhost, VERB_START_VM, &answer, .caller = &root, .target = "web1");
    lines_assert_refused(&answer, mhost, REASON_CONFLICT, "already");
    lines_hang_no_more(mhost);
    mhost_look(mhost);
    assert_true(mhost_settle(mhost));
    mhost_assert_sound(mhost);
}

static void starts_that_libvirt_gave_no_answer_are_bounded(void **state)
{
    struct mhost_fixture *f = *state;
    struct mhost *mhost = &f->mhost;
    struct answer starts[VM_START_LINES] = {0};
    struct answer answer = {0};
    char name[16];
    for (size_t i = 0; i < VM_START_LINES; i++) {
        str_print(name, sizeof(name), "stuck%zu", i);
        lines_add_vm(f, name, false);
        lines_begin_stuck(f, name, &starts[i]);
    }
    change_lose_patience(mhost->manager, VM_LINE_START, NULL);
    for (size_t i = 0; i < VM_START_LINES; i++) {
        lines_assert_refused(&starts[i], mhost, REASON_UNAVAILABLE, "may still be carried out");
    }
    mhost_ask(mhost, VERB_START_VM, &answer, .caller = &root, .target = "web1");
    lines_assert_refused(&answer, mhost, REASON_UNAVAILABLE, "8 starts of other VMs");
    /* Nothing else waits for them. */
    hooked_create(mhost, "{\"name\": \"k\", \"type\": \"A100-2-10C\", \"vm\": \"web3\"}");
    assert_string_equal(mhost_claim_state(mhost, "k"), "bound");
    for (size_t i = 0; i < VM_START_LINES; i++) {
        str_print(name, sizeof(name), "stuck%zu", i);
        lines_set_vm(f, name, false, false);
    }
    while (hooked_start(mhost, "web1") != 0) { /* one of them is back soon */
        mhost_look(mhost);
    }
    mhost_assert_sound(mhost);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LINES_TEST(others_go_on_while_a_vm_is_being_started),
        LINES_TEST(what_is_of_a_vm_that_is_being_started_stays),
        LINES_TEST(a_drain_waits_until_a_vm_that_is_being_started_runs),
        LINES_TEST(a_start_that_fails_in_the_end_gives_back_what_was_drawn),
        LINES_TEST(a_vm_starts_while_libvirt_is_late_with_a_look),
        LINES_TEST(starts_that_libvirt_gave_no_answer_are_bounded),
    };
    return cmocka_run_group_tests_name("starting", tests, NULL, NULL);
}
