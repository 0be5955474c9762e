/* SPDX-License-Identifier: Apache-2.0 */
/* Why several instances together have no place next to what stands. As in explain.h, each function
 * sets the error and returns its -reason. */
#ifndef LAYOUT_NO_PLACE_H
#define LAYOUT_NO_PLACE_H

#include "layout/search.h"
#include "layout/standing.h"

/* One of the items has no published placements: a limit that holds anywhere, else that. */
int explain_unplaced(const struct geometry *geometry, const struct standing *standing,
                     const struct search_items *items, const struct cat_profile *unknown,
                     struct error *err);
/* The items, each of known placements, do not all fit next to what stands. */
int explain_no_place(const struct geometry *geometry, const struct standing *standing,
                     const struct search_items *items, struct error *err);

#endif
