/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans that cleaved makes again and again, because what they are for can't be done yet: a
 * restoration, devices that are to be given back. The first one that fails is an event, and so is
 * each one that fails for another reason; between them the operation counts the attempts. Loop
 * thread only; kept in memory.
 */
#ifndef TURN_REPEATS_H
#define TURN_REPEATS_H

#include <stdbool.h>

struct manager;
struct plan;

/* Has an earlier plan for the same reason failed with the same problem, and none succeeded since?
 * It is the same for one plan however often it is asked. */
bool repeats_have(const struct manager *m, const struct plan *plan);
/* Another restoration begins: what its plans say is new. */
void repeats_forget_restorations(struct manager *m);
/* The plan has ended. */
void repeats_note(struct manager *m, const struct plan *plan);

#endif
