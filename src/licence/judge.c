/* SPDX-License-Identifier: Apache-2.0 */
#include "licence/judge.h"

#include "base/str.h"

static uint32_t total(const struct licence_tally *tally, enum licence product)
{
    return tally->counts[product].in_use + tally->counts[product].reserved;
}

void licence_judge(const struct licence_room *room, const struct licence_holders *after,
                   const struct licence_tally *tally, struct licence_lacks *ret_lacks)
{
    const struct licence_pools *pools = &room->pools;
    ret_lacks->n = 0;
    for (uint32_t i = 0; i < LICENCE_COUNT; i++) {
        enum licence product = (enum licence)i;
        uint32_t lacking = licence_excess(tally, pools, product, room->now_us);
        if (lacking <= licence_excess(&room->tally, pools, product, room->now_us)) {
            continue;
        }
        struct licence_lack *lack = &ret_lacks->items[ret_lacks->n++];
        *lack = (struct licence_lack){.product = product,
                                      .policy = pools->items[i].policy,
                                      .needed = total(tally, product),
                                      .index = NO_ID};
        for (vec_each(after, holder)) {
            bool comes = holder->product == product && holder->index != NO_ID;
            lack->index = comes && holder->index < lack->index ? holder->index : lack->index;
        }
        (void)licence_lack_text(&pools->items[i], lack->needed, room->now_us, lack->why,
                                sizeof(lack->why));
    }
}
