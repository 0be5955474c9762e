/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions: what is written together. Loop thread only. */
#ifndef STATE_TXN_H
#define STATE_TXN_H

#include <jansson.h>
#include <stdbool.h>

#include "base/str.h"
#include "ledger/draft.h"
#include "ledger/ledger.h"
#include "model/event.h"
#include "model/gpu_record.h"
#include "service/service.h"
#include "state/plan_run.h"
#include "state/state.h"

/* Claims, plans, records and events that are stored together: a draft of the ledger, and what the
 * manager notes once it is stored. */
struct txn {
    struct manager *manager;
    struct draft draft;
    struct lone_events lone; /* part of it, which came on their own */
    bool noted_boot, noted_made;
    struct plan_notes plans; /* that it stores */
};

void txn_begin(struct txn *txn, struct manager *m);
/* The claim takes the place of one of its name, if there is one. */
void txn_put_claim(struct txn *txn, const struct claim *claim);
void txn_delete_claim(struct txn *txn, const char *name);
void txn_put_plan(struct txn *txn, const struct plan *plan);
void txn_put_record(struct txn *txn, enum record_kind kind, const char *key,
                    const json_t *document);
void txn_event(struct txn *txn, enum event_kind kind, const char *subject, const char *author,
               const char *fmt, ...) PRINTF_ATTR(5, 6);
/* Hands it over to be stored, all of it or nothing; then `done` is called from the loop's own turn,
 * or at once if it can't be (draft_commit_then()). What was read for it must be read in the
 * ledger's turn, too: ledger_take_turn(). Ends the transaction. */
void txn_commit_then(struct txn *txn, draft_done_fn *done, void *data);
/* Stores nothing, and ends the transaction. */
void txn_drop(struct txn *txn);
/* Waits for the disk, and with it all that the loop does: for a start, and for tests. */
int txn_commit(struct txn *txn, struct error *err);
/* False: the ledger is free. Else the request is refused, or `fn` is called with the request once
 * it is; for requests that have no body. */
bool txn_call_in_turn(struct manager *m, verb_fn *fn, const struct request *request);
/* The ledger has changed: manager->claims and manager->gpu_records are what it has. */
void txn_follow_ledger(void *data);

/* Lone events that are left: stores them, once the workers have ended; and forgets them. */
void txn_finish_events(struct manager *m);
void txn_free_events(struct manager *m);
/* One event on its own. While the store fails it is kept in memory, with up to a thousand others;
 * of more, the event events-lost says how many they were. */
void txn_event_alone(struct manager *m, enum event_kind kind, const char *subject,
                     const char *author, const char *fmt, ...) PRINTF_ATTR(5, 6);

#endif
