/* SPDX-License-Identifier: Apache-2.0 */
/* A person's word on where a VM is whose target does not answer. Private to src/manager; loop
 * thread only. */
#ifndef MANAGER_MIGRATION_RESOLVE_H
#define MANAGER_MIGRATION_RESOLVE_H

#include "service/service.h"

struct move;

/* Asks whether what a person said can be true, and goes on from there. */
void move_resolve(struct move *move);

/* Verbs (service/verbs.def). */
verb_fn manager_resolve_migration;

#endif
