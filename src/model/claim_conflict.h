/* SPDX-License-Identifier: Apache-2.0 */
/* Words of a claim that contradict each other, or its need, whichever GPUs there are. */
#ifndef MODEL_CLAIM_CONFLICT_H
#define MODEL_CLAIM_CONFLICT_H

#include "model/claim.h"

struct claim_conflict {
    const char *word, *other; /* keys of its JSON form; "need." before those of its need */
    const char *why;
    bool (*holds)(const struct claim *claim);
};
/* NULL: there is none. What depends on boards is the planner's to judge. */
const struct claim_conflict *claim_find_conflict(const struct claim *claim);

#endif
