/* SPDX-License-Identifier: Apache-2.0 */
/* The state machines of steps, plans and claims: which state may follow which. */
#ifndef EXEC_STATES_H
#define EXEC_STATES_H

#include "base/sm.h"
#include "model/claim.h"
#include "model/plan.h"

extern const struct sm_type step_machine;
extern const struct sm_type plan_machine;
extern const struct sm_type claim_machine;

/* Abort on a move that the table lacks: that is a bug. */
void step_move(struct step *step, enum step_state to);
void plan_move(struct plan *plan, enum plan_state to);
void claim_move(struct claim *claim, enum claim_state to);

#endif
