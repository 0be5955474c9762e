/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan's run as an operation of the spine: it shows what the store has of the plan, from each
 * transaction on that stores it. A plan goes on after a restart in its turn (turn/resume.c), not
 * with the with the spine's timer. A cancel is stored with the plan, which the runner then undoes.
 * Loop thread only.
 */
#ifndef STATE_PLAN_RUN_H
#define STATE_PLAN_RUN_H

#include "operation/operation.h"

struct manager;
struct plan;

extern const struct operation_kind plan_kind;

/* Plans that a transaction is about to store; a later one of a plan counts. */
struct plan_notes {
    struct operation_view *items;
    size_t n;
    size_t cap;
};
void plan_notes_add(struct plan_notes *notes, const struct plan *plan);
/* The notes' transaction has ended, and is stored or not. Nothing is left of them. */
void plan_notes_end(struct plan_notes *notes, struct manager *m, bool stored);

/* Shows the plan as it is in memory, with no transaction: one that goes on after a restart. */
void plan_run_follow(struct manager *m, const struct plan *plan);
/* One that runs, waits or whose end is on its way to the store; NULL: it is over. */
const struct plan *plan_run_find(const struct manager *m, const char *id);

#endif
