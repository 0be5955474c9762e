/* SPDX-License-Identifier: Apache-2.0 */
#include "layout/search.h"

#include <string.h>

struct search {
    const struct geometry *geometry;
    const struct search_items *items;
    uint32_t order[LAYOUT_MAX_GIS];  /* of items: largest first, equal ones together */
    uint32_t chosen[LAYOUT_MAX_GIS]; /* index of the start, per place in `order` */
    enum search_aim aim;
    bool found;
    uint64_t best_worth;
    uint32_t best[LAYOUT_MAX_GIS];
};

int search_items_init(struct search_items *items, const struct geometry *geometry,
                      const struct layout_gis *wanted, uint32_t ret_index[LAYOUT_MAX_GIS],
                      struct error *err)
{
    items->n = 0;
    for (uint32_t i = 0; i < wanted->n; i++) {
        uint32_t shape = 0;
        int r = geometry_find(geometry, wanted->items[i].profile, &shape, err);
        if (r != 0) {
            return r;
        }
        if (wanted->items[i].start == LAYOUT_ANYWHERE) {
            ret_index[items->n] = i;
            items->shape[items->n++] = shape;
        }
    }
    return 0;
}

/* Largest first fails early; equal shapes together let their starts ascend, so that no two
 * orders of the same places are tried. */
static void sort_items(struct search *search)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < search->geometry->n; i++) {
        for (uint32_t k = 0; k < search->items->n; k++) {
            if (search->items->shape[k] == search->geometry->largest_first[i]) {
                search->order[n++] = k;
            }
        }
    }
}

static void keep_if_better(struct search *search, const struct occupancy *taken)
{
    uint64_t worth = occupancy_worth(taken, search->geometry);
    if (!search->found || worth > search->best_worth) {
        search->found = true;
        search->best_worth = worth;
        memcpy(search->best, search->chosen, sizeof(search->best));
    }
}

static void try_places(struct search *search, const struct occupancy *taken, uint32_t depth)
{
    if (depth == search->items->n) {
        keep_if_better(search, taken);
        return;
    }
    uint32_t which = search->items->shape[search->order[depth]];
    const struct shape *shape = &search->geometry->shapes[which];
    if (occupancy_limit(taken, search->geometry, which) != LIMIT_NONE) {
        return;
    }
    bool again = depth > 0 && search->items->shape[search->order[depth - 1]] == which;
    for (uint32_t i = again ? search->chosen[depth - 1] + 1 : 0; i < shape->n_starts; i++) {
        if ((shape->masks[i] & taken->mask) != 0) {
            continue;
        }
        struct occupancy next = *taken;
        occupancy_add(&next, search->geometry, which, shape->masks[i]);
        search->chosen[depth] = i;
        try_places(search, &next, depth + 1);
        if (search->found && search->aim == SEARCH_ANY) {
            return;
        }
    }
}

bool search_places(const struct geometry *geometry, const struct occupancy *taken,
                   struct search_items *items, enum search_aim aim, uint64_t *ret_worth)
{
    struct search search = {.geometry = geometry, .items = items, .aim = aim};
    sort_items(&search);
    try_places(&search, taken, 0);
    if (!search.found) {
        return false;
    }
    for (uint32_t depth = 0; depth < items->n; depth++) {
        uint32_t item = search.order[depth];
        items->start[item] = geometry->shapes[items->shape[item]].starts[search.best[depth]];
    }
    if (ret_worth != NULL) {
        *ret_worth = search.best_worth;
    }
    return true;
}
