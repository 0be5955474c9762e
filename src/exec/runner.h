/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs one plan at a time, step by step: check, journal "running", apply with read-back, journal
 * "done". On failure it undoes in reverse (of a plan that is not undone: the failed step alone).
 * A step that can't be taken back (a reset) is passed over. A plan that is cancelled is undone so
 * between two of its steps. The only caller of port->apply. After a crash, runner_resume() goes
 * forward from the step that was running (apply is idempotent) and undoes all if that can't be
 * done, or if the plan was cancelled. Runs on the loop; port calls go to the workers, and the
 * journal is written while the loop turns (draft_commit_then()).
 */
#ifndef EXEC_RUNNER_H
#define EXEC_RUNNER_H

#include "base/evloop.h"
#include "exec/ports.h"
#include "ledger/ledger.h"
#include "model/plan.h"

struct runner;

/* Called on the loop: after each step change, and at the end (plan_is_over(), not stored yet: the
 * receiver stores it together with what becomes of the claims). */
typedef void runner_progress_fn(const struct plan *plan, size_t step, void *data);
typedef void runner_done_fn(struct plan *plan, void *data); /* takes the plan */
/* The call of that step has not come back in time. Takes the plan, which is to be resumed once the
 * port has `returned`; until then other plans may run, but for those that need that port or touch
 * what this one has in hand. */
typedef void runner_parked_fn(struct plan *plan, size_t step, void *data);
typedef void runner_returned_fn(enum port_kind port, void *data);
/* Called when every step of a plan is done, before its end. False: it may end. True: the receiver
 * looks first, may append steps to the plan, and then calls runner_settled(). */
typedef bool runner_settle_fn(struct plan *plan, void *data);

struct runner_config {
    struct evloop *loop;
    struct worker *workers[PORT_GUEST + 1]; /* by enum port_kind; may be one for all */
    struct ledger *ledger;
    struct ports ports;
    runner_progress_fn *progress;
    runner_done_fn *done;
    runner_parked_fn *parked; /* NULL: a plan waits as long as it takes */
    runner_returned_fn *returned;
    uint64_t patience_us[PORT_GUEST + 1];
    runner_settle_fn *settle; /* NULL: a plan whose steps are done ends */
    void *data;
};

struct runner *runner_new(const struct runner_config *config);
void runner_free(struct runner *runner);
/* The plan in hand is undone once the step under way has ended: its cancel is stored, and
 * plan_check_cancel() allowed it in the same turn of the ledger. */
void runner_cancel(struct runner *runner, const char *author);
/* Starts no further step; the one that is being applied still gets journalled. */
void runner_halt(struct runner *runner);
bool runner_busy(const struct runner *runner);
/* Has a call of a parked plan not come back from that port? */
bool runner_waits_for(const struct runner *runner, enum port_kind port);
/* A call of that port that is under way is late now, whatever the patience: for tests, which need
 * no time to pass then. */
void runner_lose_patience(struct runner *runner, enum port_kind port);
/* Takes the plan, which must be in the store as PLAN_RUNNING already. */
void runner_start(struct runner *runner, struct plan *plan);
/* The same for a plan found unfinished at start. */
void runner_resume(struct runner *runner, struct plan *plan);
/* The answer to `settle`: the plan goes on with what was appended, or ends as done; with `err` it
 * ends as failed. */
void runner_settled(struct runner *runner, const struct error *err);

#endif
