/* SPDX-License-Identifier: Apache-2.0 */
/* VMs are stopped while starts, stops or looks of others hang: who waits hears what for. */
#include "base/json.h"
#include "base/str.h"
#include "state/config.h"
#include "state/state.h"
#include "test.h"
#include "turn/queue.h"
#include "vm/lines_fixture.h"

static void begin_stop_as(struct mhost_fixture *f, const struct caller *caller, const char *vm,
                          bool force, struct answer *answer)
{
    CLEANUP_JSON json_t *body = json_pack("{s:b}", "force", force);
    *answer = (struct answer){0};
    mhost_ask(&f->mhost, VERB_STOP_VM, answer, .caller = caller, .target = vm, .json = body);
}

static void begin_stop(struct mhost_fixture *f, const char *vm, bool force, struct answer *answer)
{
    begin_stop_as(f, &root, vm, force, answer);
}

static void assert_stops(struct mhost_fixture *f, const char *vm, bool force)
{
    struct answer answer = {0};
    begin_stop(f, vm, force, &answer);
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_int_equal(answer.err.reason, REASON_NONE);
    answer_done(&answer);
    assert_false(fake_host_vm(&f->host, vm)->running);
}

static void starts_that_hang_take_no_line_from_stops(void **state)
{
    struct mhost_fixture *f = *state;
    struct answer starts[VM_START_LINES] = {0};
    char name[16];
    lines_add_vm(f, "ok1", true);
    lines_add_vm(f, "ok2", true);
    for (size_t i = 0; i < VM_START_LINES; i++) {
        str_print(name, sizeof(name), "stuck%zu", i);
        lines_add_vm(f, name, false);
        lines_begin_stuck(f, name, &starts[i]);
    }
    assert_stops(f, "ok1", true);
    change_lose_patience(f->mhost.manager, VM_LINE_START, NULL);
    for (size_t i = 0; i < VM_START_LINES; i++) {
        lines_assert_refused(&starts[i], &f->mhost, REASON_UNAVAILABLE, "may still be carried out");
    }
    assert_stops(f, "ok2", false); /* and when all have been given up */
}

/* The same VM's take one line however often they are asked for; those of the guest none of those
 * that pull the plug. */
static void stops_that_hang_leave_lines_to_others(void **state)
{
    struct mhost_fixture *f = *state;
    struct mhost *mhost = &f->mhost;
    struct answer stops[VM_ASK_LINES + 2] = {0};
    char name[16];
    lines_add_vm(f, "ok1", true);
    lines_add_vm(f, "ok2", true);
    for (size_t i = 0; i < VM_ASK_LINES; i++) {
        str_print(name, sizeof(name), "firm%zu", i);
        lines_add_vm(f, name, true);
        fake_lock();
        fake_host_vm(&f->host, name)->firm = true;
        fake_unlock();
    }
    for (size_t i = 0; i < ARRAY_SIZE(stops); i++) { /* one VM only */
        begin_stop(f, "firm0", false, &stops[i]);
    }
    assert_stops(f, "ok1", false);
    change_lose_patience(mhost->manager, VM_LINE_ASK, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(stops); i++) {
        lines_assert_refused(&stops[i], mhost, REASON_UNAVAILABLE, "nothing was done");
    }
    begin_stop(f, "firm0", false, &stops[0]);
    lines_assert_refused(&stops[0], mhost, REASON_UNAVAILABLE, "an earlier stop of VM \"firm0\"");
    for (size_t i = 1; i < VM_ASK_LINES; i++) {
        str_print(name, sizeof(name), "firm%zu", i);
        begin_stop(f, name, false, &stops[i]);
    }
    change_lose_patience(mhost->manager, VM_LINE_ASK, NULL);
    for (size_t i = 1; i < VM_ASK_LINES; i++) {
        lines_assert_refused(&stops[i], mhost, REASON_UNAVAILABLE, "nothing was done");
    }
    begin_stop(f, "ok2", false, &stops[0]);
    lines_assert_refused(&stops[0], mhost, REASON_UNAVAILABLE, "4 stops of other VMs");
    assert_stops(f, "ok2", true);
    for (size_t i = 0; i < VM_ASK_LINES; i++) {
        str_print(name, sizeof(name), "firm%zu", i);
        fake_lock();
        fake_host_vm(&f->host, name)->firm = false;
        fake_unlock();
    }
    assert_true(mhost_settle(mhost));
}

