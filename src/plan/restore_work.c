/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/restore_work.h"

void restore_block(struct restore_item *item, const struct error *why)
{
    item->outcome = RESTORE_BLOCKED;
    item->why = *why;
}

void restore_block_all(struct restore *r, const struct error *why)
{
    r->why = *why;
    for (vec_each(&r->items, item)) {
        restore_block(item, why);
    }
}
