/* SPDX-License-Identifier: Apache-2.0 */
/* From a plan to its run, and requests about plans. Loop thread only. */
#ifndef TURN_PLANS_H
#define TURN_PLANS_H

#include <stddef.h>

#include "service/service.h"
#include "state/state.h"

struct change;
struct txn;

/* Takes the plan: shows it (dry run), or reserves it in one transaction, replies and runs it. */
void change_carry_out(struct change *change, struct plan *plan);
/* For who has the turn: takes the plan, stores and runs it. `fn` may be called before this returns,
 * with an error. */
void plans_run(struct manager *m, struct plan *plan, plan_end_fn *fn, void *data);
/* Puts into the transaction that the author wants the plan, which is not over, cancelled. */
void txn_cancel_plan(struct txn *txn, const struct plan *plan, const char *author);
/* For the runner: a step has changed its state. */
void plans_note_progress(const struct plan *plan, size_t step, void *data);

/* Verbs (service/verbs.def). */
verb_fn verb_list_plans, verb_get_plan;

#endif