static void a_vm_stops_while_nothing_can_be_looked_at(void **state)
{
    static const char *const bodies[] = {"{}", "{\"force\": true}"};
    struct mhost_fixture *f = *state;
    struct mhost *mhost = &f->mhost;
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        struct answer answer = {0};
        hooked_create(mhost, ON_DEMAND("a", "web1"));
        assert_int_equal(hooked_start(mhost, "web1"), 0);
        assert_true(mhost_settle(mhost));
        lines_hang(mhost, 1U << PORT_GPU | 1U << PORT_PCI | 1U << PORT_GUEST);
        CLEANUP_JSON json_t *body = json_loads(bodies[i], 0, NULL);
        mhost_ask(mhost, VERB_STOP_VM, &answer, .caller = &root, .target = "web1", .json = body,
                  .dry_run = true);
        assert_true(mhost_wait(mhost, &answer));
        assert_int_equal(answer.err.reason, REASON_NONE);
        answer_done(&answer);
        answer = (struct answer){0};
        assert_true(fake_host_vm(&f->host, "web1")->running);
        mhost_ask(mhost, VERB_STOP_VM, &answer, .caller = &root, .target = "web1", .json = body);
        assert_true(mhost_wait(mhost, &answer));
        assert_int_equal(answer.err.reason, REASON_NONE);
        assert_string_equal(answer_text(&answer, "vm.state"), "shut-off");
        answer_done(&answer);
        answer = (struct answer){0};
        assert_false(fake_host_vm(&f->host, "web1")->running);
        mhost_ask(mhost, VERB_STOP_VM, &answer, .caller = &root, .target = "web1", .json = body);
        lines_assert_refused(&answer, mhost, REASON_CONFLICT, "is shut");
        mhost_ask(mhost, VERB_STOP_VM, &answer, .caller = &root, .target = "nosuch", .json = body);
        lines_assert_refused(&answer, mhost, REASON_NOT_FOUND, "nosuch");
        lines_hang_no_more(mhost);
        /* What it had is given back when that can be seen, be it not at the first look: the GPUs
         * may still be taken for late when the VMs are seen. */
        while (!str_eq(mhost_claim_state(mhost, "a"), "pending")) {
            mhost_look(mhost);
            assert_true(mhost_settle(mhost));
        }
        assert_int_equal(fake_host_count_vgpus(&f->host), 0);
        assert_int_equal(mhost_delete(mhost, "a", NULL), 0);
        assert_true(mhost_settle(mhost));
    }
}

static void begin_locked(struct mhost_fixture *f, const char *vm, struct answer *answer)
{
    struct starting starting = {f->mhost.manager, vm};
    atomic_store(&hook_hangs, true);
    *answer = (struct answer){0};
    mhost_ask(&f->mhost, VERB_START_VM, answer, .caller = &root, .target = vm);
    assert_true(mhost_wait_until(&f->mhost, lines_is_starting, &starting));
    bool locked = false;
    while (!locked) {
        fake_lock();
        locked = fake_host_vm(&f->host, vm)->locked;
        fake_unlock();
    }
}

static bool has_problem(struct mhost *mhost, const char *text)
{
    struct answer answer = {0};
    mhost_ask(mhost, VERB_GET_HEALTH, &answer);
    assert_true(mhost_wait(mhost, &answer));
    bool has = false;
    size_t i = 0;
    json_t *problem = NULL;
    json_array_foreach(json_object_get(answer.body, "problems"), i, problem)
    {
        has = has || strstr(json_string_value(json_object_get(problem, "text")), text) != NULL;
    }
    answer_done(&answer);
    return has;
}

/* Nothing can stop it before that script ends: this is said soon, and what holds it. */
static void a_stop_of_a_vm_that_its_start_keeps_locked_says_so_soon(void **state)
{
    struct mhost_fixture *f = *state;
    struct mhost *mhost = &f->mhost;
    struct answer start = {0};
    struct answer stops[2] = {0};
    begin_locked(f, "web1", &start);
    begin_stop(f, "web1", true, &stops[0]);
    begin_stop(f, "web1", true, &stops[1]);
    change_lose_patience(mhost->manager, VM_LINE_KILL, "web1");
    assert_true(mhost_wait(mhost, &stops[0]));
    assert_non_null(strstr(stops[0].err.hint, "hooks/qemu"));
    lines_assert_refused(&stops[0], mhost, REASON_UNAVAILABLE,
                         "is being started; nothing was done");
    assert_true(has_problem(mhost, "stop (--now) of VM \"web1\""));
    lines_assert_refused(&stops[1], mhost, REASON_UNAVAILABLE, "nothing was done");
    begin_stop(f, "web1", true, &stops[0]);
    lines_assert_refused(&stops[0], mhost, REASON_UNAVAILABLE,
                         "earlier stop (--now) of VM \"web1\"");
    atomic_store(&hook_hangs, false);
    assert_true(mhost_wait(mhost, &start));
    assert_int_equal(start.err.reason, REASON_NONE);
    answer_done(&start);
    assert_true(fake_host_vm(&f->host, "web1")->running);
    assert_true(mhost_settle(mhost));
    assert_false(has_problem(mhost, "VM"));
    assert_stops(f, "web1", true);
}

