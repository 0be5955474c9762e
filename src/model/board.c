/* SPDX-License-Identifier: Apache-2.0 */
#include "model/board.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

void board_done(struct board *board)
{
    vec_done(&board->profiles);
    vec_done(&board->types);
}

void board_copy(struct board *to, const struct board *from)
{
    *to = *from;
    vec_own(&to->profiles, &from->profiles);
    vec_own(&to->types, &from->types);
}

/* The items are made from zeroed memory, so that their bytes may be compared. */
bool board_equal(const struct board *a, const struct board *b)
{
    return a->profiles_known == b->profiles_known && a->types_known == b->types_known &&
           a->types_of_mig == b->types_of_mig && a->vgpu_host == b->vgpu_host &&
           a->architecture == b->architecture && a->fractional_multi == b->fractional_multi &&
           a->mixed_types_multi == b->mixed_types_multi && a->mixed_sizes == b->mixed_sizes &&
           str_eq(a->vbios, b->vbios) && a->profiles.n == b->profiles.n &&
           a->types.n == b->types.n &&
           (a->profiles.n == 0 || memcmp(a->profiles.items, b->profiles.items,
                                         a->profiles.n * sizeof(*a->profiles.items)) == 0) &&
           (a->types.n == 0 ||
            memcmp(a->types.items, b->types.items, a->types.n * sizeof(*a->types.items)) == 0);
}
