/* SPDX-License-Identifier: Apache-2.0 */
/* Events that are part of no change, while the store fails. */
#include "state/txn.h"

#include <limits.h>

#include "base/str.h"
#include "mhost_fixture.h"
#include "test.h"

#define KEPT_AT_MOST 1000

static void let_fail(struct mhost *mhost)
{
    assert_true(mhost_wait_stored(mhost));
    mhost->faults.calls = 0;
    mhost->faults.at = 1;
    mhost->faults.length = INT_MAX;
    mhost->faults.only = FAULT_COMMITS;
    mhost->faults.kind = FAULT_FAIL_BEFORE;
}

static bool are_kept(void *data)
{
    const struct manager *m = ((struct mhost *)data)->manager;
    return m->events_backoff.next_us != 0 && m->lone_events.n > 0 && !ledger_is_busy(m->ledger);
}

static bool are_stored(void *data)
{
    const struct manager *m = ((struct mhost *)data)->manager;
    return m->lone_events.n == 0 && !ledger_is_busy(m->ledger);
}

/* The store works again, and nothing has been stored yet. */
static void keep_some(struct mhost *mhost, unsigned n)
{
    let_fail(mhost);
    for (unsigned i = 0; i < n; i++) {
        txn_event_alone(mhost->manager, EVENT_GPU_CHANGED, "host", "", "number %u", i);
    }
    assert_true(mhost_wait_until(mhost, are_kept, mhost));
    mhost->faults.kind = FAULT_NONE;
}

static void they_go_along_with_the_next_change(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    keep_some(mhost, 2);
    assert_int_equal(mhost_create(mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\"}", NULL), 0);
    assert_true(mhost_settle(mhost));
    assert_int_equal(mhost_count_events(mhost, "gpu-changed", "host", NULL), 2);
    assert_int_equal(mhost->manager->events_backoff.next_us, 0);
}

static void they_are_stored_alone_once_the_store_works_again(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    char last[ERROR_TEXT_SIZE];
    keep_some(mhost, 2);
    assert_true(mhost_wait_until(mhost, are_stored, mhost));
    assert_int_equal(mhost_count_events(mhost, "gpu-changed", "host", last), 2);
    assert_string_equal(last, "number 1");
    assert_int_equal(mhost_count_events(mhost, "events-lost", NULL, NULL), 0);
}

static void an_end_stores_what_is_left(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    keep_some(mhost, 2);
    mhost_stop(mhost);
    assert_int_equal(mhost_start(mhost), 0);
    assert_int_equal(mhost_count_events(mhost, "gpu-changed", "host", NULL), 2);
}

static void an_end_waits_for_no_store_that_fails(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    keep_some(mhost, 2);
    mhost->faults.kind = FAULT_FAIL_BEFORE;
    mhost_stop(mhost);
    mhost->faults.kind = FAULT_NONE;
    assert_int_equal(mhost_start(mhost), 0);
    assert_int_equal(mhost_count_events(mhost, "gpu-changed", "host", NULL), 0);
}

static void of_more_than_there_is_room_for_their_number_is_kept(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    CLEANUP_FREE struct event *events = NULL;
    size_t n = 0;
    uint64_t before = mhost->manager->ledger->last_event;
    keep_some(mhost, KEPT_AT_MOST + 3);
    assert_true(mhost_wait_until(mhost, are_stored, mhost));
    assert_int_equal(
        ledger_load_events(mhost->manager->ledger, before + KEPT_AT_MOST - 1, 2, &events, &n, NULL),
        0);
    assert_int_equal(n, 2);
    assert_string_equal(events[0].message, "number 999");
    assert_string_equal(events[1].kind, "events-lost");
    assert_string_equal(events[1].message, "the store failed, and 3 events were not kept");
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, mhost_fixture_setup, mhost_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(they_go_along_with_the_next_change),
        TEST(they_are_stored_alone_once_the_store_works_again),
        TEST(an_end_stores_what_is_left),
        TEST(an_end_waits_for_no_store_that_fails),
        TEST(of_more_than_there_is_room_for_their_number_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
