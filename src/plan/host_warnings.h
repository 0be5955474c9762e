/* SPDX-License-Identifier: Apache-2.0 */
/* What rules say of a host, its GPUs and their guests, whatever is claimed. */
#ifndef PLAN_HOST_WARNINGS_H
#define PLAN_HOST_WARNINGS_H

#include <jansson.h>

#include "plan/planner.h"

/* [{"rule", "gpu", "text", "hint", "others"}]: each broken rule once, with the first GPU that
 * breaks it (null: the host itself) and the number of the other ones. */
json_t *host_warnings(const struct planner *planner);

#endif
