/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which claim has which place. A claim is bound to a board, known by its UUID. One whose UUID the
 * driver never said is known by its address alone, which in a later boot may be another board's.
 */
#ifndef PLAN_PLACES_H
#define PLAN_PLACES_H

#include "plan/planner.h"

/* The bound claim that comes out on the same device, or uses the same GPU another way. NULL: none.
 */
const struct claim *places_rival(const struct host *host, const struct claims *claims,
                                 const struct claim *claim);
/* The assignment to be stored of a bound claim whose UUID is not known: the UUID, once it is said
 * in the boot that the claim's address is of; or that another board is at the address, or may be,
 * as boards have moved since the boot before. False: nothing new. */
bool places_judge(const struct host *host, const struct claims *claims, bool moved,
                  const struct claim *claim, struct assignment *ret_got);
/* The one check that a plan gives no claim what another one keeps. Sets REASON_CONFLICT. */
int places_check_plan(const struct host *host, const struct claims *claims, const struct plan *plan,
                      struct error *err);

#endif
