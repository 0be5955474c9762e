/* SPDX-License-Identifier: Apache-2.0 */
/* One call at a time on a thread of its own, which the loop may wait for: what the store does while
 * the loop turns. Loop thread only. */
#ifndef LEDGER_ASIDE_H
#define LEDGER_ASIDE_H

#include "base/evloop.h"

struct aside;

struct aside_call {
    evloop_fn *work;  /* on the thread */
    evloop_fn *ended; /* on the loop, when it is known that the work has ended: before anything
                         that waited for that */
    evloop_fn *done;  /* on the loop, from its own turn: the last of the three */
    void *data;
};

/* 0 or -errno. */
int aside_new(struct evloop *loop, struct aside **ret_aside);
/* Waits for the call under way, and runs its `done`. */
void aside_free(struct aside *aside);
/* No call may be under way: see aside_settle(). */
void aside_begin(struct aside *aside, const struct aside_call *call);
/* Waits until the call under way has ended, if there is one; its `done` comes later. NULL: nothing.
 * The call itself waits for nothing. */
void aside_settle(struct aside *aside);

#endif
