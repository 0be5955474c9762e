/* SPDX-License-Identifier: Apache-2.0 */
#include "layout/place_gis.h"

#include "layout/explain.h"
#include "layout/nearest.h"
#include "layout/no_place.h"
#include "layout/search.h"
#include "layout/standing.h"

int layout_check(const struct gpu_model *model, const struct layout_gis *gis, struct error *err)
{
    struct geometry geometry;
    int r = geometry_init(&geometry, model, err);
    struct standing standing = {.gis.n = 0};
    occupancy_init(&standing.taken);
    for (uint32_t i = 0; i < gis->n && r == 0; i++) {
        r = standing_add(&standing, &geometry, &gis->items[i], err);
    }
    return r;
}

/* Instances that name their start take it before the others look for one. */
static int add_fixed(struct standing *standing, const struct geometry *geometry,
                     const struct layout_gis *wanted, struct error *err)
{
    for (uint32_t i = 0; i < wanted->n; i++) {
        const struct layout_gi *gi = &wanted->items[i];
        int r = gi->start == LAYOUT_ANYWHERE ? 0 : standing_add(standing, geometry, gi, err);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

/* The first item of which no source says where it may stand. */
static const struct cat_profile *find_unknown(const struct geometry *geometry,
                                              const struct search_items *items)
{
    for (uint32_t i = 0; i < items->n; i++) {
        if (geometry->shapes[items->shape[i]].n_starts == 0) {
            return geometry->shapes[items->shape[i]].profile;
        }
    }
    return NULL;
}

static int place(const struct geometry *geometry, const struct layout_gis *existing,
                 struct layout_gis *wanted, uint64_t *ret_worth, struct error *err)
{
    struct standing standing;
    struct search_items items;
    uint32_t index[LAYOUT_MAX_GIS];
    int r = standing_init(&standing, geometry, existing, err);
    r = r != 0 ? r : search_items_init(&items, geometry, wanted, index, err);
    r = r != 0 ? r : add_fixed(&standing, geometry, wanted, err);
    if (r != 0) {
        return r;
    }
    const struct cat_profile *unknown = find_unknown(geometry, &items);
    if (unknown != NULL) {
        return explain_unplaced(geometry, &standing, &items, unknown, err);
    }
    if (!search_places(geometry, &standing.taken, &items, SEARCH_BEST, ret_worth)) {
        return explain_no_place(geometry, &standing, &items, err);
    }
    for (uint32_t i = 0; i < items.n; i++) {
        wanted->items[index[i]].start = items.start[i];
    }
    return 0;
}

int place_next_to(const struct geometry *geometry, const struct layout_gis *existing,
                  struct layout_gis *wanted, uint64_t *ret_worth, struct error *err)
{
    int r = place(geometry, existing, wanted, ret_worth, err);
    if (r == -REASON_NO_CAPACITY || r == -REASON_INVALID) {
        nearest_hint(geometry, existing, wanted, err);
    }
    return r;
}

int layout_place(const struct gpu_model *model, const struct layout_gis *existing,
                 struct layout_gis *wanted, struct error *err)
{
    struct geometry geometry;
    int r = geometry_init(&geometry, model, err);
    return r != 0 ? r : place_next_to(&geometry, existing, wanted, NULL, err);
}

uint32_t layout_find_start(const struct gpu_model *model, const struct layout_gis *existing,
                           const struct cat_profile *profile)
{
    struct layout_gis wanted = {.items = {{profile, LAYOUT_ANYWHERE}}, .n = 1};
    return layout_place(model, existing, &wanted, NULL) == 0 ? wanted.items[0].start
                                                             : LAYOUT_ANYWHERE;
}

uint32_t layout_remaining(const struct gpu_model *model, const struct layout_gis *existing,
                          const struct cat_profile *profile)
{
    struct geometry geometry;
    struct occupancy taken;
    uint32_t shape = 0;
    occupancy_init(&taken);
    if (geometry_init(&geometry, model, NULL) != 0 ||
        occupancy_add_all(&taken, &geometry, existing, NULL) != 0 ||
        geometry_find(&geometry, profile, &shape, NULL) != 0) {
        return 0;
    }
    return occupancy_remaining(&taken, &geometry, shape);
}
