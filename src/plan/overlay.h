/* SPDX-License-Identifier: Apache-2.0 */
/* One board's model: the catalog's, overlaid by the driver's answers. Private to src/plan. */
#ifndef PLAN_OVERLAY_H
#define PLAN_OVERLAY_H

#include "base/fs.h"
#include "catalog/catalog.h"
#include "model/host.h"

struct overlay {
    struct gpu_model model;       /* borrows texts from the base and from `texts` */
    const struct gpu_model *base; /* the catalog's; NULL: it doesn't know the board */
    struct strlist texts;
    char disagreement[256]; /* the first one; "" none */
    uint32_t n_disagreements;
};

/* `base` may be NULL and must outlive the overlay. `gpu->board` has what the driver says. */
void overlay_init(struct overlay *overlay, const struct gpu_model *base, const struct gpu *gpu);
void overlay_done(struct overlay *overlay);

#endif
