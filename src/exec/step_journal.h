/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of the plan that runs: its steps' states, each stored together with what the step
 * made, or took away, on the hardware. One entry at a time. Loop thread only.
 */
#ifndef EXEC_STEP_JOURNAL_H
#define EXEC_STEP_JOURNAL_H

#include <stdbool.h>

#include "ledger/draft.h"
#include "model/plan.h"

struct step_journal {
    struct ledger *ledger;
    draft_done_fn *then; /* the entry is stored, or can't be */
    void *data;
    /* The entry on its way; the plan lives until `then`: */
    const struct plan *plan;
    size_t at;
    bool whole; /* the plan, else the step */
    bool has_done;
    struct step done; /* what was done on the hardware */
};

/* Writes that step of the plan, together with what it made, or took away: `done` (may be NULL) is
 * what was done on the hardware. */
void step_journal_put(struct step_journal *journal, const struct plan *plan, size_t at,
                      const struct step *done);
/* Writes the plan with all its steps. */
void step_journal_put_plan(struct step_journal *journal, const struct plan *plan);

#endif
