/* SPDX-License-Identifier: Apache-2.0 */
#include "watch/hook_watch.h"

#include "base/json.h"
#include "test.h"

#define UUID "5c3ae3a2-6d3b-4f4e-8b86-0c6c6f0d7a11"

struct bench {
    struct hook_watch watch;
    enum vm_state state; /* that was seen last; VM_UNKNOWN: no such VM */
    uint64_t look;
};

static struct host *host_with(enum vm_state state)
{
    struct host *host = host_new();
    if (state != VM_UNKNOWN) {
        struct vm *vm = vec_push(&host->vms);
        STR_SET(vm->name, "web1");
        STR_SET(vm->uuid, UUID);
        vm->state = state;
    }
    return host;
}

/* Number of VMs that started unasked. */
static size_t sees(struct bench *b, enum vm_state state)
{
    struct host *was = host_with(b->state);
    struct host *now = host_with(state);
    struct missed_vms missed = {0};
    hook_watch_look(&b->watch, was, now, ++b->look, 1, &missed);
    size_t n = missed.n;
    vec_done(&missed);
    host_free(was);
    host_free(now);
    b->state = state;
    return n;
}

static void asks(struct bench *b)
{
    hook_watch_called(&b->watch, "web1", UUID, 1);
}

static void ends(struct bench *b)
{
    hook_watch_off(&b->watch, "web1", UUID, b->look);
}

static void a_vm_that_starts_without_a_call_is_missed(void **state)
{
    (void)state;
    struct bench b = {.state = VM_SHUT_OFF};
    assert_int_equal(b.watch.state, HOOK_UNKNOWN);
    assert_int_equal(sees(&b, VM_RUNNING), 1);
    assert_int_equal(b.watch.state, HOOK_MISSED);
    assert_string_equal(b.watch.vm, "web1");
    assert_int_equal(sees(&b, VM_RUNNING), 0); /* reported once */
    hook_watch_done(&b.watch);
}

static void a_transient_vm_that_appears_without_a_call_is_missed(void **state)
{
    (void)state;
    struct bench b = {.state = VM_UNKNOWN};
    assert_int_equal(sees(&b, VM_PAUSED), 1);
    hook_watch_done(&b.watch);
}

static void a_vm_that_asked_is_not_missed_however_late_it_is_seen(void **state)
{
    (void)state;
    struct bench b = {.state = VM_SHUT_OFF};
    asks(&b);
    assert_int_equal(b.watch.state, HOOK_CALLED);
    for (int i = 0; i < 10; i++) { /* its device is being made */
        assert_int_equal(sees(&b, VM_SHUT_OFF), 0);
    }
    assert_int_equal(sees(&b, VM_RUNNING), 0);
    assert_int_equal(b.watch.state, HOOK_CALLED);
    hook_watch_done(&b.watch);
}

/* The look began before the VM's end, and ended after it. */
static void a_look_that_is_older_than_the_end_of_a_vm_proves_nothing(void **state)
{
    (void)state;
    struct bench b = {.state = VM_SHUT_OFF};
    asks(&b);
    assert_int_equal(sees(&b, VM_RUNNING), 0);
    hook_watch_off(&b.watch, "web1", UUID, b.look + 1);
    b.state = VM_SHUT_OFF; /* as the hook reported */
    assert_int_equal(sees(&b, VM_RUNNING), 0);
    assert_int_equal(sees(&b, VM_SHUT_OFF), 0);
    assert_int_equal(b.watch.calls.n, 0);
    hook_watch_done(&b.watch);
}

static void an_end_that_was_reported_and_was_none_is_no_start(void **state)
{
    (void)state;
    struct bench b = {.state = VM_SHUT_OFF};
    asks(&b);
    assert_int_equal(sees(&b, VM_RUNNING), 0);
    ends(&b);
    b.state = VM_SHUT_OFF; /* as the hook reported */
    assert_int_equal(sees(&b, VM_RUNNING), 0);
    assert_int_equal(sees(&b, VM_RUNNING), 0);
    assert_int_equal(sees(&b, VM_SHUT_OFF), 0);
    assert_int_equal(sees(&b, VM_RUNNING), 1);
    hook_watch_done(&b.watch);
}

static void a_call_is_good_for_one_start(void **state)
{
    (void)state;
    struct bench b = {.state = VM_SHUT_OFF};
    asks(&b);
    assert_int_equal(sees(&b, VM_RUNNING), 0);
    ends(&b);
    assert_int_equal(sees(&b, VM_SHUT_OFF), 0);
    assert_int_equal(sees(&b, VM_RUNNING), 1);
    asks(&b); /* the hook is there again */
    assert_int_equal(b.watch.state, HOOK_CALLED);
    hook_watch_done(&b.watch);
}

/* The hook was taken away while the VM ran: no one tells of its end. */
static void an_end_that_no_one_reported_is_seen(void **state)
{
    (void)state;
    struct bench b = {.state = VM_SHUT_OFF};
    asks(&b);
    assert_int_equal(sees(&b, VM_RUNNING), 0);
    assert_int_equal(sees(&b, VM_SHUT_OFF), 0);
    assert_int_equal(sees(&b, VM_RUNNING), 1);
    hook_watch_done(&b.watch);
}

static void calls_that_lead_nowhere_are_forgotten(void **state)
{
    (void)state;
    struct bench b = {.state = VM_SHUT_OFF};
    asks(&b);
    for (int i = 0; i < 1002; i++) {
        assert_int_equal(sees(&b, VM_SHUT_OFF), 0);
    }
    assert_int_equal(b.watch.calls.n, 0);
    hook_watch_done(&b.watch);
}

static void it_says_what_it_knows(void **state)
{
    (void)state;
    struct bench b = {.state = VM_SHUT_OFF};
    CLEANUP_JSON json_t *unknown = hook_watch_to_json(&b.watch);
    assert_string_equal(json_string_value(json_object_get(unknown, "state")), "unknown");
    assert_true(json_is_null(json_object_get(unknown, "vm")));
    assert_true(json_is_null(json_object_get(unknown, "at")));
    assert_int_equal(sees(&b, VM_RUNNING), 1);
    CLEANUP_JSON json_t *missed = hook_watch_to_json(&b.watch);
    assert_string_equal(json_string_value(json_object_get(missed, "state")), "missed");
    assert_string_equal(json_string_value(json_object_get(missed, "vm")), "web1");
    hook_watch_done(&b.watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vm_that_starts_without_a_call_is_missed),
        cmocka_unit_test(a_transient_vm_that_appears_without_a_call_is_missed),
        cmocka_unit_test(a_vm_that_asked_is_not_missed_however_late_it_is_seen),
        cmocka_unit_test(a_look_that_is_older_than_the_end_of_a_vm_proves_nothing),
        cmocka_unit_test(an_end_that_was_reported_and_was_none_is_no_start),
        cmocka_unit_test(a_call_is_good_for_one_start),
        cmocka_unit_test(an_end_that_no_one_reported_is_seen),
        cmocka_unit_test(calls_that_lead_nowhere_are_forgotten),
        cmocka_unit_test(it_says_what_it_knows),
    };
    return cmocka_run_group_tests_name("hook watch", tests, NULL, NULL);
}
