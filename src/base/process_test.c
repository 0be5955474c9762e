/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "test.h"

#define SECOND_MS 1000
#define LONG_MS (20 * SECOND_MS)

static void output_and_status_come_back(void **state)
{
    (void)state;
    const char *const argv[] = {"sh", "-c", "echo out; echo err >&2; exit 3", NULL};
    int status = -1;
    CLEANUP_FREE char *output = NULL;
    assert_int_equal(process_run(argv, LONG_MS, &status, &output), 0);
    assert_int_equal(status, 3);
    assert_string_equal(output, "out\nerr\n");
}

static void a_signal_is_128_and_its_number(void **state)
{
    (void)state;
    const char *const argv[] = {"sh", "-c", "kill -TERM $$", NULL};
    int status = -1;
    assert_int_equal(process_run(argv, LONG_MS, &status, NULL), 0);
    assert_int_equal(status, 128 + 15);
}

static void a_missing_program_is_reported_at_once(void **state)
{
    (void)state;
    const char *const argv[] = {"/no/such/program", NULL};
    int status = -1;
    CLEANUP_FREE char *output = NULL;
    assert_int_equal(process_run(argv, LONG_MS, &status, &output), -ENOENT);
    assert_int_equal(status, -1);
    assert_null(output);
}

static void a_timeout_kills_the_child_and_its_children(void **state)
{
    (void)state;
    const char *const argv[] = {"sh", "-c", "sleep 60 & sleep 60", NULL};
    int status = -1;
    uint64_t start_us = clock_monotonic_us();
    assert_int_equal(process_run(argv, 200, &status, NULL), -ETIMEDOUT);
    assert_true(clock_monotonic_us() - start_us < 30U * SECOND_MS * 1000U);
}

static void a_grandchild_that_keeps_the_pipe_does_not_hold_us(void **state)
{
    (void)state;
    const char *const argv[] = {"sh", "-c", "sleep 60 & echo done", NULL};
    int status = -1;
    CLEANUP_FREE char *output = NULL;
    uint64_t start_us = clock_monotonic_us();
    assert_int_equal(process_run(argv, LONG_MS, &status, &output), 0);
    assert_string_equal(output, "done\n");
    assert_true(clock_monotonic_us() - start_us < 30U * SECOND_MS * 1000U);
}

static void output_is_bounded_and_the_child_not_blocked(void **state)
{
    (void)state;
    const char *const argv[] = {"head", "-c", "300000", "/dev/zero", NULL};
    const char *const words[] = {"sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x", NULL};
    int status = -1;
    assert_int_equal(process_run(argv, LONG_MS, &status, NULL), 0);
    assert_int_equal(status, 0);
    CLEANUP_FREE char *output = NULL;
    assert_int_equal(process_run(words, LONG_MS, &status, &output), 0);
    assert_int_equal(status, 0);
    assert_int_equal(strlen(output), 64 * 1024);
}

static void a_child_that_never_stops_writing_is_timed_out(void **state)
{
    (void)state;
    const char *const argv[] = {"sh", "-c", "yes & yes & yes & yes", NULL};
    int status = -1;
    uint64_t start_us = clock_monotonic_us();
    assert_int_equal(process_run(argv, 200, &status, NULL), -ETIMEDOUT);
    assert_true(clock_monotonic_us() - start_us < 30U * SECOND_MS * 1000U);
}

static void standard_input_is_empty(void **state)
{
    (void)state;
    const char *const argv[] = {"cat", NULL};
    int status = -1;
    CLEANUP_FREE char *output = NULL;
    assert_int_equal(process_run(argv, LONG_MS, &status, &output), 0);
    assert_int_equal(status, 0);
    assert_string_equal(output, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_and_status_come_back),
        cmocka_unit_test(a_signal_is_128_and_its_number),
        cmocka_unit_test(a_missing_program_is_reported_at_once),
        cmocka_unit_test(a_timeout_kills_the_child_and_its_children),
        cmocka_unit_test(a_grandchild_that_keeps_the_pipe_does_not_hold_us),
        cmocka_unit_test(output_is_bounded_and_the_child_not_blocked),
        cmocka_unit_test(a_child_that_never_stops_writing_is_timed_out),
        cmocka_unit_test(standard_input_is_empty),
    };
    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
