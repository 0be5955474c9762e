/* SPDX-License-Identifier: Apache-2.0 */
/* The small headers: vectors, memory, identifiers, time, pauses, log lines. */
#include "base/vec.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "test.h"

static void a_vector_grows_and_loses_elements_in_order(void **state)
{
    (void)state;
    VEC(int) numbers = {0};
    for (vec_each(&numbers, n)) {
        fail_msg("an empty vector has no element %d", *n);
    }
    for (int i = 0; i < 100; i++) {
        assert_int_equal(*vec_push(&numbers), 0);
        numbers.items[i] = i;
    }
    vec_remove(&numbers, 0);
    vec_remove(&numbers, numbers.n - 1);
    int want = 1;
    for (vec_each(&numbers, n)) {
        assert_int_equal(*n, want);
        want++;
    }
    assert_int_equal(want, 99);
    vec_done(&numbers);
    assert_null(numbers.items);
}

static void allocation_is_zeroed_and_copies_end(void **state)
{
    (void)state;
    CLEANUP_FREE char *zeros = xcalloc(4, 4);
    assert_memory_equal(zeros, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    CLEANUP_FREE char *part = xstrndup("abcdef", 3);
    assert_string_equal(part, "abc");
    CLEANUP_FREE char *whole = xstrndup("abc", SIZE_MAX);
    assert_string_equal(whole, "abc");
    CLEANUP_FREE char *text = xasprintf("%s-%d", "a", 7);
    assert_string_equal(text, "a-7");
}

static void uuids_are_version_4_and_differ(void **state)
{
    (void)state;
    char a[UUID_SIZE];
    char b[UUID_SIZE];
    id_uuid(a);
    id_uuid(b);
    assert_true(parse_uuid(a));
    assert_int_equal(a[14], '4');
    assert_non_null(strchr("89ab", a[19]));
    assert_string_not_equal(a, b);
}

static void time_is_written_in_utc_with_microseconds(void **state)
{
    (void)state;
    char text[28];
    assert_string_equal(clock_format(0, text, sizeof(text)), "1970-01-01T00:00:00.000000Z");
    assert_string_equal(clock_format(1795239012123456U, text, sizeof(text)),
                        "2026-11-21T05:30:12.123456Z");
    uint64_t before_us = clock_monotonic_us();
    assert_true(clock_monotonic_us() >= before_us);
    assert_true(clock_realtime_us() > 1700000000000000U);
}

/* What `fn` writes to standard error; caller frees. */
static char *stderr_of(void (*fn)(void))
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    CLEANUP_CLOSE int saved = dup(STDERR_FILENO);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    fn();
    assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    close(ends[1]);
    char *text = NULL;
    assert_int_equal(fs_read_fd(ends[0], 65536, &text, NULL), 0);
    close(ends[0]);
    return text;
}

static void log_some(void)
{
    log_error("bad %d", 1);
    log_info("two\nlines");
    log_debug("not shown");
}

static void log_long(void)
{
    char text[5000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_warning("%s", text);
}

static void a_log_message_is_one_line_with_its_level(void **state)
{
    (void)state;
    log_set_program("test");
    log_set_level(LOG_LEVEL_INFO);
    unsetenv("JOURNAL_STREAM");
    CLEANUP_FREE char *plain = stderr_of(log_some);
    assert_string_equal(plain, "test: error: bad 1\ntest: two lines\n");
    setenv("JOURNAL_STREAM", "8:1", 1);
    CLEANUP_FREE char *journal = stderr_of(log_some);
    assert_string_equal(journal, "<3>bad 1\n<6>two lines\n");
    CLEANUP_FREE char *cut = stderr_of(log_long);
    assert_int_equal(strlen(cut), 2048);
    assert_true(str_ends(cut, "x\n"));
    unsetenv("JOURNAL_STREAM");
}

/* A log that is not read: a journal's socket, and a pipe. */
static void a_log_that_takes_nothing_is_not_waited_for(void **state)
{
    (void)state;
    int saved = dup(STDERR_FILENO);
    for (int is_pipe = 0; is_pipe < 2; is_pipe++) {
        int ends[2];
        assert_int_equal(is_pipe ? pipe(ends) : socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
        close(ends[1]);
        for (int i = 0; i < 2000; i++) {
            log_long();
        }
        char text[4096];
        ssize_t n = 0;
        size_t n_read = 0;
        assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
        while ((n = read(ends[0], text, sizeof(text))) > 0) {
            n_read += (size_t)n;
        }
        assert_true(n_read > 0 && n_read % 2048 == 0); /* whole lines only */
        log_error("again");
        n = read(ends[0], text, sizeof(text) - 1);
        assert_true(n > 0);
        text[n] = '\0';
        CLEANUP_FREE char *want = xasprintf("test: warning: %zu lines are missing here, because "
                                            "the log did not accept them\ntest: error: again\n",
                                            2000 - n_read / 2048);
        assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
        assert_string_equal(text, want);
        close(ends[0]);
    }
    close(saved);
}

static void pauses_grow_to_the_longest(void **state)
{
    (void)state;
    static const uint64_t wanted[] = {10, 20, 40, 70, 70, 70};
    struct backoff backoff = {0};
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
        assert_int_equal(backoff_take(&backoff, 10, 70), wanted[i]);
    }
    assert_int_equal(backoff_take(&backoff, 10, 1000), 140);
    backoff_reset(&backoff);
    assert_int_equal(backoff_take(&backoff, 10, 5), 5);
    backoff_reset(&backoff);
    for (int i = 0; i < 200; i++) {
        assert_true(backoff_take(&backoff, 1, UINT64_MAX / 2) != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vector_grows_and_loses_elements_in_order),
        cmocka_unit_test(allocation_is_zeroed_and_copies_end),
        cmocka_unit_test(uuids_are_version_4_and_differ),
        cmocka_unit_test(time_is_written_in_utc_with_microseconds),
        cmocka_unit_test(pauses_grow_to_the_longest),
        cmocka_unit_test(a_log_message_is_one_line_with_its_level),
        cmocka_unit_test(a_log_that_takes_nothing_is_not_waited_for),
    };
    return cmocka_run_group_tests_name("small", tests, NULL, NULL);
}
