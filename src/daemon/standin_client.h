/* SPDX-License-Identifier: Apache-2.0 */
/* The clients of the stand-in: each says its request's head and gets one answer, which closes the
 * connection. None is waited for. The stand-in's thread only; private to it. */
#ifndef DAEMON_STANDIN_CLIENT_H
#define DAEMON_STANDIN_CLIENT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define STANDIN_MAX_CLIENTS 64

/* A thing that hangs, and since when. */
struct standin_text {
    const char *what; /* as /v1/health names it */
    char message[512];
    const char *hint;
    uint64_t since_us; /* wall clock */
};

enum standin_cause { STANDIN_LOOP, STANDIN_STORE, STANDIN_START };

/* since_us: monotonic. */
struct standin_text standin_text_of(const char *state_dir, uint64_t since_us,
                                    enum standin_cause cause);

struct standin_client {
    int fd;
    bool answered; /* what it still sends is thrown away until it leaves */
    size_t scanned;
    struct strbuf in;
    uint64_t due_us; /* monotonic: it is closed then */
};

struct standin_clients {
    struct standin_client items[STANDIN_MAX_CLIENTS]; /* the oldest first */
    size_t n;
};

/* Fills one entry for each client; returns how many. */
size_t standin_clients_poll(const struct standin_clients *clients, struct pollfd *fds);
/* Answers those whose head is whole by what poll(2) said of each. */
void standin_clients_serve(struct standin_clients *clients, const struct pollfd *fds,
                           const struct standin_text *text);
/* Takes all that connect now; the oldest makes room. */
void standin_clients_accept(struct standin_clients *clients, int listen_fd,
                            const struct standin_text *text);
void standin_clients_done(struct standin_clients *clients);

#endif
