/* SPDX-License-Identifier: Apache-2.0 */
/* What the ledger's thread does while the loop turns: it stores a change, or reads. One call at a
 * time, each in a turn of the ledger, so that none of it meets another change. Loop thread only. */
#ifndef LEDGER_LATER_H
#define LEDGER_LATER_H

#include "base/evloop.h"

struct ledger;

struct later_call {
    evloop_fn *work;  /* on the thread */
    evloop_fn *ended; /* on the loop, once it is known that the work has ended; NULL: nothing */
    evloop_fn *done;  /* on the loop, with the turn: what follows may begin the next change */
    void *data;
};

/* For who has the turn, and of a ledger with a thread. */
void later_begin(struct ledger *ledger, const struct later_call *call);
/* Takes a turn, and there reads: `work` may call ledger_load_*() and read the ledger's fields, and
 * nothing else; then `done` is called. Both at once if the ledger has no thread. */
void later_read(struct ledger *ledger, evloop_fn *work, evloop_fn *done, void *data);
/* Waits for the call under way, and calls its `done`; false: there was none. */
bool later_settle(struct ledger *ledger);

#endif
