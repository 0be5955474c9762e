/* SPDX-License-Identifier: Apache-2.0 */
/* A GPU as a candidate for a claim: what place/place.h is asked with. Private to src/plan. */
#ifndef PLAN_CANDIDATE_H
#define PLAN_CANDIDATE_H

#include "place/place.h"
#include "place/preference.h"
#include "plan/work.h"

/* The keys by which GPUs are tried for the claim (place/preference.h), from what stands there now.
 */
void candidate_score(const struct gpu_work *work, const struct claim *claim,
                     uint32_t keys[PREFERENCE_KEYS]);

#endif
