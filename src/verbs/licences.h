/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about licences: what is in use, the ledger of use, pools. Loop thread only. */
#ifndef VERBS_LICENCES_H
#define VERBS_LICENCES_H

#include "service/service.h"

/* Verbs (service/verbs.def). */
verb_fn verb_list_licences, verb_list_licence_usage, verb_set_licence_pool,
    verb_delete_licence_pool;

#endif
