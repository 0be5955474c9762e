/* SPDX-License-Identifier: Apache-2.0 */
/* Restorations in the store: each is an operation's record, with how long it may try as its body.
 * Loop thread only. */
#ifndef RESTORE_RESTORE_RECORD_H
#define RESTORE_RESTORE_RECORD_H

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"
#include "operation/operation.h"
#include "restore/boot_end.h"

struct manager;
struct txn;

struct restore_record {
    uint64_t timeout_us; /* from its beginning, or from the start that goes on with it */
};
int restore_record_read(const json_t *body, struct restore_record *ret_record, struct error *err);

/* Stores the restoration as it is now, and with it what becomes of the boot, in the ledger's turn.
 * A failure is logged. */
void restore_record_store(struct manager *m, const struct operation *operation,
                          enum boot_fate fate);
/* Puts into the transaction that it is to be cancelled, and the boot's restoration given up. */
void restore_record_put_cancel(struct txn *txn, const struct operation *operation);

#endif
