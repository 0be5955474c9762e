/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"

#define OUTPUT_MAX_BYTES (64 * 1024)
#define PIPE_BYTES (64 * 1024) /* what a pipe holds: pipe(7) */

/* Own process group, so that a timeout ends grandchildren too; no inherited signal mask. */
static void prepare_attributes(posix_spawnattr_t *attr)
{
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(attr);
    posix_spawnattr_setsigmask(attr, &none);
    posix_spawnattr_setsigdefault(attr, &all);
    posix_spawnattr_setpgroup(attr, 0);
    posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                       POSIX_SPAWN_SETPGROUP);
}

static int start(const char *const *argv, int output_fd, pid_t *ret_pid)
{
    posix_spawnattr_t attr;
    prepare_attributes(&attr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, output_fd, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, output_fd, STDERR_FILENO);
    /* exec does not write to argv; POSIX only lacks the const. */
    char **args = (char **)(uintptr_t)argv;
    int r = posix_spawnp(ret_pid, argv[0], &files, &attr, args, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    return -r;
}

/* Takes what is there now, at most a pipe full: who writes as fast as we read must not keep us from
 * the clock. False at the end of the stream. What exceeds the bound is dropped. */
static bool drain(int fd, struct strbuf *output)
{
    char chunk[4096];
    for (size_t taken = 0; taken < PIPE_BYTES;) {
        ssize_t got = read(fd, chunk, sizeof(chunk));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 && errno == EAGAIN;
        }
        size_t room = OUTPUT_MAX_BYTES - output->len;
        strbuf_addn(output, chunk, (size_t)got < room ? (size_t)got : room);
        taken += (size_t)got;
    }
    return true;
}

/* Collects output until the child ends: 0, or -ETIMEDOUT. A grandchild may keep the pipe open. */
static int collect(int output_fd, int pid_fd, unsigned timeout_ms, struct strbuf *output)
{
    uint64_t end_us = clock_monotonic_us() + (uint64_t)timeout_ms * 1000U;
    struct pollfd fds[] = {
        {.fd = pid_fd, .events = POLLIN},
        {.fd = output_fd, .events = POLLIN},
    };
    for (;;) {
        uint64_t now_us = clock_monotonic_us();
        if (now_us >= end_us) {
            return -ETIMEDOUT;
        }
        int wait_ms = (int)((end_us - now_us + 999U) / 1000U);
        if (poll(fds, ARRAY_SIZE(fds), wait_ms) < 0 && errno != EINTR) {
            return -errno;
        }
        if (!drain(output_fd, output)) {
            fds[1].fd = -1; /* closed: wait for the exit alone */
        }
        if ((fds[0].revents & POLLIN) != 0) {
            drain(output_fd, output);
            return 0;
        }
    }
}

static int exit_status(int wait_status)
{
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

int process_run(const char *const *argv, unsigned timeout_ms, int *ret_status, char **ret_output)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return -errno;
    }
    CLEANUP_CLOSE int read_end = ends[0];
    CLEANUP_CLOSE int write_end = ends[1];
    if (fcntl(read_end, F_SETFL, O_NONBLOCK) < 0) { /* the reading end only */
        return -errno;
    }

    pid_t pid = 0;
    int r = start(argv, write_end, &pid);
    if (r < 0) {
        return r;
    }
    closep(&write_end);

    CLEANUP_STRBUF struct strbuf output = {0};
    CLEANUP_CLOSE int pid_fd = pidfd_open(pid, 0);
    r = pid_fd < 0 ? -errno : collect(read_end, pid_fd, timeout_ms, &output);
    if (r < 0) {
        (void)kill(-pid, SIGKILL);
    }
    int wait_status = 0;
    while (waitpid(pid, &wait_status, 0) < 0 && errno == EINTR) {
    }
    if (r < 0) {
        return r;
    }
    *ret_status = exit_status(wait_status);
    if (ret_output != NULL) {
        *ret_output = strbuf_take(&output);
    }
    return 0;
}
