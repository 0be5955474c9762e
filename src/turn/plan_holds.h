/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan has in hand, and what refuses one before its first step. Loop thread only. */
#ifndef TURN_PLAN_HOLDS_H
#define TURN_PLAN_HOLDS_H

struct error;
struct manager;
struct parked;
struct plan;

/* Takes the holds of a plan that runs: its GPUs, and the VMs whose definitions it changes. */
void plan_holds_take(struct manager *m, const struct plan *plan);
/* What refuses a plan of that operation before its first step: a hold, or -UNAVAILABLE for a port
 * that does not answer. */
int plan_holds_check(const struct manager *m, const char *operation, const struct plan *plan,
                     struct error *err);
/* Takes the plan's holds as one that waits. */
void plan_holds_take_parked(struct manager *m, const struct parked *parked);

#endif
