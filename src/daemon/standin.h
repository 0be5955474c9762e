/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stand-in: a thread that sees when the event loop does not turn, which a state directory whose
 * disk hangs brings about, at the start too, and answers in its place: /v1/health says what hangs,
 * all else is refused at once with the reason. It ends the process when that is asked for and the
 * loop can't: the journal has all that was done.
 */
#ifndef DAEMON_STANDIN_H
#define DAEMON_STANDIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/evloop.h"

#define STANDIN_MAX_SOCKETS 4

struct standin;

struct standin_config {
    struct evloop *loop;
    const char *state_dir;            /* for the text; valid as long as the stand-in */
    int sockets[STANDIN_MAX_SOCKETS]; /* that the loop accepts from; copied */
    size_t n_sockets;
    bool starting;        /* the loop does not run yet, see standin_started() */
    uint64_t patience_us; /* how long the loop may do one thing before; 0: default */
    uint64_t
        finish_us; /* how long an end may take that a call into the store holds up; 0: default */
    void (*end)(void); /* NULL: _exit(0); for tests */
};

/* SIGINT and SIGTERM must be blocked, as signals_take() does it: while the loop stands, the
 * stand-in takes them. Loop thread only, as all of these. */
int standin_new(const struct standin_config *config, struct standin **ret_standin,
                struct error *err);
/* The state is read, and the loop runs at once. */
void standin_started(struct standin *standin);
/* The loop has ended, and its sockets are its own again; what is freed now may call into the store
 * and hang there. */
void standin_finish(struct standin *standin);
/* Once all is freed that calls into the store. NULL is fine. */
void standin_free(struct standin *standin);

#endif
