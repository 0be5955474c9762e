/* SPDX-License-Identifier: Apache-2.0 */
/* The manager's state as the planner sees it. Loop thread only. */
#ifndef STATE_PLANNER_VIEW_H
#define STATE_PLANNER_VIEW_H

#include "plan/planner.h"

struct manager;

struct planner planner_view(const struct manager *m);

#endif
