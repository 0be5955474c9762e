/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a plan. Loop thread only. */
#ifndef TURN_PLAN_END_H
#define TURN_PLAN_END_H

struct manager;
struct plan;
struct txn;

/* A plan that has ended: what becomes of it, its claims and its GPUs. */
void txn_end_plan(struct txn *txn, const struct plan *plan);
/* Before it runs: which claims are without their devices already, so that a lack of theirs is no
 * failure of the plan? */
void plan_end_note_lacking(const struct manager *m, struct plan *plan);
/* For the runner: the plan has ended. */
void plan_end_done(struct plan *plan, void *data);

#endif
