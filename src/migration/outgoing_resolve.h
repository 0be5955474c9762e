/* SPDX-License-Identifier: Apache-2.0 */
/* A person's word on where a VM is whose target does not answer. Loop thread only. */
#ifndef MIGRATION_OUTGOING_RESOLVE_H
#define MIGRATION_OUTGOING_RESOLVE_H

#include "service/service.h"

struct outgoing;

/* Asks whether what a person said can be true, and goes on from there. */
void outgoing_resolve(struct outgoing *outgoing);

/* Verbs (service/verbs.def). */
verb_fn verb_resolve_migration;

#endif
