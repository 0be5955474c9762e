/* SPDX-License-Identifier: Apache-2.0 */
/* Operations in the store: how one is put there, and how they are found at a start. Loop thread
 * only. */
#ifndef STATE_STORED_OPERATIONS_H
#define STATE_STORED_OPERATIONS_H

#include "operation/operation.h"

struct manager;
struct txn;

/* The operation's record, with its kind's document: how it will be once that is stored. */
void txn_put_operation(struct txn *txn, const struct operation_view *view, const json_t *body);
/* Hands all that are not over, and the latest that are, to their kinds (listeners->kinds), the
 * oldest of a kind first. What of them goes on: operations_resume(). */
int stored_operations_load(struct manager *m, struct error *err);
/* One that is not in memory; also on the ledger's thread: false and 0 when the store has none of
 * that id either. */
int stored_operations_view(const struct manager *m, const char *id, bool *ret_found,
                           struct operation_view *ret_view, struct error *err);

#endif
