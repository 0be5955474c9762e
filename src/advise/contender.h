/* SPDX-License-Identifier: Apache-2.0 */
/* Contenders of a mode: each type or profile that a board has for it, judged against a need. */
#ifndef ADVISE_CONTENDER_H
#define ADVISE_CONTENDER_H

#include "base/str.h"
#include "catalog/catalog.h"
#include "model/check.h"
#include "model/claim.h"
#include "model/need.h"
#include "rules/rules.h"

struct contender {
    const struct cat_vgpu_type *type;
    const struct cat_profile *profile;
    uint32_t memory_mib; /* as the need counts it; CAT_UNKNOWN */
    uint32_t unseen_mib; /* of its memory; CAT_UNKNOWN */
    uint32_t slices;     /* of compute; 0 without a GPU instance */
    uint32_t compute;    /* its share of the GPU, in percent; CAT_UNKNOWN */
    uint32_t per_gpu;    /* CAT_UNKNOWN */
    licence_set licences;
    bool whole;
    bool least;  /* it has that memory, and perhaps some more: no source states it */
    bool enough; /* memory and compute; what is too small is no reason to be given */
    struct checks broken;
};
struct contenders {
    struct contender *items;
    size_t n;
    size_t cap;
};

/* What the mode has on that board, the smallest first; types for graphics and for compute as the
 * need asks. */
void contenders_judge(const struct rules *rules, const struct gpu_model *model,
                      const struct need *need, enum claim_mode mode,
                      struct contenders *ret_contenders);
/* What rules that only warn say of it, as far as its board decides them. */
void contender_warn(const struct rules *rules, const struct gpu_model *model,
                    const struct need *need, enum claim_mode mode,
                    const struct contender *contender, struct checks *ret_warnings);
/* "it has 8 GiB of memory, and the need is 40 GiB": why it does not serve. Appends. */
void contender_describe(const struct contender *contender, const struct need *need,
                        struct strbuf *out);
void contenders_done(struct contenders *contenders);

#endif
