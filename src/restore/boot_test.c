/* SPDX-License-Identifier: Apache-2.0 */
/* A host in memory that was rebooted, and whose libvirt has not come up yet; or whose driver was
 * loaded again, which takes what it had made as a reboot does, and no one says so. */
#include <pthread.h>
#include <stdatomic.h>

#include "await.h"
#include "mhost_fixture.h"
#include "restore/restore_run.h"
#include "state/state.h"
#include "test.h"
#include "watch/looks.h"

/* libvirt, which starts web1 and then tells nothing of any VM until it is over. */
struct silence {
    struct mhost *mhost;
    pthread_t thread;
    atomic_bool begun, over;
};

static bool has_begun(void *silence)
{
    return ((struct silence *)silence)->begun;
}

static bool is_over(void *silence)
{
    return ((struct silence *)silence)->over;
}

static int keep_silent(const char *vm, const char *operation, void *data, struct error *err)
{
    struct silence *silence = data;
    (void)vm;
    (void)operation;
    (void)err;
    silence->begun = true;
    return await(is_over, silence) ? 0 : -1;
}

static void *start_vm(void *data)
{
    struct guest_port *port = ((struct silence *)data)->mhost->fake_guest;
    (void)port->ops->start(port, "web1", NULL);
    return NULL;
}

static void fall_silent(struct silence *silence)
{
    fake_guest_set_hook(silence->mhost->fake_guest, keep_silent, silence);
    assert_int_equal(pthread_create(&silence->thread, NULL, start_vm, silence), 0);
    assert_true(await(has_begun, silence));
}

static void look_at_guests(struct mhost *mhost)
{
    struct answer answer = {0};
    mhost_ask(mhost, VERB_LIST_VMS, &answer);
    assert_true(mhost_wait(mhost, &answer));
    answer_done(&answer);
}

static void restore(struct mhost *mhost)
{
    struct answer answer = {0};
    mhost_ask(mhost, VERB_RESTORE_HOST, &answer);
    assert_true(mhost_wait(mhost, &answer));
    assert_int_equal(answer.err.reason, REASON_NONE);
    answer_done(&answer);
}

static bool was_restored(void *data)
{
    const struct manager *m = ((struct mhost *)data)->manager;
    return m->restore->operation != NULL && !restore_is_active(m->restore);
}

/* systemd starts libvirt after `cleave host restore`, but its socket takes calls before. */
static void a_restoration_in_a_new_boot_waits_for_no_libvirt(void **state)
{
    struct mhost_fixture *f = *state;
    struct silence silence = {.mhost = &f->mhost};
    assert_int_equal(mhost_create(&f->mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\"}", NULL), 0);
    assert_true(mhost_settle(&f->mhost));
    mhost_stop(&f->mhost);
    fake_host_reboot(&f->host);
    fall_silent(&silence);
    assert_int_equal(mhost_start(&f->mhost), 0);
    const struct manager *m = f->mhost.manager;
    restore(&f->mhost); /* joins what cleaved began */
    assert_true(mhost_wait_until(&f->mhost, was_restored, &f->mhost));
    assert_int_equal(fake_host_count_vgpus(&f->host), 1);
    restore(&f->mhost); /* and comes after it */
    assert_false(looks_are_known(m, SOURCE_GUESTS) || looks_are_late(m, SOURCE_GUESTS));

    silence.over = true;
    pthread_join(silence.thread, NULL);
    look_at_guests(&f->mhost);
    assert_true(looks_are_known(m, SOURCE_GUESTS));
    uint64_t looks = looks_ended(m, SOURCE_GUESTS);
    restore(&f->mhost); /* now VMs may run */
    assert_true(looks_ended(m, SOURCE_GUESTS) > looks);
    assert_true(mhost_settle(&f->mhost));
}

/* ---- the driver ---- */

