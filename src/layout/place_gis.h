/* SPDX-License-Identifier: Apache-2.0 */
/* Placing more next to what stands on a GPU. Private to layout. */
#ifndef LAYOUT_PLACE_GIS_H
#define LAYOUT_PLACE_GIS_H

#include "layout/geometry.h"

/* layout_place() over a geometry. `ret_worth` (may be NULL): occupancy_worth() of what is left. */
int place_next_to(const struct geometry *geometry, const struct layout_gis *existing,
                  struct layout_gis *wanted, uint64_t *ret_worth, struct error *err);

#endif
