/* SPDX-License-Identifier: Apache-2.0 */
/* Why a claim went to none of the GPUs: each that was passed over, and what stands on it. Private
 * to src/plan. */
#ifndef PLAN_PASSED_OVER_H
#define PLAN_PASSED_OVER_H

#include "plan/work.h"

struct passed {
    const struct gpu *gpu;
    const struct gpu_work *work; /* NULL: the claim was not let on it, whatever stands there */
    struct error why;
};

struct passed_over {
    const struct planner *planner;
    VEC(struct passed) items;
};

void passed_over_done(struct passed_over *passed);
/* Notes that the GPU can't serve the claim, and why. `work` may be NULL. */
void passed_over_add(struct passed_over *passed, const struct gpu *gpu, const struct gpu_work *work,
                     const struct error *why);
/* Takes the refusal of the GPU that was noted as `best` for the claim's, and adds what stands on
 * that GPU and why the others were passed over: the first few, and the number of the rest. */
void passed_over_tell(const struct passed_over *passed, size_t best, const struct claim *claim,
                      struct error *err);

#endif
