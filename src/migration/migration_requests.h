/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about migrations that this host leads. Loop thread only. */
#ifndef MIGRATION_MIGRATION_REQUESTS_H
#define MIGRATION_MIGRATION_REQUESTS_H

#include "base/remote.h"
#include "service/service.h"

/* May these be named by who asks? `peer` and `migrate_uri` may be "". */
int migrations_check_target(const char *destination, const char *peer, const char *migrate_uri,
                            enum remote_rights rights, struct error *err);

/* Verbs (service/verbs.def). */
verb_fn verb_list_migrations, verb_migrate_vm, verb_get_migration, verb_cancel_migration;

#endif
