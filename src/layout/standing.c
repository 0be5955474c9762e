/* SPDX-License-Identifier: Apache-2.0 */
#include "layout/standing.h"

#include "layout/explain.h"

int standing_init(struct standing *standing, const struct geometry *geometry,
                  const struct layout_gis *existing, struct error *err)
{
    standing->gis = *existing;
    occupancy_init(&standing->taken);
    return occupancy_add_all(&standing->taken, geometry, existing, err);
}

int standing_add(struct standing *standing, const struct geometry *geometry,
                 const struct layout_gi *gi, struct error *err)
{
    uint32_t shape = 0;
    int r = geometry_find(geometry, gi->profile, &shape, err);
    if (r != 0) {
        return r;
    }
    if (shape_find_start(&geometry->shapes[shape], gi->start) == UINT32_MAX) {
        return explain_start(geometry, gi, err);
    }
    enum limit limit = occupancy_limit(&standing->taken, geometry, shape);
    if (limit == LIMIT_NONE && standing->gis.n == LAYOUT_MAX_GIS) {
        limit = LIMIT_INSTANCES;
    }
    if (limit != LIMIT_NONE) {
        return explain_limit(geometry, &standing->gis, gi->profile, limit, err);
    }
    if ((standing->taken.mask & layout_mask(gi)) != 0) {
        return explain_overlap(geometry, &standing->gis, gi, err);
    }
    occupancy_add(&standing->taken, geometry, shape, layout_mask(gi));
    standing->gis.items[standing->gis.n++] = *gi;
    return 0;
}