static void what_waits_behind_another_vm_says_so(void **state)
{
    struct mhost_fixture *f = *state;
    struct mhost *mhost = &f->mhost;
    struct answer stops[VM_KILL_LINES + 1] = {0};
    char name[16];
    for (size_t i = 0; i <= VM_KILL_LINES; i++) {
        str_print(name, sizeof(name), "firm%zu", i);
        lines_add_vm(f, name, true);
        fake_lock();
        fake_host_vm(&f->host, name)->firm = true;
        fake_unlock();
        begin_stop(f, name, true, &stops[i]);
    }
    change_lose_patience(mhost->manager, VM_LINE_KILL, name);
    lines_assert_refused(&stops[VM_KILL_LINES], mhost, REASON_UNAVAILABLE,
                         "waits behind the stop (--now) of VM \"firm0\"");
    assert_true(has_problem(mhost, "VM \"firm0\" since"));
    for (size_t i = 0; i <= VM_KILL_LINES; i++) {
        str_print(name, sizeof(name), "firm%zu", i);
        fake_lock();
        fake_host_vm(&f->host, name)->firm = false;
        fake_unlock();
    }
    for (size_t i = 0; i < VM_KILL_LINES; i++) {
        assert_true(mhost_wait(mhost, &stops[i]));
        assert_int_equal(stops[i].err.reason, REASON_NONE);
        answer_done(&stops[i]);
    }
    assert_true(mhost_settle(mhost));
}

/* However many VMs that don't stop another user has asked to stop. */
static void root_has_a_line_that_no_other_takes(void **state)
{
    static const struct caller member = {.author = "member", .roles = ROLES_CONNECTED};
    struct mhost_fixture *f = *state;
    struct mhost *mhost = &f->mhost;
    struct answer stops[VM_KILL_LINES + 2] = {0};
    char name[16];
    lines_add_vm(f, "ok1", true);
    for (size_t i = 0; i < ARRAY_SIZE(stops); i++) {
        str_print(name, sizeof(name), "firm%zu", i);
        lines_add_vm(f, name, true);
        fake_lock();
        fake_host_vm(&f->host, name)->firm = true;
        fake_unlock();
        begin_stop_as(f, &member, name, true, &stops[i]);
    }
    assert_stops(f, "ok1", true);
    for (size_t i = 0; i < ARRAY_SIZE(stops); i++) {
        assert_false(stops[i].there);
        str_print(name, sizeof(name), "firm%zu", i);
        fake_lock();
        fake_host_vm(&f->host, name)->firm = false;
        fake_unlock();
    }
    for (size_t i = 0; i < ARRAY_SIZE(stops); i++) {
        assert_true(mhost_wait(mhost, &stops[i]));
        assert_int_equal(stops[i].err.reason, REASON_NONE);
        answer_done(&stops[i]);
    }
    assert_true(mhost_settle(mhost));
}

static void a_stop_at_once_ends_a_start_that_waits_for_its_devices(void **state)
{
    struct mhost_fixture *f = *state;
    struct mhost *mhost = &f->mhost;
    struct answer hook = {0};
    struct answer stop = {0};
    hooked_create(mhost, ON_DEMAND("a", "web1"));
    lines_hang(mhost, 1U << PORT_PCI);
    mhost->manager->config.hardware_patience_us = 0;
    hooked_begin(mhost, "web1", "prepare", mhost_reply, &hook);
    begin_stop(f, "web1", true, &stop);
    lines_assert_refused(&hook, mhost, REASON_CONFLICT, "`cleave vm stop --now` ended the start");
    assert_true(mhost_wait(mhost, &stop));
    assert_int_equal(stop.err.reason, REASON_NONE);
    assert_string_equal(answer_text(&stop, "vm.state"), "shut-off");
    answer_done(&stop);
    lines_hang_no_more(mhost);
    assert_true(mhost_settle(mhost));
    assert_int_equal(hooked_ask(mhost, "web1", "prepare", NULL), 0); /* and starts again */
}

/* Another script held it; cleave's own comes after it. */
static void a_stop_at_once_refuses_the_hook_that_comes_while_it_waits(void **state)
{
    struct mhost_fixture *f = *state;
    struct mhost *mhost = &f->mhost;
    struct answer start = {0};
    struct answer stop = {0};
    struct error err = {0};
    begin_locked(f, "web1", &start);
    begin_stop(f, "web1", true, &stop);
    assert_int_equal(hooked_ask(mhost, "web1", "prepare", &err), -REASON_CONFLICT);
    assert_int_equal(hooked_ask(mhost, "web2", "prepare", NULL), 0);
    atomic_store(&hook_refuses, true);
    atomic_store(&hook_hangs, false);
    lines_assert_refused(&start, mhost, REASON_DRIVER, "the hook says no");
    assert_true(mhost_wait(mhost, &stop));
    assert_int_equal(stop.err.reason, REASON_NONE);
    answer_done(&stop);
    atomic_store(&hook_refuses, false);
    assert_int_equal(hooked_start(mhost, "web1"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LINES_TEST(starts_that_hang_take_no_line_from_stops),
        LINES_TEST(stops_that_hang_leave_lines_to_others),
        LINES_TEST(a_vm_stops_while_nothing_can_be_looked_at),
        LINES_TEST(a_stop_of_a_vm_that_its_start_keeps_locked_says_so_soon),
        LINES_TEST(what_waits_behind_another_vm_says_so),
        LINES_TEST(root_has_a_line_that_no_other_takes),
        LINES_TEST(a_stop_at_once_ends_a_start_that_waits_for_its_devices),
        LINES_TEST(a_stop_at_once_refuses_the_hook_that_comes_while_it_waits),
    };
    return cmocka_run_group_tests_name("stopping", tests, NULL, NULL);
}
