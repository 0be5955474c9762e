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
    struct migration_estimate it = {.memory_bytes = memory_mib << 20,
                                    .framebuffer_bytes = framebuffer_mib << 20,
                                    .dirty_bytes_per_s = dirty_mib << 20,
                                    .link_bytes_per_s = link_mib << 20};
    estimate_fill(&it, 0);
    return it;
}

static void a_guest_that_rests_takes_one_round_and_its_framebuffer(void **state)
{
    (void)state;
    struct migration_estimate it = estimate(4096, 2048, 0, 1024);
    assert_true(it.known && it.converges);
    assert_int_equal(it.total_ms, 6000);
    assert_int_equal(it.downtime_ms, 2000);
}

static void each_round_sends_what_the_one_before_left(void **state)
{
    (void)state;
    /* 8 s, 4 s, 2 s, 1 s, 0.5 s, and 0.25 s of standing still. */
    struct migration_estimate it = estimate(8192, 0, 512, 1024);
    assert_int_equal(it.total_ms, 15750);
    assert_int_equal(it.downtime_ms, 250);
}

static void what_is_never_caught_up_with_has_no_estimate(void **state)
{
    (void)state;
    assert_false(estimate(1024, 0, 1024, 1024).known);
    assert_false(estimate(1024, 0, 1024, 1024).converges);
    assert_false(estimate(1024, 1024, 0, 0).known);
}

static void a_longer_stop_that_is_allowed_saves_rounds(void **state)
{
    (void)state;
    struct migration_estimate it = estimate(8192, 0, 512, 1024);
    estimate_fill(&it, 3000);
    assert_int_equal(it.downtime_ms, 2000);
    assert_int_equal(it.total_ms, 14000);
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
        cmocka_unit_test(a_longer_stop_that_is_allowed_saves_rounds),
    };
    return cmocka_run_group_tests_name("whereabouts", tests, NULL, NULL);
}
