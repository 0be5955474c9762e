/* SPDX-License-Identifier: Apache-2.0 */
/* What one VM may have together. Private to src/plan. */
#ifndef PLAN_TOGETHER_H
#define PLAN_TOGETHER_H

#include "plan/work.h"

/* How far the plan is. */
struct together {
    const struct plan_request *request;
    const struct gpu_work *works; /* of all GPUs: what was added there */
    size_t n_works;
    const struct plan *plan; /* what is reserved; NULL: nothing yet */
};

/* May the claim, resolved for a GPU, join the VM's other claims that have or wait for a vGPU:
 * stored ones that the request leaves, and those that it brings? Each as the plan so far has it.
 * 0, or -RULE naming both. */
int together_check(const struct planner *planner, const struct together *now,
                   const struct admitted *admitted, struct error *err);

#endif
