/* SPDX-License-Identifier: Apache-2.0 */
/* The record of what cleave made follows the steps that are done. */
#ifndef EXEC_MADE_H
#define EXEC_MADE_H

#include "ledger/draft.h"
#include "model/made.h"

/* The step (or, of one that was taken back, its undo) was done on the hardware: the thing it made
 * is recorded, what it took away is forgotten. Loop thread. */
void made_note(struct draft *draft, const struct step *step);
/* The plan is over: what it made, or could not take away, is recorded, whatever the journal missed
 * of it. What isn't there after all is let go of by the next look. Loop thread. */
void made_note_plan(struct draft *draft, const struct plan *plan);

#endif
