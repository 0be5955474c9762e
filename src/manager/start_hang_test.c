/* SPDX-License-Identifier: Apache-2.0 */
/* VMs that start while a step of a plan, or NVML, hangs. */
#include "base/clock.h"
#include "base/str.h"
#include "hooked.h"
#include "manager/hang_fixture.h"

static bool a_step_hangs(void *data)
{
    return atomic_load(&((struct mhost *)data)->faults.hanging) == 1;
}

static void let_steps_hang(struct mhost *mhost, enum port_kind port)
{
    atomic_store(&mhost->faults.hang_steps, 1U << port);
}

static void steps_go_on(struct mhost *mhost)
{
    atomic_store(&mhost->faults.hang_steps, 0);
    assert_true(mhost_wait_until(mhost, is_over, mhost));
    assert_true(mhost_settle(mhost));
}

static void assert_not_started(struct mhost *mhost, bool dry_run, const char *what)
{
    struct answer answer = {0};
    mhost_ask(mhost, VERB_START_VM, &answer, .target = "web1", .dry_run = dry_run);
    assert_true(mhost_wait(mhost, &answer));
    assert_int_equal(answer.err.reason, REASON_UNAVAILABLE);
    assert_non_null(strstr(answer.err.message, what));
    assert_non_null(strstr(answer.err.hint, "`cleave plan show "));
    answer_done(&answer);
}

/* By none of the ways in. */
static void assert_waits_for_plan(struct mhost *mhost, enum port_kind port)
{
    char what[64];
    struct error err = {0};
    str_print(what, sizeof(what), "and waits: %s has not answered since 2",
              lateness_port_name(port));
    assert_true(mhost_wait_until(mhost, is_free, mhost));
    assert_int_equal(hooked_ask(mhost, "web1", "prepare", &err), -REASON_UNAVAILABLE);
    assert_non_null(strstr(err.message, what));
    assert_non_null(strstr(err.hint, "`cleave plan show "));
    assert_not_started(mhost, true, what);
    assert_not_started(mhost, false, what);
    assert_int_equal(hooked_ask(mhost, "web2", "prepare", NULL), 0); /* has nothing to do with it */
}

static void a_vm_whose_claim_a_plan_has_that_hangs_does_not_start_without_it(void **state)
{
    static const enum port_kind ports[] = {PORT_PCI, PORT_GUEST};
    struct mhost_fixture *f = *state;
    struct mhost *mhost = &f->mhost;
    for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
        let_steps_hang(mhost, ports[i]);
        assert_int_equal(
            mhost_create(mhost, "{\"name\": \"b\", \"type\": \"L40S-8Q\", \"vm\": \"web1\"}", NULL),
            0);
        assert_true(mhost_wait_until(mhost, a_step_hangs, mhost));
        assert_not_started(mhost, false, "and waits: "); /* its turn comes once the plan waits */
        assert_waits_for_plan(mhost, ports[i]);
        assert_false(fake_host_vm(&f->host, "web1")->running);
        steps_go_on(mhost);
        assert_string_equal(mhost_claim_state(mhost, "b"), "bound");
        assert_int_equal(hooked_ask(mhost, "web1", "prepare", NULL), 0);
        assert_int_equal(hooked_ask(mhost, "web1", "release", NULL), 0);
        mhost_look(mhost);
        let_steps_hang(mhost, ports[i]);
        assert_int_equal(mhost_delete(mhost, "b", NULL), 0);
        assert_true(mhost_wait_until(mhost, a_step_hangs, mhost));
        assert_waits_for_plan(mhost, ports[i]);
        steps_go_on(mhost);
        assert_string_equal(mhost_claim_state(mhost, "b"), "");
    }
}

