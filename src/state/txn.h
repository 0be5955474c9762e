/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions: what is written together. Loop thread only. */
#ifndef STATE_TXN_H
#define STATE_TXN_H

#include <jansson.h>
#include <stdbool.h>

#include "base/str.h"
#include "ledger/draft.h"
#include "ledger/ledger.h"
#include "model/gpu_record.h"
#include "state/plan_note.h"

struct manager;

/* Claims, plans, records and events that are stored together: a draft of the ledger, and what the
 * manager notes once it is stored. */
struct txn {
    struct manager *manager;
    struct draft draft;
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
void txn_event(struct txn *txn, const char *kind, const char *subject, const char *author,
               const char *fmt, ...) PRINTF_ATTR(5, 6);
/* Stores all of it, or nothing and returns the first error. Ends the transaction either way. */
int txn_commit(struct txn *txn, struct error *err);
/* The ledger has changed: manager->claims and manager->gpu_records are what it has. */
void manager_follow_ledger(struct manager *m);

/* One event on its own; a store that fails is logged. */
void manager_event(struct manager *m, const char *kind, const char *subject, const char *author,
                   const char *fmt, ...) PRINTF_ATTR(5, 6);

#endif
