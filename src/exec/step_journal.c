/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/step_journal.h"

#include "exec/made.h"

/* In the ledger's turn. */
static void put_entry(void *data)
{
    struct step_journal *journal = data;
    struct draft draft;
    draft_begin(&draft, journal->ledger);
    if (journal->whole) {
        draft_put_plan(&draft, journal->plan);
    } else {
        draft_put_step(&draft, journal->plan->id, journal->at,
                       &journal->plan->steps.items[journal->at]);
    }
    if (journal->has_done) {
        made_note(&draft, &journal->done);
    }
    draft_commit_then(&draft, journal->then, journal->data);
}

void step_journal_put(struct step_journal *journal, const struct plan *plan, size_t at,
                      const struct step *done)
{
    journal->plan = plan;
    journal->at = at;
    journal->whole = false;
    journal->has_done = done != NULL;
    if (done != NULL) {
        journal->done = *done;
    }
    ledger_take_turn(journal->ledger, put_entry, journal);
}

void step_journal_put_plan(struct step_journal *journal, const struct plan *plan)
{
    journal->plan = plan;
    journal->whole = true;
    journal->has_done = false;
    ledger_take_turn(journal->ledger, put_entry, journal);
}
