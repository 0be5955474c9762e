/* SPDX-License-Identifier: Apache-2.0 */
/* A drain at work. Loop thread only. */
#ifndef DRAIN_DRAIN_ADVANCE_H
#define DRAIN_DRAIN_ADVANCE_H

#include "drain/drain_run.h"

/* Answers a dry run with the verdicts; else begins. */
void drain_planned(struct drain_run *d);

/* Does what comes next. */
void drain_advance(struct operation *operation);

#endif
