/* SPDX-License-Identifier: Apache-2.0 */
/* Each VM's fate in a drain. Loop thread only. */
#ifndef DRAIN_DRAIN_PLAN_H
#define DRAIN_DRAIN_PLAN_H

#include <stdbool.h>

#include "drain/drain_run.h"
#include "model/body.h"

struct migration_request drain_migration_request(const struct drain_run *d,
                                                 const struct drain_vm *vm);

/* Adds the VMs that run here, as the last look saw them, and are not listed yet. False: more of
 * them run than one drain can list. */
bool drain_collect(struct drain_run *d);
/* Asks on; `planned` when every VM has its verdict. Any time. */
void drain_plan(struct drain_run *d, drain_planned_fn *planned);

#endif
