/* SPDX-License-Identifier: Apache-2.0 */
/* Candidates of a mode: each type or profile that a board has for it, judged against a need. */
#ifndef ADVISE_CANDIDATE_H
#define ADVISE_CANDIDATE_H

#include "advise/advise.h"

struct candidate {
    const struct cat_vgpu_type *type;
    const struct cat_profile *profile;
    uint32_t memory_mib; /* as the need counts it; CAT_UNKNOWN */
    uint32_t slices;     /* of compute; 0 without a GPU instance */
    uint32_t per_gpu;    /* CAT_UNKNOWN */
    licence_set licences;
    bool whole;
    bool enough; /* memory and compute; what is too small is no reason to be given */
    struct checks broken;
};
struct candidates {
    struct candidate *items;
    size_t n;
    size_t cap;
};

/* What the mode has on that board, the smallest first; types for graphics and for compute as the
 * need asks. */
void candidates_judge(const struct rules *rules, const struct gpu_model *model,
                      const struct need *need, enum claim_mode mode,
                      struct candidates *ret_candidates);
void candidates_done(struct candidates *candidates);

#endif
