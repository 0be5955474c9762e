/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about operations of all kinds. Loop thread only. */
#ifndef VERBS_OPERATIONS_H
#define VERBS_OPERATIONS_H

#include "service/service.h"

/* Verbs (service/verbs.def). */
verb_fn verb_list_operations, verb_get_operation, verb_cancel_operation;

#endif
