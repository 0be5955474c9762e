/* SPDX-License-Identifier: Apache-2.0 */
/* Plans that wait for a call which does not come back. Loop thread only. */
#ifndef TURN_PARKED_H
#define TURN_PARKED_H

#include <stdbool.h>
#include <stddef.h>

#include "exec/runner.h"

struct manager;

/* For the runner: the step at `at` does not come back. */
void manager_plan_parked(struct plan *plan, size_t at, void *data);
/* For the runner: a call that did not come back has. */
void manager_port_returned(enum port_kind port, void *data);
/* When the turn is free: the first of them that can go on takes it. */
bool manager_resume_parked(struct manager *m);
void manager_free_parked(struct manager *m);

#endif
