/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of another host about a VM that comes in. Loop thread only. */
#ifndef MIGRATION_INCOMING_REQUESTS_H
#define MIGRATION_INCOMING_REQUESTS_H

#include "service/service.h"

/* Verbs (service/verbs.def). */
verb_fn verb_get_incoming, verb_commit_incoming;

#endif
