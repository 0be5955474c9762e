/* SPDX-License-Identifier: Apache-2.0 */
/* The layout nearest to one that cannot be. Private to layout. */
#ifndef LAYOUT_NEAREST_H
#define LAYOUT_NEAREST_H

#include "layout/geometry.h"

/* Adds to the error's hint the layout with the fewest instances moved, shrunk or dropped that fits
 * next to `existing`: fewest changes, then fewest dropped, then the least given up. */
void nearest_hint(const struct geometry *geometry, const struct layout_gis *existing,
                  const struct layout_gis *wanted, struct error *err);

#endif
