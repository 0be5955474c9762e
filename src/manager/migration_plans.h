/* SPDX-License-Identifier: Apache-2.0 */
/* Plans of migrations: what is stored with one, and what its end means. Private to src/manager;
 * loop thread only. */
#ifndef MANAGER_MIGRATION_PLANS_H
#define MANAGER_MIGRATION_PLANS_H

#include "manager/listeners.h"

extern const struct plan_follower migrations_follow_plans;

#endif
