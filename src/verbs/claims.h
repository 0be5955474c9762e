/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about claims. Loop thread only. */
#ifndef VERBS_CLAIMS_H
#define VERBS_CLAIMS_H

#include "service/service.h"

/* Verbs (service/verbs.def). */
verb_fn manager_list_claims, manager_create_claim, manager_get_claim, manager_delete_claim;

#endif
