/* SPDX-License-Identifier: Apache-2.0 */
/* The plan that takes claims away and gives back their devices. Loop thread only. */
#ifndef STATE_RELEASE_PLAN_H
#define STATE_RELEASE_PLAN_H

#include <stddef.h>

#include "base/error.h"

struct manager;
struct plan;

struct claim_release {
    const char *const *claims; /* names of stored ones */
    size_t n;
    const char *author;
    const char *reason; /* the plan's */
};

/* The caller frees the plan. As planner_build(). */
int release_plan_build(const struct manager *m, const struct claim_release *release,
                       struct plan **ret_plan, struct error *err);

#endif
