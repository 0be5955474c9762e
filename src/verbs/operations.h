/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about operations of all kinds. Loop thread only. */
#ifndef VERBS_OPERATIONS_H
#define VERBS_OPERATIONS_H

#include <jansson.h>

#include "service/service.h"

/* {"operations": […]}, newest first: those that the request's kind, state and subject say. */
json_t *operations_list(const struct manager *m, const struct request *request);

/* Verbs (service/verbs.def). */
verb_fn verb_list_operations, verb_get_operation, verb_cancel_operation;

#endif
