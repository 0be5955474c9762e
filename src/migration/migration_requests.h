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
verb_fn manager_list_migrations, manager_migrate_vm, manager_get_migration,
    manager_cancel_migration;

#endif
