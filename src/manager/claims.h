/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about claims. Private to src/manager; loop thread only. */
#ifndef MANAGER_CLAIMS_H
#define MANAGER_CLAIMS_H

#include "service/service.h"

/* Verbs (service/verbs.def). */
verb_fn manager_list_claims, manager_create_claim, manager_get_claim, manager_delete_claim;

#endif
