/* SPDX-License-Identifier: Apache-2.0 */
/* The record of what cleave made follows the steps that are done. */
#ifndef EXEC_MADE_H
#define EXEC_MADE_H

#include "model/made.h"
#include "store/store.h"

/* Does a step of that kind change the record? */
bool made_is_changed_by(enum step_kind kind);
/* The step (or, of one that was taken back, its undo) was done on the hardware: the thing it made
 * is recorded, what it took away is forgotten. Within the caller's transaction. Loop thread. */
int made_note(struct store *store, const struct step *step, struct error *err);
/* The plan is over: what it made, or could not take away, is recorded, whatever the journal missed
 * of it. What isn't there after all is let go of by the next look. Within the caller's transaction.
 * Loop thread. */
int made_note_plan(struct store *store, const struct plan *plan, struct error *err);

#endif
