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
#include <unistd.h>

#include "base/str.h"
#include "cli/cli.h"
#include "cli/command.h"
#include "cli/exit_statuses.h"
#include "lib/local_socket.h"

#define BUFFER_SIZE 65536
#define CONNECT_TIMEOUT_MS 15000

/* One direction. */
struct pipe_end {
    int from, to;
    char buffer[BUFFER_SIZE];
    size_t start, len;
    bool over; /* nothing more comes */
};

static bool fill_buffer(struct pipe_end *end)
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

static bool empty_buffer(struct pipe_end *end)
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
static int carry_bytes(int fd)
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
                !(ends[i]->len > 0 ? empty_buffer(ends[i]) : fill_buffer(ends[i]))) {
                return -errno;
            }
        }
        if (up.over && fd >= 0) {
            (void)shutdown(fd, SHUT_WR);
        }
    }
    return 0;
}

static int connect_socket(const char *path, int *ret_fd, struct error *err)
{
    int r = local_socket_connect(path, CONNECT_TIMEOUT_MS, ret_fd);
    if (r == 0) {
        return 0;
    }
    if (r == -ENAMETOOLONG) {
        return error_set(err, REASON_INVALID, path, "the path of the socket is too long: %s", path);
    }
    if (r == -EAGAIN) {
        error_set(err, REASON_UNAVAILABLE, path,
                  "cleaved on %s is busy: it runs, but did not accept the connection in time",
                  path);
        error_hint(err, "try again; `ss -xp` shows which processes connect to it");
        return -REASON_UNAVAILABLE;
    }
    error_set(err, REASON_UNAVAILABLE, path, "cleaved does not answer on %s: %s", path,
              strerror(-r));
    error_hint(err, "cleaved does not run, or is not ready yet (systemctl status cleaved). If it "
                    "uses another socket: `cleave dial --socket PATH`");
    return -REASON_UNAVAILABLE;
}

static const char help[] =
    "Usage: cleave dial [--socket PATH]\n"
    "\n"
    "Carries bytes between standard input and output and cleaved's socket, for\n"
    "another host's cleaved that comes by ssh.\n";

static int cmd_dial(int argc, char **argv)
{
    struct error err = {0};
    const char *path = getenv("CLEAVE_SOCKET");
    path = path == NULL ? CLIENT_DEFAULT_SOCKET : path;
    if (argc == 3 && str_eq(argv[1], "--socket")) {
        path = argv[2];
    } else if (argc == 2 && str_eq(argv[1], "--help")) {
        fputs(help, stdout);
        exit_statuses_print(NULL);
        return 0;
    } else if (argc != 1) {
        error_set(&err, REASON_INVALID, "", "`cleave dial` takes only --socket PATH");
        return cli_report(&err);
    }
    int fd = -1;
    (void)signal(SIGPIPE, SIG_IGN);
    int r = connect_socket(path, &fd, &err);
    if (r == 0) {
        r = carry_bytes(fd);
        close(fd);
        if (r != 0) {
            error_set_errno(&err, -r, path, "carrying bytes to %s", path);
        }
    }
    return r == 0 ? 0 : cli_report(&err);
}

/* ---- the table ---- */

static const struct command commands[] = {
    {.object = "dial",
     .args = "[--socket PATH]",
     .help = "connect another host's cleaved, which comes by ssh, to cleaved here",
     .examples = {"dial --socket /run/cleave/cleaved.sock"},
     .hidden = true,
     .run_raw = cmd_dial},
};
const struct command_table dial_commands = COMMAND_TABLE(commands);
