/* SPDX-License-Identifier: Apache-2.0 */
/* What others do to VMs, over a host in memory whose libvirt reports it, and one whose does not. */
#include <string.h>

#include "base/str.h"
#include "mhost_fixture.h"
#include "state/state.h"
#include "test.h"

static struct fake_vm *vm_of(struct mhost_fixture *f, const char *name)
{
    return fake_host_vm(&f->host, name);
}

static void report(struct mhost_fixture *f, const char *name, enum vm_happening happening)
{
    fake_host_report(&f->host, name, happening);
}

/* A claim of VM web1, and a libvirt that reports. */
static void begin(struct mhost_fixture *f)
{
    f->host.reports_vms = true;
    assert_int_equal(
        mhost_create(&f->mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"web1\"}", NULL),
        0);
    assert_true(mhost_settle(&f->mhost));
    mhost_look(&f->mhost);
}

static void begin_running(struct mhost_fixture *f, const char *vm)
{
    begin(f);
    vm_of(f, vm)->running = true;
    report(f, vm, VM_HAPPENED_STARTED);
    mhost_look(&f->mhost);
}

static size_t count_all(struct mhost_fixture *f, const char *subject)
{
    size_t n = 0;
    for (int i = EVENT_NONE + 1; i < EVENT_KIND_COUNT; i++) {
        const char *name = event_kind_name((enum event_kind)i);
        n += str_starts(name, "vm-") && !str_eq(name, "vm-started-without-hook")
                 ? mhost_count_events(&f->mhost, name, subject, NULL)
                 : 0;
    }
    return n;
}

/* One at a time, from a VM that is on or off. */
static const struct {
    const char *name;
    bool on; /* before */
    enum vm_happening happenings[2];
    const char *kinds[2]; /* "": none */
} rows[] = {
    {"started", false, {VM_HAPPENED_STARTED, VM_HAPPENED_RESUMED}, {"vm-started", ""}},
    {"shut down", true, {VM_HAPPENED_STOPPED, VM_HAPPENING_COUNT}, {"vm-stopped", ""}},
    {"destroyed", true, {VM_HAPPENED_KILLED, VM_HAPPENING_COUNT}, {"vm-killed", ""}},
    {"crashed", true, {VM_HAPPENED_CRASHED, VM_HAPPENED_STOPPED}, {"vm-crashed", "vm-stopped"}},
    {"gone away", true, {VM_HAPPENED_LEFT, VM_HAPPENING_COUNT}, {"vm-migrated", ""}},
    {"rebooted", true, {VM_HAPPENED_REBOOTED, VM_HAPPENED_REBOOTED}, {"vm-rebooted", "again"}},
    {"paused", true, {VM_HAPPENED_PAUSED, VM_HAPPENED_RESUMED}, {"vm-changed", "again"}},
    {"restarted", true, {VM_HAPPENED_KILLED, VM_HAPPENED_STARTED}, {"vm-killed", "vm-started"}},
    {"defined", false, {VM_HAPPENED_DEFINED, VM_HAPPENING_COUNT}, {"vm-defined", ""}},
    {"undefined", false, {VM_HAPPENED_UNDEFINED, VM_HAPPENED_DEFINED}, {"vm-lost", "vm-defined"}},
    {"a failed start", false, {VM_HAPPENED_CRASHED, VM_HAPPENING_COUNT}, {"", ""}},
};

static void assert_row(size_t i, const char *vm, bool watched)
{
    void *state = NULL;
    assert_int_equal(mhost_fixture_setup(&state), 0);
    struct mhost_fixture *f = state;
    size_t expected = 0;
    if (rows[i].on) {
        begin_running(f, vm);
    } else {
        begin(f);
    }
    size_t started = mhost_count_events(&f->mhost, "vm-started", NULL, NULL);
    size_t before = count_all(f, NULL);
    for (size_t k = 0; k < 2; k++) {
        if (rows[i].happenings[k] != VM_HAPPENING_COUNT) {
            report(f, vm, rows[i].happenings[k]);
            /* One after the other, long after the claim's plan, which changed the definition. */
            f->host.reports[f->host.n_reports - 1].at_us += (k + 1) * 60000000;
        }
        expected += watched && rows[i].kinds[k][0] != '\0';
        bool off = rows[i].happenings[k] == VM_HAPPENED_STOPPED ||
                   rows[i].happenings[k] == VM_HAPPENED_KILLED ||
                   rows[i].happenings[k] == VM_HAPPENED_LEFT;
        vm_of(f, vm)->running =
            rows[i].happenings[k] == VM_HAPPENED_STARTED || (!off && vm_of(f, vm)->running);
    }
    for (int looks = 0; looks < 3; looks++) { /* once each, however often it is looked */
        mhost_look(&f->mhost);
        if (count_all(f, NULL) - before != expected) {
            fail_msg("%s: %zu events, not %zu", rows[i].name, count_all(f, NULL) - before,
                     expected);
        }
    }
    for (size_t k = 0; watched && k < 2; k++) {
        bool again = str_eq(rows[i].kinds[k], "again");
        const char *kind = rows[i].kinds[again ? 0 : k];
        size_t n = kind[0] == '\0' ? 0 : mhost_count_events(&f->mhost, kind, "vm/web1", NULL);
        n -= str_eq(kind, "vm-started") ? started : 0;
        if (kind[0] != '\0' && n != (str_eq(rows[i].kinds[1], "again") ? 2 : 1)) {
            fail_msg("%s: %zu of %s", rows[i].name, n, kind);
        }
    }
    assert_int_equal(mhost_fixture_teardown(&state), 0);
}

