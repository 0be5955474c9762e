/* SPDX-License-Identifier: Apache-2.0 */
/* Licences that a plan's new claims need beyond the pools: by the pool's policy the plan is
 * refused, or says so. What makes no new claim is never refused: a VM that has its claim goes on,
 * and whether its guest gets a licence is for NVIDIA's licence server to say. Loop thread only. */
#ifndef TURN_PLAN_LICENCES_H
#define TURN_PLAN_LICENCES_H

#include "base/error.h"

struct change;
struct manager;
struct plan;
struct txn;

/* -NO_LICENCE, or 0; then the plan's warnings say which pools lack licences, each once. `change`
 * NULL: one of cleaved's own, which is not refused. */
int plan_licences_check(const struct manager *m, const struct change *change, struct plan *plan,
                        struct error *err);
/* In the transaction that reserves the plan: an event for each pool that lacks licences then. */
void plan_licences_reserve(struct txn *txn, const struct plan *plan);

#endif
