/* SPDX-License-Identifier: Apache-2.0 */
/* Instances that stand on a GPU, by name and as masks. Private to layout. */
#ifndef LAYOUT_STANDING_H
#define LAYOUT_STANDING_H

#include "layout/geometry.h"

struct standing {
    struct layout_gis gis;
    struct occupancy taken;
};

/* An instance that exists stands, whether the catalog thinks it legal or not. */
int standing_init(struct standing *standing, const struct geometry *geometry,
                  const struct layout_gis *existing, struct error *err);
/* Adds a placed instance if it is legal there. The error names what it clashes with. */
int standing_add(struct standing *standing, const struct geometry *geometry,
                 const struct layout_gi *gi, struct error *err);

#endif
