/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs_timeout.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"

#define ANSWER_FD 3

/* In the writing process: only what is safe after fork() in a program with threads. */
static void write_and_end(const char *path, const char *text, size_t len, int answer_fd)
{
    int32_t result = 0;
    /* Nothing else of the caller's: a lock or a socket must not live on with a writer that hangs.
     */
    if (answer_fd != ANSWER_FD && dup2(answer_fd, ANSWER_FD) < 0) {
        _exit(1);
    }
    (void)close_range(ANSWER_FD + 1, UINT_MAX, 0);
    answer_fd = ANSWER_FD;
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t put = fd < 0 ? -1 : write(fd, text, len);
    if (put < 0) {
        result = -errno;
    } else if ((size_t)put != len) {
        result = -EIO;
    }
    ssize_t sent = write(answer_fd, &result, sizeof(result));
    _exit(sent == (ssize_t)sizeof(result) ? 0 : 1);
}

/* The writer is a grandchild: its adopter reaps it, however late it ends. */
static int start_writer(const char *path, const char *text, int answer_fd)
{
    size_t len = strlen(text);
    pid_t child = fork();
    if (child < 0) {
        return -errno;
    }
    if (child == 0) {
        sigset_t none;
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        pid_t writer = fork();
        if (writer == 0) {
            write_and_end(path, text, len, answer_fd);
        }
        _exit(writer < 0 ? errno : 0);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EAGAIN;
}

static int wait_for_answer(int fd, unsigned timeout_ms)
{
    uint64_t end_us = clock_monotonic_us() + (uint64_t)timeout_ms * 1000U;
    for (;;) {
        uint64_t now_us = clock_monotonic_us();
        if (now_us >= end_us) {
            return -ETIMEDOUT;
        }
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        int r = poll(&poll_fd, 1, (int)((end_us - now_us + 999U) / 1000U));
        if (r < 0 && errno != EINTR) {
            return -errno;
        }
        if (r <= 0) {
            continue;
        }
        int32_t result = 0;
        ssize_t got = read(fd, &result, sizeof(result));
        return got == (ssize_t)sizeof(result) ? result : -EIO;
    }
}

int fs_write_timeout(const char *path, const char *text, unsigned timeout_ms)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return -errno;
    }
    CLEANUP_CLOSE int read_end = ends[0];
    CLEANUP_CLOSE int write_end = ends[1];
    int r = start_writer(path, text, write_end);
    if (r < 0) {
        return r;
    }
    closep(&write_end);
    return wait_for_answer(read_end, timeout_ms);
}
