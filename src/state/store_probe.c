/* SPDX-License-Identifier: Apache-2.0 */
#include "state/store_probe.h"

#include "base/clock.h"
#include "state/state.h"
#include "state/txn.h"

void store_probe_open(struct manager *m)
{
    const struct error *problem = m->config.store->problem;
    if (problem != NULL) {
        m->commit_problem = *problem;
        m->commit_failed_us = clock_monotonic_us();
    }
}

/* What the store answered is noted with each transaction (txn.c). */
static void probed(const struct error *err, void *data)
{
    (void)err;
    ((struct manager *)data)->store_probed = false;
}

static void probe(void *data)
{
    struct manager *m = data;
    if (m->commit_problem.reason == REASON_NONE) {
        m->store_probed = false; /* another transaction was stored meanwhile */
        return;
    }
    struct txn txn;
    txn_begin(&txn, m);
    txn_commit_then(&txn, probed, m);
}

void store_probe_run(struct manager *m)
{
    if (m->commit_problem.reason != REASON_NONE && !m->store_probed && !m->stopping) {
        m->store_probed = true;
        ledger_take_turn(m->ledger, probe, m);
    }
}
