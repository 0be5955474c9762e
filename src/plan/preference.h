/* SPDX-License-Identifier: Apache-2.0 */
/* Which GPU a claim goes to first. Private to src/plan. */
#ifndef PLAN_PREFERENCE_H
#define PLAN_PREFERENCE_H

#include "plan/work.h"

/* What the claim finds on the GPU, the best last. */
enum preference_for {
    PREFERENCE_SPOKEN_FOR,   /* another claim, or another VM's definition, names all of it */
    PREFERENCE_TAKES_OTHERS, /* other GPUs of its IOMMU group would have to leave the host with it
                              */
    PREFERENCE_OTHER_MODE,   /* it is used otherwise */
    PREFERENCE_IDLE,
    PREFERENCE_RIGHT_MODE,
    PREFERENCE_BY_HAND, /* the definition of the claim's own VM names it */
    PREFERENCE_NAMED    /* the claim's device is named there already */
};

/* How well a GPU suits a claim: compared field by field. */
struct preference {
    enum preference_for what;
    size_t n_claims;  /* on it: in the right mode many are better, so that idle GPUs stay idle */
    size_t n_members; /* of its IOMMU group, when idle and passed through: few are better */
};

struct preference preference_of(const struct gpu_work *work, const struct claim *claim);
/* Is the GPU to be tried before the other one? Of equal ones neither is. */
bool preference_is_better(const struct gpu_work *work, const struct gpu_work *other,
                          const struct claim *claim);

#endif
