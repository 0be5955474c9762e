/* SPDX-License-Identifier: Apache-2.0 */
/* Every type and profile of a board that serves a need, not only the one that stands for its mode:
 * where the smallest has no room, a larger one may. Pure. */
#ifndef ADVISE_CHOICE_H
#define ADVISE_CHOICE_H

#include "advise/advise.h"

struct choice {
    enum claim_mode mode;
    const struct cat_vgpu_type *type;  /* NULL: no vGPU */
    const struct cat_profile *profile; /* NULL: no GPU instance */
    uint32_t order;                    /* of its mode: as in struct advice */
    uint32_t unused_mib;               /* beyond the need */
    bool whole;                        /* it takes all of the GPU's memory or compute */
};
struct choices {
    struct choice *items;
    size_t n;
    size_t cap;
};

/* Appends them, the best mode first and in it the smallest. */
void choices_list(const struct rules *rules, const struct gpu_model *model, const struct need *need,
                  struct choices *ret_choices);

#endif