/* VMs start without NVML: what the kernel shows is enough. */
static void a_vm_whose_device_the_kernel_shows_starts_while_nvml_is_late(void **state)
{
    struct mhost_fixture *f = *state;
    struct mhost *mhost = &f->mhost;
    struct answer answer = {0};
    struct error err = {0};
    hooked_create(mhost, "{\"name\": \"b\", \"type\": \"L40S-8Q\", \"vm\": \"web1\"}");
    let_hang(mhost, PORT_GPU);
    list_gpus(mhost, &answer);
    answer_done(&answer);
    assert_true(mhost_wait_until(mhost, driver_is_late, mhost));
    assert_int_equal(hooked_ask(mhost, "web1", "prepare", NULL), 0);
    assert_int_equal(hooked_ask(mhost, "web1", "release", NULL), 0);
    assert_int_equal(hooked_start(mhost, "web1"), 0);
    assert_int_equal(hooked_stop(mhost, "web1"), 0);
    struct fake_vf *vf = &f->host.gpus[2].vfs[0];
    assert_string_equal(vf->type, "L40S-8Q");
    char type[sizeof(vf->type)];
    STR_SET(type, vf->type);
    fake_lock();
    vf->type[0] = '\0'; /* now the kernel shows that it is gone, whatever was seen before */
    fake_unlock();
    assert_int_equal(hooked_ask(mhost, "web1", "prepare", &err), -REASON_UNAVAILABLE);
    assert_non_null(strstr(err.message, "NVML has not answered since 2"));
    assert_non_null(strstr(err.hint, "`cleave host show`"));
    fake_lock();
    STR_SET(vf->type, type);
    fake_unlock();
    assert_int_equal(hooked_ask(mhost, "web1", "prepare", NULL), 0);
    let_go(mhost);
    assert_true(mhost_wait_until(mhost, driver_is_back, mhost));
    assert_int_equal(hooked_ask(mhost, "web1", "prepare", NULL), 0);
}

static void a_step_of_a_plan_from_before_a_restart_is_under_way_since_then(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    let_steps_hang(mhost, PORT_PCI);
    assert_int_equal(mhost_create(mhost, "{\"name\": \"w\", \"type\": \"L40S-8Q\"}", NULL), 0);
    assert_true(mhost_wait_until(mhost, a_step_hangs, mhost));
    atomic_store(&mhost->faults.hang_steps, 0);
    mhost_stop(mhost); /* the loop has not heard of the step's end, and begins no other */
    uint64_t restarted_us = clock_monotonic_us();
    let_steps_hang(mhost, PORT_PCI);
    assert_int_equal(mhost_start(mhost), 0);
    assert_true(mhost_wait_until(mhost, a_step_hangs, mhost));
    assert_true(mhost->manager->step_since_us >= restarted_us);
    steps_go_on(mhost);
    assert_string_equal(mhost_claim_state(mhost, "w"), "bound");
}

/* The first start is the plan's own, and the second finds it waiting. */
static void a_vm_whose_own_draw_hangs_is_refused_again(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct error err = {0};
    assert_int_equal(mhost_create(mhost,
                                  "{\"name\": \"b\", \"type\": \"L40S-8Q\", \"vm\": \"web1\", "
                                  "\"hold\": \"on-demand\"}",
                                  NULL),
                     0);
    assert_true(mhost_settle(mhost));
    let_steps_hang(mhost, PORT_PCI);
    assert_int_equal(hooked_ask(mhost, "web1", "prepare", &err), -REASON_DRIVER);
    assert_non_null(strstr(err.message, "sysfs has not answered since 2"));
    assert_waits_for_plan(mhost, PORT_PCI);
    steps_go_on(mhost);
    assert_string_equal(mhost_claim_state(mhost, "b"), "bound");
    assert_int_equal(hooked_ask(mhost, "web1", "prepare", NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_vm_whose_claim_a_plan_has_that_hangs_does_not_start_without_it, hang_setup,
            hang_teardown),
        cmocka_unit_test_setup_teardown(a_vm_whose_own_draw_hangs_is_refused_again, hang_setup,
                                        hang_teardown),
        cmocka_unit_test_setup_teardown(
            a_vm_whose_device_the_kernel_shows_starts_while_nvml_is_late, hang_setup,
            hang_teardown),
        cmocka_unit_test_setup_teardown(
            a_step_of_a_plan_from_before_a_restart_is_under_way_since_then, hang_setup,
            hang_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
