/* SPDX-License-Identifier: Apache-2.0 */
/* Carries bytes between standard input and output and cleaved's socket: how another host's cleaved
 * reaches this one over ssh, without a port of its own. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/cli.h"
#include "cli/verbs.h"

#define BUFFER_SIZE 65536

/* One direction. */
struct pipe_end {
    int from, to;
    char buffer[BUFFER_SIZE];
    size_t start, len;
    bool over; /* nothing more comes */
};

static bool fill(struct pipe_end *end)
{
    ssize_t n = read(end->from, end->buffer, sizeof(end->buffer));
    if (n < 0) {
        return errno == EINTR || errno == EAGAIN;
    }
    end->start = 0;
    end->len = (size_t)n;
    end->over = n == 0;
    return true;
}

static bool drain(struct pipe_end *end)
{
    ssize_t n = write(end->to, end->buffer + end->start, end->len);
    if (n < 0) {
        return errno == EINTR || errno == EAGAIN;
    }
    end->start += (size_t)n;
    end->len -= (size_t)n;
    return true;
}

/* Until cleaved closes; the other side's end is passed on. */
static int carry(int fd)
{
    static struct pipe_end up;
    static struct pipe_end down;
    up = (struct pipe_end){.from = STDIN_FILENO, .to = fd};
    down = (struct pipe_end){.from = fd, .to = STDOUT_FILENO};
    struct pipe_end *ends[] = {&up, &down};
    while (!down.over) {
        struct pollfd fds[2];
        for (size_t i = 0; i < 2; i++) {
            bool full = ends[i]->len > 0;
            fds[i] = (struct pollfd){.fd = full ? ends[i]->to : ends[i]->from,
                                     .events = full ? POLLOUT : POLLIN};
            if (ends[i]->over) {
                fds[i].fd = -1;
            }
        }
        if (poll(fds, 2, -1) < 0 && errno != EINTR) {
            return -errno;
        }
        for (size_t i = 0; i < 2; i++) {
            if (fds[i].fd >= 0 && fds[i].revents != 0 &&
                !(ends[i]->len > 0 ? drain(ends[i]) : fill(ends[i]))) {
                return -errno;
            }
        }
        if (up.over && fd >= 0) {
            (void)shutdown(fd, SHUT_WR);
        }
    }
    return 0;
}

static int dial(const char *path, int *ret_fd, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!STR_SET(address.sun_path, path)) {
        return error_set(err, REASON_INVALID, path, "the path of a socket is too long: %s", path);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        error_set(err, REASON_UNAVAILABLE, path, "cleaved does not answer on %s: %s", path,
                  strerror(errno));
        error_hint(err, "start cleaved, or name its socket: `cleave dial --socket PATH`");
        if (fd >= 0) {
            close(fd);
        }
        return -REASON_UNAVAILABLE;
    }
    *ret_fd = fd;
    return 0;
}

static const char help[] =
    "Usage: cleave dial [--socket PATH]\n"
    "\n"
    "Carries bytes between standard input and output and cleaved's socket, for\n"
    "another host's cleaved that comes by ssh.\n";

int cmd_dial(int argc, char **argv)
{
    struct error err = {0};
    const char *path = getenv("CLEAVE_SOCKET");
    path = path == NULL ? CLIENT_DEFAULT_SOCKET : path;
    if (argc == 3 && str_eq(argv[1], "--socket")) {
        path = argv[2];
    } else if (argc == 2 && str_eq(argv[1], "--help")) {
        fputs(help, stdout);
        return 0;
    } else if (argc != 1) {
        error_set(&err, REASON_INVALID, "", "cleave dial takes no words but --socket PATH");
        return cli_report(&err);
    }
    int fd = -1;
    (void)signal(SIGPIPE, SIG_IGN);
    int r = dial(path, &fd, &err);
    if (r == 0) {
        r = carry(fd);
        close(fd);
        if (r != 0) {
            error_set_errno(&err, -r, path, "carrying bytes to %s", path);
        }
    }
    return r == 0 ? 0 : cli_report(&err);
}
