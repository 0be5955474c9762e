/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks that wait, for each other's devices or next to a plan (hooked.h). */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/stopping.h"
#include "base/str.h"
#include "hooked.h"
#include "state/state.h"
#include "test.h"

static void of_two_vms_that_want_the_last_gpu_one_learns_who_has_it(void **state)
{
    struct mhost_fixture *f = *state;
    struct error err = {0};
    hooked_create(&f->mhost, WHOLE("a", "web1"));
    hooked_create(&f->mhost, WHOLE("b", "web2"));
    assert_int_equal(hooked_ask(&f->mhost, "web1", "prepare", NULL), 0);
    assert_int_equal(hooked_ask(&f->mhost, "web2", "prepare", &err), -REASON_NO_CAPACITY);
    assert_non_null(strstr(err.message, "claim \"a\" of VM \"web1\""));
    assert_non_null(strstr(err.hint, "stop VM \"web1\"")); /* it wants that very GPU */
    assert_string_equal(mhost_claim_state(&f->mhost, "b"), "pending");
    /* The first ends while the second asks again: it gets it, in the order of asking. */
    assert_int_equal(hooked_ask(&f->mhost, "web1", "release", NULL), 0);
    assert_true(mhost_settle(&f->mhost));
    assert_int_equal(hooked_ask(&f->mhost, "web2", "prepare", NULL), 0);
    assert_string_equal(mhost_claim_state(&f->mhost, "b"), "bound");
}

static void swap_often(struct mhost_fixture *f, const char *first, const char *second)
{
    const char *const vms[] = {"web1", "web2"};
    struct error err = {0};
    hooked_create(&f->mhost, first);
    hooked_create(&f->mhost, second);
    assert_int_equal(hooked_ask(&f->mhost, "web1", "prepare", NULL), 0);
    for (int i = 0; i < 100; i++) {
        /* A device is on its way back while the other VM asks. */
        assert_int_equal(hooked_ask(&f->mhost, vms[i % 2], "release", NULL), 0);
        int r = hooked_ask(&f->mhost, vms[(i + 1) % 2], "prepare", &err);
        if (r != 0) {
            fail_msg("swap %d was refused: %s", i, err.message);
        }
    }
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "bound");
    assert_string_equal(mhost_claim_state(&f->mhost, "b"), "pending");
}

static void two_vms_that_share_a_gpu_swap_it_without_a_refusal(void **state)
{
    swap_often(*state, WHOLE("a", "web1"), WHOLE("b", "web2"));
}

#define FULL(name, vm)                                                                             \
    "{\"name\": \"" name "\", \"type\": \"L40S-48Q\", \"vm\": \"" vm "\", \"hold\": "              \
    "\"on-demand\"}"

struct asked {
    struct mhost *mhost;
    struct answer answer;
};

static bool an_answer_or_a_wait(void *data)
{
    struct asked *asked = data;
    return asked->answer.there || asked->mhost->manager->parked_hooks.n > 0;
}

/* Its saved state has the device for as long as it likes: there is nothing to wait for. */
static void refuse_next_to_saved(struct mhost_fixture *f, const char *saved, const char *other)
{
    struct asked asked = {.mhost = &f->mhost};
    struct fake_vm *vm = fake_host_vm(&f->host, "web1");
    hooked_create(&f->mhost, saved);
    hooked_create(&f->mhost, other);
    assert_int_equal(hooked_start(&f->mhost, "web1"), 0);
    vm->saved = true; /* `virsh managedsave` */
    vm->running = false;
    hooked_look(&f->mhost);
    hooked_begin(&f->mhost, "web2", "prepare", mhost_reply, &asked.answer);
    assert_true(mhost_wait_until(&f->mhost, an_answer_or_a_wait, &asked));
    assert_true(asked.answer.there);
    assert_int_equal(asked.answer.err.reason, REASON_NO_CAPACITY);
    assert_non_null(strstr(asked.answer.err.hint, "VM \"web1\" is saved with this device"));
    assert_non_null(strstr(asked.answer.err.hint, "`virsh managedsave-remove web1`"));
    answer_done(&asked.answer);
    vm->saved = false; /* `virsh managedsave-remove` */
    mhost_look(&f->mhost);
    assert_int_equal(hooked_ask(&f->mhost, "web2", "prepare", NULL), 0);
}

static void a_vm_does_not_wait_for_a_saved_one(void **state)
{
    refuse_next_to_saved(*state, WHOLE("a", "web1"), WHOLE("b", "web2"));
}

