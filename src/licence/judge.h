/* SPDX-License-Identifier: Apache-2.0 */
/* What a change does to the pools: each product of which more licences lack after it than before.
 * Pure. */
#ifndef LICENCE_JUDGE_H
#define LICENCE_JUDGE_H

#include "licence/tally.h"

struct licence_lack {
    enum licence product;
    enum licence_policy policy;
    uint32_t needed; /* in use and reserved after the change */
    uint32_t index;  /* the lowest index of a holder that has this product; NO_ID: none has one */
    char why[256];   /* licence_lack_text() */
};
struct licence_lacks {
    struct licence_lack items[LICENCE_COUNT];
    size_t n;
};

/* `room` is as it was before; `after` are all holders as they will be, which `tally` counted.
 * Holders that were there before have the index NO_ID. */
void licence_judge(const struct licence_room *room, const struct licence_holders *after,
                   const struct licence_tally *tally, struct licence_lacks *ret_lacks);

#endif
