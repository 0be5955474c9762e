/* SPDX-License-Identifier: Apache-2.0 */
/* Admission of a claim by any GPU of the host that it selects. Private to src/plan. */
#ifndef PLAN_ADMIT_SEARCH_H
#define PLAN_ADMIT_SEARCH_H

#include "place/place.h"
#include "plan/admit.h"
#include "plan/options.h"

struct admit_search {
    const struct planner *planner;
    const struct claim *claim;
    struct options options;
    struct admitted admitted; /* by the GPU that was chosen, in the words of its first option */
};

/* Lists the claim's options, which admit_search_done() frees. */
void admit_search_begin(struct admit_search *search, const struct planner *planner,
                        const struct claim *claim);
void admit_search_done(struct admit_search *search);
/* Of the host's GPUs, in their order, the first that admits the claim. Borrows `search`. */
struct place_question admit_search_question(struct admit_search *search);

#endif
