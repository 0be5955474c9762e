/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs_timeout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "await.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "test.h"

static int setup(void **state)
{
    char *dir = xstrdup("/tmp/fs_timeout-XXXXXX");
    *state = mkdtemp(dir);
    return *state == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    CLEANUP_FREE char *dir = *state;
    CLEANUP_FREE char *path = xasprintf("%s/f", dir);
    (void)unlink(path);
    return rmdir(dir);
}

static void a_write_arrives(void **state)
{
    CLEANUP_FREE char *path = xasprintf("%s/f", (const char *)*state);
    assert_int_equal(fs_write_atomic(path, "", 0), 0);
    assert_int_equal(fs_write_timeout(path, "558", 10000), 0);
    CLEANUP_FREE char *text = NULL;
    assert_true(fs_read(path, 64, &text, NULL) >= 0);
    assert_string_equal(text, "558");
}

static void the_error_of_a_write_comes_back(void **state)
{
    CLEANUP_FREE char *path = xasprintf("%s/f", (const char *)*state);
    assert_int_equal(fs_write_timeout(path, "1", 10000), -ENOENT);
    assert_int_equal(fs_write_timeout("/dev/full", "1", 10000), -ENOSPC);
}

struct received {
    int fd;
    char byte;
};

static bool has_arrived(void *data)
{
    struct received *received = data;
    return read(received->fd, &received->byte, 1) == 1;
}

/* A pipe that no process reads: opening it waits without end. */
static void a_write_that_hangs_is_given_up(void **state)
{
    CLEANUP_FREE char *path = xasprintf("%s/f", (const char *)*state);
    assert_int_equal(mkfifo(path, 0600), 0);
    uint64_t began_us = clock_monotonic_us();
    assert_int_equal(fs_write_timeout(path, "1", 200), -ETIMEDOUT);
    assert_true(clock_monotonic_us() - began_us < 20000000);
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK); /* lets the writer end */
    assert_true(fd >= 0);
    struct received received = {.fd = fd};
    assert_true(await(has_arrived, &received));
    assert_int_equal(received.byte, '1');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_write_arrives, setup, teardown),
        cmocka_unit_test_setup_teardown(the_error_of_a_write_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_write_that_hangs_is_given_up, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
