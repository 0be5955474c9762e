/* SPDX-License-Identifier: Apache-2.0 */
/* While something is on its way to the store: what a look shows of GPUs is left alone until the
 * ledger is free, for looks show it again; and what can't be waited for is refused. */
#include "state/notes.h"

#include "base/clock.h"
#include "state/lateness.h"
#include "state/listeners.h"
#include "state/state.h"

/* A commit that takes so long may take for ever: no request waits behind it. */
#define STORE_PATIENCE_US 5000000

/* A store that fails is asked again at the next look. */
static void note_again(void *data)
{
    struct manager *m = data;
    m->notes_due = false;
    if (!m->stopping && m->host != NULL && m->commit_problem.reason == REASON_NONE) {
        m->listeners->note_again(m);
    }
}

int notes_check_store(const struct manager *m, struct error *err)
{
    char at[WHEN_SIZE];
    uint64_t busy_us = store_busy_since();
    (void)m;
    if (busy_us == 0 || clock_monotonic_us() < busy_us + STORE_PATIENCE_US) {
        return 0;
    }
    error_set(
        err, REASON_UNAVAILABLE, "store",
        "the disk of the state directory has not answered since %s, so cleaved can change nothing",
        lateness_when(busy_us, at));
    error_hint(err, "earlier requests wait for the disk; try again once it answers");
    return -REASON_UNAVAILABLE;
}

bool notes_may_store(struct manager *m)
{
    bool may = !ledger_is_busy(m->ledger);
    if (!may && !m->notes_due) {
        m->notes_due = true;
        ledger_take_turn(m->ledger, note_again, m);
    }
    return may;
}
