/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a migration takes and how long the guest stands still, from what is known before. The
 * formula and where it comes from are in docs/howto/migration.md.
 */
#ifndef PLAN_ESTIMATE_H
#define PLAN_ESTIMATE_H

#include "model/migration.h"

/* QEMU's default for the longest stop that it aims at (qapi/migration.json, downtime-limit). */
#define ESTIMATE_DEFAULT_DOWNTIME_MS 300

/* Fills the outcome from the four inputs. Without a link speed nothing is known; each other
 * input counts as 0 where it is unknown. A guest that changes memory faster than it is sent never
 * converges. max_downtime_ms 0: the default. */
void estimate_fill(struct migration_estimate *estimate, uint64_t max_downtime_ms);

#endif
