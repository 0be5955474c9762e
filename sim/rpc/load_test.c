/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "sim/rpc/board.h"
#include "sim/rpc/load.h"

#define MINUTE_US 60000000u

static const struct rpc_board facts = {.power_mw = 350000,
                                       .graphics_mhz = 2520,
                                       .lowest_mhz = 210,
                                       .memory_mhz = 9001,
                                       .video_mhz = 1965,
                                       .max_celsius = 88};

static struct load_board board_with(const struct load *loads, uint32_t n)
{
    return (struct load_board){.facts = &facts,
                               .loads = loads,
                               .n_loads = n,
                               .seed = 7,
                               .limit_mw = 350000,
                               .graphics_mhz = 2520,
                               .memory_mhz = 9001};
}

static void an_idle_board_is_cool_and_slow(void **state)
{
    (void)state;
    struct load_board board = board_with(NULL, 0);
    struct rpc_sample sample = {0};
    load_sample(&board, MINUTE_US, &sample);
    assert_int_equal(sample.usage.sm, 0);
    assert_int_equal(sample.graphics_mhz, 210);
    assert_int_equal(sample.pstate, 8);
    assert_true(sample.power_mw < 50000);
    assert_true(load_celsius(&board, MINUTE_US) < 40);
}

static void the_same_seed_and_moment_give_the_same_sample(void **state)
{
    (void)state;
    struct load load = {.seed = load_seed(1, "a"), .cap = 1};
    struct load other = {.seed = load_seed(2, "a"), .cap = 1};
    struct load_board board = board_with(&load, 1);
    struct load_board another = board_with(&other, 1);
    struct rpc_sample first = {0};
    struct rpc_sample second = {0};
    uint32_t differences = 0;
    for (uint64_t at = 0; at < 10 * MINUTE_US; at += 700000) {
        load_sample(&board, at, &first);
        load_sample(&board, at, &second);
        assert_memory_equal(&first, &second, sizeof(first));
        load_sample(&another, at, &second);
        differences += first.usage.sm != second.usage.sm;
    }
    assert_true(differences > 100);
}

static void no_moment_is_beyond_what_the_board_can(void **state)
{
    (void)state;
    struct load loads[8];
    for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
        loads[i] = (struct load){.seed = load_seed(3, "x") + i, .cap = 1, .video = true};
    }
    struct load_board board = board_with(loads, ARRAY_SIZE(loads));
    board.limit_mw = 200000;
    for (uint64_t at = 0; at < 10 * MINUTE_US; at += 300000) {
        struct rpc_sample sample = {0};
        load_sample(&board, at, &sample);
        assert_in_range(sample.usage.sm, 0, 100);
        assert_in_range(sample.usage.memory, 0, 100);
        assert_in_range(sample.power_mw, 1, 200000);
        assert_in_range(sample.graphics_mhz, 210, 2520);
        assert_in_range(load_celsius(&board, at), 20, 88);
        if (sample.power_mw == 200000) {
            assert_true((sample.reasons & 4) != 0 && sample.graphics_mhz < 2520);
        }
    }
}

static void a_slice_gives_no_more_than_itself(void **state)
{
    (void)state;
    struct load loads[2] = {{.seed = 1, .cap = 1.0 / 7}, {.seed = 2, .cap = 2.0 / 7}};
    struct load_board board = board_with(loads, 2);
    for (uint64_t at = 0; at < 10 * MINUTE_US; at += 300000) {
        struct rpc_usage small;
        struct rpc_usage large;
        struct rpc_sample all = {0};
        load_of(&board, 0, at, &small);
        load_of(&board, 1, at, &large);
        load_sample(&board, at, &all);
        assert_in_range(small.sm, 0, 15);
        assert_in_range(large.sm, 0, 29);
        assert_in_range(all.usage.sm + 1, small.sm + large.sm, small.sm + large.sm + 2);
    }
}

static void a_load_wanders_without_jumps(void **state)
{
    (void)state;
    struct load load = {.seed = 99, .cap = 1};
    struct load_board board = board_with(&load, 1);
    struct rpc_sample before = {0};
    load_sample(&board, 0, &before);
    for (uint64_t at = 100000; at < 10 * MINUTE_US; at += 100000) {
        struct rpc_sample sample = {0};
        load_sample(&board, at, &sample);
        assert_in_range(sample.usage.sm + 5, before.usage.sm, before.usage.sm + 10);
        before = sample;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_board_is_cool_and_slow),
        cmocka_unit_test(the_same_seed_and_moment_give_the_same_sample),
        cmocka_unit_test(no_moment_is_beyond_what_the_board_can),
        cmocka_unit_test(a_slice_gives_no_more_than_itself),
        cmocka_unit_test(a_load_wanders_without_jumps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
