/* SPDX-License-Identifier: Apache-2.0 */
/* What stands on a GPU, by name and as masks, and placing more next to it. Private to layout. */
#ifndef LAYOUT_PLACE_H
#define LAYOUT_PLACE_H

#include "layout/geometry.h"

struct standing {
    struct layout_gis gis;
    struct occupancy taken;
};

/* What exists stands, whether the catalog thinks it legal or not. */
int standing_init(struct standing *standing, const struct geometry *geometry,
                  const struct layout_gis *existing, struct error *err);
/* Adds a placed instance if it is legal there. The error names what it clashes with. */
int standing_add(struct standing *standing, const struct geometry *geometry,
                 const struct layout_gi *gi, struct error *err);

/* layout_place() over a geometry. `ret_worth` (may be NULL): occupancy_worth() of what is left. */
int place_next_to(const struct geometry *geometry, const struct layout_gis *existing,
                  struct layout_gis *wanted, uint64_t *ret_worth, struct error *err);

#endif
