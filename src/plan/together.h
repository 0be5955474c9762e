/* SPDX-License-Identifier: Apache-2.0 */
/* What one VM may have together. Private to src/plan. */
#ifndef PLAN_TOGETHER_H
#define PLAN_TOGETHER_H

#include "plan/admit.h"

/* May the claim, resolved for a GPU, join the VM's other claims that have or wait for a vGPU:
 * stored ones that the request leaves, and those that it brings? 0, or -RULE naming both. */
int together_check(const struct planner *planner, const struct plan_request *request,
                   const struct admitted *admitted, struct error *err);

#endif