/* With one claim, as it was before the driver was loaded again. */
static struct fake_host claimed(struct mhost_fixture *f)
{
    assert_int_equal(mhost_create(&f->mhost, "{\"name\": \"a\", \"type\": \"A100-2-10C\"}", NULL),
                     0);
    assert_true(mhost_settle(&f->mhost));
    return f->host;
}

static void look(struct mhost *mhost)
{
    mhost_look(mhost);
    assert_true(mhost_settle(mhost));
}

static void reload(struct fake_host *host)
{
    fake_host_forget(host);
    host->driver_load++;
}

static size_t count_plans(struct mhost *mhost)
{
    struct plan **plans = NULL;
    size_t n = 0;
    assert_int_equal(ledger_load_plans(mhost->manager->ledger, 100, false, &plans, &n, NULL), 0);
    for (size_t i = 0; i < n; i++) {
        plan_free(plans[i]);
    }
    free(plans);
    return n;
}

static void a_driver_that_was_loaded_again_between_two_looks_is_noticed(void **state)
{
    struct mhost_fixture *f = *state;
    struct fake_host before = claimed(f);
    reload(&f->host);
    assert_false(fake_host_same(&before, &f->host));
    look(&f->mhost);
    assert_true(fake_host_same(&before, &f->host));
    assert_int_equal(count_plans(&f->mhost), 2);
    look(&f->mhost);
    assert_int_equal(count_plans(&f->mhost), 2);
}

static void a_driver_that_was_loaded_again_while_cleaved_was_away_is_noticed_once(void **state)
{
    struct mhost_fixture *f = *state;
    struct fake_host before = claimed(f);
    mhost_stop(&f->mhost);
    reload(&f->host);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(mhost_start(&f->mhost), 0);
        assert_true(mhost_settle(&f->mhost));
        assert_true(fake_host_same(&before, &f->host));
        assert_int_equal(count_plans(&f->mhost), 2);
        mhost_stop(&f->mhost);
    }
}

static void a_driver_that_is_not_loaded_yet_was_not_loaded_again(void **state)
{
    struct mhost_fixture *f = *state;
    (void)claimed(f);
    f->host.driver_load = 0;
    look(&f->mhost);
    f->host.driver_load = 1;
    look(&f->mhost);
    mhost_stop(&f->mhost);
    assert_int_equal(mhost_start(&f->mhost), 0);
    assert_true(mhost_settle(&f->mhost));
    assert_int_equal(count_plans(&f->mhost), 1);
}

/* The disk is full when the host comes up, and has room a moment later. */
static void a_boot_that_can_not_be_stored_yet_is_tried_again(void **state)
{
    struct mhost_fixture *f = *state;
    assert_int_equal(mhost_create(&f->mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\"}", NULL), 0);
    assert_true(mhost_settle(&f->mhost));
    mhost_stop(&f->mhost);
    fake_host_reboot(&f->host);
    f->mhost.faults.only = FAULT_COMMITS;
    f->mhost.faults.calls = 0;
    f->mhost.faults.at = 1;
    f->mhost.faults.length = 6;
    f->mhost.faults.kind = FAULT_FAIL_BEFORE;
    assert_int_equal(mhost_start(&f->mhost), 0);
    assert_true(mhost_wait_until(&f->mhost, was_restored, &f->mhost));
    assert_true(f->mhost.faults.calls > 6);
    assert_true(mhost_settle(&f->mhost));
    assert_int_equal(fake_host_count_vgpus(&f->host), 1);
    mhost_assert_sound(&f->mhost);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, mhost_fixture_setup, mhost_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_restoration_in_a_new_boot_waits_for_no_libvirt),
        TEST(a_driver_that_was_loaded_again_between_two_looks_is_noticed),
        TEST(a_driver_that_was_loaded_again_while_cleaved_was_away_is_noticed_once),
        TEST(a_driver_that_is_not_loaded_yet_was_not_loaded_again),
        TEST(a_boot_that_can_not_be_stored_yet_is_tried_again),
    };
#undef TEST
    return cmocka_run_group_tests_name("boot", tests, NULL, NULL);
}
