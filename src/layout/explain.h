/* SPDX-License-Identifier: Apache-2.0 */
/* Why not: one sentence per refusal. Each function sets the error and returns its -reason. */
#ifndef LAYOUT_EXPLAIN_H
#define LAYOUT_EXPLAIN_H

#include "layout/place.h"
#include "layout/search.h"

/* No source says where the profile may stand. */
int explain_unknown(const struct geometry *geometry, const struct cat_profile *profile,
                    struct error *err);
/* The instance cannot start where it wants to. */
int explain_start(const struct geometry *geometry, const struct layout_gi *gi, struct error *err);
/* The instance runs into one of `others`. */
int explain_overlap(const struct geometry *geometry, const struct layout_gis *others,
                    const struct layout_gi *gi, struct error *err);
/* One more of the profile next to `others` breaks a limit other than space. */
int explain_limit(const struct geometry *geometry, const struct layout_gis *others,
                  const struct cat_profile *profile, enum limit limit, struct error *err);
/* One of the items has no published placements: a limit that holds anywhere, else that. */
int explain_unplaced(const struct geometry *geometry, const struct standing *standing,
                     const struct search_items *items, const struct cat_profile *unknown,
                     struct error *err);
/* The items, each of known placements, do not all fit next to what stands. */
int explain_no_place(const struct geometry *geometry, const struct standing *standing,
                     const struct search_items *items, struct error *err);

#endif
