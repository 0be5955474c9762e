/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about operations of all kinds. Loop thread only. */
#ifndef VERBS_OPERATIONS_H
#define VERBS_OPERATIONS_H

#include "service/service.h"

/* Verbs (service/verbs.def). */
verb_fn manager_list_operations, manager_get_operation, manager_cancel_operation;

#endif
