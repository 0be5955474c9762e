/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims of a restoration (restore_run.h) whose GPU is not on this host. They stay bound, so that a
 * board that is put back brings them along. One with a need is chosen again within that, once all
 * that is there is restored and the GPU is gone for certain. Loop thread only.
 */
#ifndef RESTORE_RESTORE_ABSENT_H
#define RESTORE_RESTORE_ABSENT_H

#include "restore/restore_run.h"

/* Lists them as the host is now; what an attempt has said of one stays. */
void restore_absent_find(const struct manager *m, struct restore_run *run);
/* The plan that gives the next one another device, the caller's; NULL: there is none, and each one
 * says why. Each is tried once. */
struct plan *restore_absent_next_plan(const struct planner *planner, struct restore_run *run);
/* The plan of the one that was tried last has ended, or (NULL) was not begun: `why`. */
void restore_absent_plan_ended(struct restore_run *run, const struct plan *plan,
                               const struct error *why);

#endif