static void a_vm_does_not_wait_for_a_saved_ones_vgpu(void **state)
{
    refuse_next_to_saved(*state, FULL("a", "web1"), FULL("b", "web2"));
}

/* On functions of their own, but there is room for one. */
static void two_vms_whose_vgpus_fill_a_gpu_swap_it_without_a_refusal(void **state)
{
    swap_often(*state, FULL("a", "web1"), FULL("b", "web2"));
}

static bool a_hook_waits(void *data)
{
    const struct mhost *mhost = data;
    return mhost->manager->parked_hooks.n > 0;
}

static void a_hook_that_waits_for_a_release_when_the_manager_stops_gets_an_answer(void **state)
{
    struct mhost_fixture *f = *state;
    struct answer answer = {0};
    hooked_create(&f->mhost, WHOLE("a", "web1"));
    hooked_create(&f->mhost, WHOLE("b", "web2"));
    assert_int_equal(hooked_ask(&f->mhost, "web1", "prepare", NULL), 0);
    f->mhost.faults.kind = FAULT_FAIL_BEFORE; /* the release fails, and is tried again later */
    f->mhost.faults.only = FAULT_STEPS;
    f->mhost.faults.calls = 0;
    f->mhost.faults.at = 1;
    assert_int_equal(hooked_ask(&f->mhost, "web1", "release", NULL), 0);
    hooked_begin(&f->mhost, "web2", "prepare", mhost_reply, &answer);
    assert_true(mhost_wait_until(&f->mhost, a_hook_waits, &f->mhost));
    mhost_stop(&f->mhost);
    f->mhost.faults.kind = FAULT_NONE;
    assert_true(answer.there);
    answer_done(&answer);
}

static void a_change_that_looks_at_locked_vms_holds_up_no_hook(void **state)
{
    struct mhost_fixture *f = *state;
    struct answer starts[2] = {0};
    struct answer creates[2] = {0};
    struct answer list = {0};
    hooked_create(&f->mhost, ON_DEMAND("a", "web1"));
    hooked_create(&f->mhost, ON_DEMAND("b", "web2"));
    CLEANUP_JSON json_t *c =
        json_pack("{s:s, s:s, s:s}", "name", "c", "type", "A100-1-5C", "vm", "web3");
    CLEANUP_JSON json_t *d = json_pack("{s:s, s:s}", "name", "d", "type", "L40S-8Q");
    mhost_ask(&f->mhost, VERB_START_VM, &starts[0], .target = "web1");
    mhost_ask(&f->mhost, VERB_CREATE_CLAIM, &creates[0], .json = c);
    mhost_ask(&f->mhost, VERB_START_VM, &starts[1], .target = "web2");
    mhost_ask(&f->mhost, VERB_CREATE_CLAIM, &creates[1], .json = d);
    mhost_ask(&f->mhost, VERB_LIST_VMS, &list);
    struct answer *all[] = {&starts[0], &creates[0], &starts[1], &creates[1], &list};
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        assert_true(mhost_wait(&f->mhost, all[i]));
        assert_int_equal(all[i]->err.reason, REASON_NONE);
        answer_done(all[i]);
    }
    assert_true(mhost_settle(&f->mhost));
    assert_string_equal(mhost_claim_state(&f->mhost, "c"), "bound");
    mhost_assert_sound(&f->mhost);
}

/* libvirt starts web1 on its own, in a thread of its own. */
struct starter {
    struct mhost_fixture *f;
    pthread_t thread;
    int result;
    struct error err;
    atomic_bool over;
};

static void *start_behind(void *data)
{
    struct starter *starter = data;
    struct guest_port *port = starter->f->mhost.fake_guest;
    starter->result = port->ops->start(port, "web1", &starter->err);
    starter->over = true;
    return NULL;
}

static void a_vm_starts_while_a_plan_changes_another(void **state)
{
    struct mhost_fixture *f = *state;
    struct starter starter = {.f = f};
    struct answer answer = {0};
    hooked_create(&f->mhost, ON_DEMAND("a", "web1"));
    CLEANUP_JSON json_t *c =
        json_pack("{s:s, s:s, s:s}", "name", "c", "type", "A100-1-5C", "vm", "web2");
    mhost_ask(&f->mhost, VERB_CREATE_CLAIM, &answer, .json = c);
    assert_int_equal(pthread_create(&starter.thread, NULL, start_behind, &starter), 0);
    assert_true(mhost_wait(&f->mhost, &answer));
    answer_done(&answer);
    while (!starter.over) {
        assert_true(mhost_settle(&f->mhost));
    }
    pthread_join(starter.thread, NULL);
    assert_int_equal(starter.result, 0);
    assert_true(mhost_settle(&f->mhost));
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "bound");
    assert_string_equal(mhost_claim_state(&f->mhost, "c"), "bound");
    mhost_assert_sound(&f->mhost);
}

