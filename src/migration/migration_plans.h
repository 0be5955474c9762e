/* SPDX-License-Identifier: Apache-2.0 */
/* Plans of migrations: what is stored with one, and what its end means. Loop thread only. */
#ifndef MIGRATION_MIGRATION_PLANS_H
#define MIGRATION_MIGRATION_PLANS_H

#include "state/listeners.h"

extern const struct plan_follower migrations_follow_plans;

#endif
