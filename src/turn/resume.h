/* SPDX-License-Identifier: Apache-2.0 */
/* Plans that were begun go on. Loop thread only. */
#ifndef TURN_RESUME_H
#define TURN_RESUME_H

struct manager;
struct plan;

/* Goes on with the plans found unfinished, oldest first, then with the queue. */
void resume_all(struct manager *m);
/* Something that waits may go on now: it takes the turn, if that is free. */
void resume_if_free(struct manager *m);
/* With the turn: takes a plan that was begun, and goes on with it. */
void resume_plan(struct manager *m, struct plan *plan);

#endif
