/* SPDX-License-Identifier: Apache-2.0 */
/* The exhaustive search for places on one GPU. Private to layout. */
#ifndef LAYOUT_SEARCH_H
#define LAYOUT_SEARCH_H

#include "layout/geometry.h"

enum search_aim {
    SEARCH_ANY,  /* the first places that work */
    SEARCH_BEST, /* the ones that leave the most, then the lowest starts */
};

/* Instances to be placed, as shapes. */
struct search_items {
    uint32_t shape[LAYOUT_MAX_GIS];
    uint32_t start[LAYOUT_MAX_GIS]; /* filled in by a search that finds a place for all */
    uint32_t n;
};

/* Gives every item a start next to what is taken. False, and starts untouched, if there is no way.
 * `ret_worth` (may be NULL): occupancy_worth() of what is left. */
bool search_places(const struct geometry *geometry, const struct occupancy *taken,
                   struct search_items *items, enum search_aim aim, uint64_t *ret_worth);

/* The items of `wanted` without a start. `ret_index[i]` is where item i stands in `wanted`. */
int search_items_init(struct search_items *items, const struct geometry *geometry,
                      const struct layout_gis *wanted, uint32_t ret_index[LAYOUT_MAX_GIS],
                      struct error *err);

#endif
