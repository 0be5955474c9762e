/* SPDX-License-Identifier: Apache-2.0 */
/* Where a VM is, for every pair of answers; and how long a migration takes. */
#include "plan/whereabouts.h"

#include "plan/estimate.h"
#include "test.h"

static void one_that_runs_at_the_source_alone_is_home(void **state)
{
    (void)state;
    for (int there = PLACE_UNKNOWN; there < PLACE_RUNNING; there++) {
        assert_int_equal(whereabouts(PLACE_RUNNING, (enum place)there, false), WHERE_HOME);
        assert_int_equal(whereabouts(PLACE_RUNNING, (enum place)there, true), WHERE_HOME);
    }
}

static void one_that_runs_at_the_target_alone_is_away(void **state)
{
    (void)state;
    for (int here = PLACE_UNKNOWN; here < PLACE_RUNNING; here++) {
        assert_int_equal(whereabouts((enum place)here, PLACE_RUNNING, false), WHERE_AWAY);
    }
}

static void one_that_runs_twice_is_for_a_person(void **state)
{
    (void)state;
    assert_int_equal(whereabouts(PLACE_RUNNING, PLACE_RUNNING, false), WHERE_BOTH);
    assert_int_equal(whereabouts(PLACE_RUNNING, PLACE_RUNNING, true), WHERE_BOTH);
}

static void no_one_decides_while_a_side_that_matters_is_silent(void **state)
{
    (void)state;
    for (int here = PLACE_UNKNOWN; here < PLACE_RUNNING; here++) {
        assert_int_equal(whereabouts((enum place)here, PLACE_UNKNOWN, true), WHERE_WAIT);
    }
    for (int there = PLACE_UNKNOWN; there < PLACE_RUNNING; there++) {
        assert_int_equal(whereabouts(PLACE_UNKNOWN, (enum place)there, true), WHERE_WAIT);
    }
}

static void one_that_was_shut_down_on_arrival_is_away_and_one_that_died_before_is_home(void **state)
{
    (void)state;
    assert_int_equal(whereabouts(PLACE_OFF, PLACE_OFF, true), WHERE_AWAY);
    assert_int_equal(whereabouts(PLACE_OFF, PLACE_OFF, false), WHERE_HOME);
    assert_int_equal(whereabouts(PLACE_OFF, PLACE_ABSENT, true), WHERE_HOME);
    assert_int_equal(whereabouts(PLACE_OFF, PLACE_PAUSED, false), WHERE_WAIT);
}

static struct migration_estimate estimate(uint64_t memory_mib, uint64_t framebuffer_mib,
                                          uint64_t dirty_mib, uint64_t link_mib)
{
    struct migration_estimate it = {.memory_bytes = amount_of(memory_mib << 20),
                                    .framebuffer_bytes = amount_of(framebuffer_mib << 20),
                                    .dirty_bytes_per_s = amount_of(dirty_mib << 20),
                                    .link_bytes_per_s = amount_of(link_mib << 20)};
    estimate_fill(&it, 0);
    return it;
}

static void a_guest_that_rests_takes_one_round_and_its_framebuffer(void **state)
{
    (void)state;
    struct migration_estimate it = estimate(4096, 2048, 0, 1024);
    assert_true(it.known && it.converges);
    assert_int_equal(it.total_ms.value, 6000);
    assert_int_equal(it.downtime_ms.value, 2000);
}

static void each_round_sends_what_the_one_before_left(void **state)
{
    (void)state;
    /* 8 s, 4 s, 2 s, 1 s, 0.5 s, and 0.25 s of standing still. */
    struct migration_estimate it = estimate(8192, 0, 512, 1024);
    assert_int_equal(it.total_ms.value, 15750);
    assert_int_equal(it.downtime_ms.value, 250);
}

static void what_is_never_caught_up_with_has_no_estimate(void **state)
{
    (void)state;
    assert_false(estimate(1024, 0, 1024, 1024).known);
    assert_false(estimate(1024, 0, 1024, 1024).converges);
    assert_false(estimate(1024, 1024, 0, 0).known);
    assert_false(estimate(1024, 0, 1024, 1024).total_ms.known);
}

static void nothing_is_known_without_a_link_and_all_else_counts_as_0(void **state)
{
    (void)state;
    struct migration_estimate it = {.memory_bytes = amount_of(1 << 20)};
    estimate_fill(&it, 0);
    assert_false(it.known || it.converges || it.total_ms.known || it.downtime_ms.known);
    it.link_bytes_per_s = amount_of(1 << 20);
    estimate_fill(&it, 1000);
    assert_true(it.known && it.total_ms.known && it.downtime_ms.known);
    assert_int_equal(it.total_ms.value, 1000);
    assert_false(it.dirty_bytes_per_s.known);
}

static void a_guest_that_has_nothing_to_send_takes_no_time(void **state)
{
    (void)state;
    struct migration_estimate it = estimate(0, 0, 0, 1024);
    assert_true(it.known && it.total_ms.known && it.downtime_ms.known);
    assert_int_equal(it.total_ms.value, 0);
}

static void a_longer_stop_that_is_allowed_saves_rounds(void **state)
{
    (void)state;
    struct migration_estimate it = estimate(8192, 0, 512, 1024);
    estimate_fill(&it, 3000);
    assert_int_equal(it.downtime_ms.value, 2000);
    assert_int_equal(it.total_ms.value, 14000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_runs_at_the_source_alone_is_home),
        cmocka_unit_test(one_that_runs_at_the_target_alone_is_away),
        cmocka_unit_test(one_that_runs_twice_is_for_a_person),
        cmocka_unit_test(no_one_decides_while_a_side_that_matters_is_silent),
        cmocka_unit_test(
            one_that_was_shut_down_on_arrival_is_away_and_one_that_died_before_is_home),
        cmocka_unit_test(a_guest_that_rests_takes_one_round_and_its_framebuffer),
        cmocka_unit_test(each_round_sends_what_the_one_before_left),
        cmocka_unit_test(what_is_never_caught_up_with_has_no_estimate),
        cmocka_unit_test(nothing_is_known_without_a_link_and_all_else_counts_as_0),
        cmocka_unit_test(a_guest_that_has_nothing_to_send_takes_no_time),
        cmocka_unit_test(a_longer_stop_that_is_allowed_saves_rounds),
    };
    return cmocka_run_group_tests_name("whereabouts", tests, NULL, NULL);
}
