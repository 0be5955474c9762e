/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about claims. Loop thread only. */
#ifndef VERBS_CLAIMS_H
#define VERBS_CLAIMS_H

#include "service/service.h"
#include "verbs/questions.h"

answer_fn answer_claims;

/* Verbs (service/verbs.def). */
verb_fn verb_list_claims, verb_create_claim, verb_get_claim, verb_delete_claim;

#endif
