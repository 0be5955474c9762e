/* SPDX-License-Identifier: Apache-2.0 */
/* Plans that wait for a call which does not come back. Loop thread only. */
#ifndef TURN_PARKED_H
#define TURN_PARKED_H

#include <stdbool.h>
#include <stddef.h>

#include "exec/runner.h"

struct manager;

/* For the runner: the step at `at` does not come back. */
void parked_take_plan(struct plan *plan, size_t at, void *data);
/* For the runner: a late call of that port has come back. Plans that wait for it may go on. */
void parked_port_returned(enum port_kind port, void *data);
/* When the turn is free: the first of them that can go on takes it. */
bool parked_resume(struct manager *m);
void parked_free_all(struct manager *m);

#endif
