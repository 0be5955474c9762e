/* SPDX-License-Identifier: Apache-2.0 */
/* Why a claim went to none of the GPUs: each that was passed over, and what stands on it. Private
 * to src/plan. */
#ifndef PLAN_PASSED_OVER_H
#define PLAN_PASSED_OVER_H

#include "place/place.h"
#include "plan/work.h"

struct passed_over {
    const struct planner *planner;
    const struct place_question *question; /* of candidates that are the host's GPUs by number */
    const struct place_answer *answer;     /* a refusal */
    const struct gpu_work *works; /* NULL: the claim was let on none, whatever stands there */
};

/* Takes the most telling refusal for the claim's, and adds what stands on that GPU and why the
 * others were passed over: the first few, and the number of the rest. */
void passed_over_tell(const struct passed_over *passed, const struct claim *claim,
                      struct error *err);

#endif
