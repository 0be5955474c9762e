/* SPDX-License-Identifier: Apache-2.0 */
/* Why not: one sentence per refusal. Each function sets the error and returns its -reason. */
#ifndef LAYOUT_EXPLAIN_H
#define LAYOUT_EXPLAIN_H

#include "layout/geometry.h"

/* There is no room, for the reason given. */
int explain_refuse(const struct geometry *geometry, struct error *err, const char *why);
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

#endif
