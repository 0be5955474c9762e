/* SPDX-License-Identifier: Apache-2.0 */
/* A claim resolved against one GPU: its model, type, profile and mode, and the rules it must keep
 * there. Private to src/plan. */
#ifndef PLAN_ADMIT_H
#define PLAN_ADMIT_H

#include "plan/mode.h"
#include "plan/plan_request.h"

struct admitted {
    struct claim claim; /* spec with mode, type and profile made canonical */
    const struct gpu *gpu;
    const struct gpu_model *model;     /* NULL: not catalogued (pass-through only) */
    const struct cat_vgpu_type *type;  /* NULL without a vGPU */
    const struct cat_profile *profile; /* NULL when not on a GPU instance */
};

/* Does the claim's GPU selector (address, UUID, index or catalog key) allow this GPU? */
bool admit_selects(const struct planner *planner, const struct claim *claim, const struct gpu *gpu);

/* May the claim be served by this GPU at all (selector, type, rules)? Says nothing about room. */
int admit_on_gpu(const struct planner *planner, const struct claim *claim, const struct gpu *gpu,
                 struct admitted *ret_admitted, struct error *err);
/* The same as claim_policy() of it. */
enum scheduler_policy admit_policy(const struct admitted *admitted);

#endif