static void what_others_do_to_a_vm_with_a_claim_is_one_event(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_row(i, "web1", true);
    }
}

static void of_a_vm_without_a_gpu_there_is_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_row(i, "web2", false);
    }
}

static int start(struct mhost_fixture *f)
{
    struct answer answer = {0};
    mhost_ask(&f->mhost, VERB_START_VM, &answer, .target = "web1");
    assert_true(mhost_wait(&f->mhost, &answer));
    int reason = (int)answer.err.reason;
    answer_done(&answer);
    return reason;
}

/* A report comes before the answer, in the look that follows it, or later. */
static void what_cleave_does_is_no_event_of_others(void **state)
{
    struct mhost_fixture *f = *state;
    begin(f);
    for (size_t round = 0; round < 3; round++) {
        size_t before = count_all(f, "vm/web1");
        f->host.reports_starts = round == 0;
        assert_int_equal(start(f), 0);
        if (round == 2) {
            mhost_look(&f->mhost);
            mhost_look(&f->mhost);
        }
        if (round != 0) {
            report(f, "web1", VM_HAPPENED_STARTED);
        }
        mhost_look(&f->mhost);
        assert_int_equal(count_all(f, "vm/web1") - before, 1); /* with its author */
        vm_of(f, "web1")->running = false;
        report(f, "web1", VM_HAPPENED_CRASHED);
        report(f, "web1", VM_HAPPENED_STOPPED);
        mhost_look(&f->mhost);
        assert_int_equal(count_all(f, "vm/web1") - before, 3);
    }
}

static void a_crash_right_after_a_start_is_an_event(void **state)
{
    struct mhost_fixture *f = *state;
    begin(f);
    assert_int_equal(start(f), 0);
    report(f, "web1", VM_HAPPENED_STARTED);
    report(f, "web1", VM_HAPPENED_CRASHED);
    vm_of(f, "web1")->running = false;
    mhost_look(&f->mhost);
    assert_int_equal(mhost_count_events(&f->mhost, "vm-crashed", "vm/web1", NULL), 1);
}

static void what_happened_while_cleaved_was_down_is_one_event(void **state)
{
    struct mhost_fixture *f = *state;
    char message[ERROR_TEXT_SIZE];
    begin_running(f, "web1");
    mhost_stop(&f->mhost);
    vm_of(f, "web1")->running = false;
    assert_int_equal(mhost_start(&f->mhost), 0);
    for (int looks = 0; looks < 2; looks++) {
        mhost_look(&f->mhost);
        assert_int_equal(mhost_count_events(&f->mhost, "vm-changed", "vm/web1", message), 1);
        assert_non_null(strstr(message, "shut-off, was running"));
        assert_non_null(strstr(message, "while cleaved was not running"));
    }
    mhost_stop(&f->mhost); /* nothing happened: nothing is said */
    assert_int_equal(mhost_start(&f->mhost), 0);
    mhost_look(&f->mhost);
    assert_int_equal(mhost_count_events(&f->mhost, "vm-changed", NULL, NULL), 1);
}

/* Another connection, or a libvirt that reports nothing. */
static void what_no_report_says_is_seen_by_the_state(void **state)
{
    struct mhost_fixture *f = *state;
    char message[ERROR_TEXT_SIZE];
    begin(f);
    vm_of(f, "web1")->running = true;
    f->host.libvirt_starts++;
    mhost_look(&f->mhost);
    assert_int_equal(mhost_count_events(&f->mhost, "vm-changed", "vm/web1", message), 1);
    assert_non_null(strstr(message, "had no connection to libvirt"));
    f->host.reports_vms = false;
    vm_of(f, "web1")->running = false;
    mhost_look(&f->mhost);
    mhost_look(&f->mhost);
    assert_int_equal(mhost_count_events(&f->mhost, "vm-changed", "vm/web1", message), 2);
    assert_string_equal(message, "shut-off, was running");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_others_do_to_a_vm_with_a_claim_is_one_event),
        cmocka_unit_test(of_a_vm_without_a_gpu_there_is_none),
        cmocka_unit_test_setup_teardown(what_cleave_does_is_no_event_of_others, mhost_fixture_setup,
                                        mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_crash_right_after_a_start_is_an_event,
                                        mhost_fixture_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(what_happened_while_cleaved_was_down_is_one_event,
                                        mhost_fixture_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(what_no_report_says_is_seen_by_the_state,
                                        mhost_fixture_setup, mhost_fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