static bool a_step_hangs(void *data)
{
    return atomic_load(&((struct mhost *)data)->faults.hanging) == 1;
}

static void a_vm_whose_devices_a_plan_changes_is_refused_at_once(void **state)
{
    struct mhost_fixture *f = *state;
    struct error err = {0};
    atomic_store(&f->mhost.faults.hang_steps, 1U << PORT_GUEST);
    assert_int_equal(mhost_create(&f->mhost,
                                  "{\"name\": \"c\", \"type\": \"A100-1-5C\", \"vm\": \"web1\"}",
                                  NULL),
                     0);
    assert_true(mhost_wait_until(&f->mhost, a_step_hangs, &f->mhost)); /* with its turn */
    assert_int_equal(hooked_ask(&f->mhost, "web1", "prepare", &err), -REASON_CONFLICT);
    assert_non_null(strstr(err.message, "is changing its devices"));
    assert_string_equal(mhost_claim_state(&f->mhost, "c"), "binding");
    atomic_store(&f->mhost.faults.hang_steps, 0);
    assert_true(mhost_settle(&f->mhost));
    assert_int_equal(hooked_ask(&f->mhost, "web1", "prepare", NULL), 0);
}

static void a_hook_that_waits_too_long_is_refused(void **state)
{
    struct mhost_fixture *f = *state;
    mhost_stop(&f->mhost);
    f->mhost.hook_deadline_us = 1;
    assert_int_equal(mhost_start(&f->mhost), 0);
    hooked_create(&f->mhost, ON_DEMAND("a", "web1"));
    struct error err = {0};
    assert_int_equal(hooked_ask(&f->mhost, "web1", "prepare", &err), -REASON_UNAVAILABLE);
    assert_non_null(strstr(err.message, "not ready in time"));
    assert_true(mhost_settle(&f->mhost));
    /* libvirt tells that it did not start; whatever was made is given back */
    assert_int_equal(hooked_ask(&f->mhost, "web1", "release", NULL), 0);
    assert_true(mhost_settle(&f->mhost));
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "pending");
    assert_int_equal(fake_host_count_vgpus(&f->host), 0);
}

static void a_hook_that_waits_when_the_manager_stops_gets_an_answer(void **state)
{
    struct mhost_fixture *f = *state;
    struct answer answer = {0};
    hooked_create(&f->mhost, ON_DEMAND("a", "web1"));
    hooked_begin(&f->mhost, "web1", "prepare", mhost_reply, &answer);
    mhost_stop(&f->mhost);
    assert_true(answer.there);
    assert_int_equal(answer.err.reason, REASON_UNAVAILABLE);
    assert_string_equal(answer.err.subject, STOPPING_SUBJECT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_vm_does_not_wait_for_a_saved_one, hooked_setup,
                                        mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_vm_does_not_wait_for_a_saved_ones_vgpu, hooked_setup,
                                        mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(of_two_vms_that_want_the_last_gpu_one_learns_who_has_it,
                                        hooked_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(two_vms_that_share_a_gpu_swap_it_without_a_refusal,
                                        hooked_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(two_vms_whose_vgpus_fill_a_gpu_swap_it_without_a_refusal,
                                        hooked_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(
            a_hook_that_waits_for_a_release_when_the_manager_stops_gets_an_answer, hooked_setup,
            mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_change_that_looks_at_locked_vms_holds_up_no_hook,
                                        hooked_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_vm_starts_while_a_plan_changes_another, hooked_setup,
                                        mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_vm_whose_devices_a_plan_changes_is_refused_at_once,
                                        hooked_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_hook_that_waits_too_long_is_refused, hooked_setup,
                                        mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_hook_that_waits_when_the_manager_stops_gets_an_answer,
                                        hooked_setup, mhost_fixture_teardown),
    };
    return cmocka_run_group_tests_name("hook wait", tests, NULL, NULL);
}
