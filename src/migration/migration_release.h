/* SPDX-License-Identifier: Apache-2.0 */
/* The plan that gives back what a migration has on this host. Loop thread only. */
#ifndef MIGRATION_MIGRATION_RELEASE_H
#define MIGRATION_MIGRATION_RELEASE_H

#include "model/migration.h"

struct manager;

/* Releases those of the claims that are stored. */
int migration_release_plan(const struct manager *m, const struct migration_devices *devices,
                           const char *author, const char *reason, struct plan **ret_plan,
                           struct error *err);

#endif
