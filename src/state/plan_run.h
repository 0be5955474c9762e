/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan's run as an operation of the spine: what is shown of it is noted with each transaction
 * that stores the plan, once that is stored. The latest are remembered; older ones are read from
 * the store. A plan goes on after a restart in its turn (turn/resume.c), not with the spine's
 * timer, and the runner undoes it on its own: it can't be cancelled. Loop thread only.
 */
#ifndef STATE_PLAN_RUN_H
#define STATE_PLAN_RUN_H

#include "state/plan_note.h"

#define MAX_PLANS_LISTED 100

struct manager;

/* The notes' transaction has ended, and is stored or not. Nothing is left of them. */
void plan_notes_end(struct plan_notes *notes, struct manager *m, bool stored);

/* The plan is as it is, and that is not stored: it goes on. */
void plan_run_follow(struct manager *m, const struct plan *plan);
/* Loads the latest plans that the store has. */
int plan_runs_load(struct manager *m, struct error *err);
/* One that is not remembered any more: false and 0 when the store has none of that id either. */
int plan_run_load(const struct manager *m, const char *id, bool *ret_found,
                  struct operation_view *ret_view, struct error *err);

#endif
