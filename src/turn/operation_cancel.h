/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to cancel an operation. Loop thread only. */
#ifndef TURN_OPERATION_CANCEL_H
#define TURN_OPERATION_CANCEL_H

#include <jansson.h>

#include "operation/operation.h"
#include "service/service.h"

/* The answer, once it is being cancelled; of a dry run, that it would be. */
typedef json_t *cancel_show_fn(struct manager *m, const struct operation *operation);

/* Answers the request, which was called in the ledger's turn (txn_call_in_turn()): refuses it,
 * or stores that the operation is to be cancelled, and answers with what `show` makes of it. */
void operation_cancel_for(struct manager *m, struct operation *operation,
                          const struct request *request, cancel_show_fn *show);

#endif
