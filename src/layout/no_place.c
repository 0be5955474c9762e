/* SPDX-License-Identifier: Apache-2.0 */
#include "layout/no_place.h"

#include "base/str.h"
#include "layout/explain.h"
#include "layout/line.h"

/* ---- several to be placed ---- */

/* All that is wanted, counted by shape. */
struct tally {
    uint32_t count[GEOMETRY_MAX_SHAPES];
    uint32_t n;
    uint32_t compute;
    uint32_t memory;
};

static struct tally tally_items(const struct geometry *geometry, const struct search_items *items)
{
    struct tally tally = {.n = items->n};
    for (uint32_t i = 0; i < items->n; i++) {
        tally.count[items->shape[i]]++;
        tally.compute += geometry->shapes[items->shape[i]].compute;
        tally.memory += geometry->shapes[items->shape[i]].size;
    }
    return tally;
}

/* "2 × 3g.20gb and 1g.5gb", largest first. */
static void add_tally(struct line *line, const struct geometry *geometry, const struct tally *tally)
{
    uint32_t kinds = 0;
    for (uint32_t i = 0; i < geometry->n; i++) {
        kinds += tally->count[i] > 0;
    }
    uint32_t written = 0;
    for (uint32_t i = 0; i < geometry->n; i++) {
        uint32_t which = geometry->largest_first[i];
        if (tally->count[which] == 0) {
            continue;
        }
        line_add(line, "%s", line_comma(written++, kinds));
        if (tally->count[which] > 1) {
            line_add(line, "%u × ", tally->count[which]);
        }
        line_add(line, "%s", geometry->shapes[which].profile->name);
    }
}

static bool too_many(struct line *why, const struct geometry *geometry,
                     const struct standing *standing, const struct tally *tally)
{
    for (uint32_t i = 0; i < geometry->n; i++) {
        const struct shape *shape = &geometry->shapes[i];
        uint32_t there = standing->taken.count[i];
        if (tally->count[i] == 0 || there + tally->count[i] <= shape->max) {
            continue;
        }
        line_add(why, "%s takes at most %u of \"%s\", and %u %s wanted", geometry->model->name,
                 shape->max, shape->profile->name, tally->count[i],
                 tally->count[i] == 1 ? "is" : "are");
        if (there > 0) {
            line_add(why, " next to the %u there", there);
        }
        return true;
    }
    return false;
}

static bool too_many_instances(struct line *why, const struct geometry *geometry,
                               const struct standing *standing, const struct search_items *items)
{
    uint32_t total = standing->taken.n + items->n;
    if (total <= geometry->max_instances) {
        return false;
    }
    line_add(why, "%s takes at most %u GPU instances, and these would make %u",
             geometry->model->name, geometry->max_instances, total);
    return true;
}

static bool too_much_memory(struct line *why, const struct geometry *geometry,
                            const struct standing *standing, const struct tally *tally)
{
    uint32_t total = geometry->model->memory_slices;
    uint32_t taken = (uint32_t)__builtin_popcount(standing->taken.mask);
    if (total == CAT_UNKNOWN || taken + tally->memory <= total) {
        return false;
    }
    add_tally(why, geometry, tally);
    line_add(why, " %s %u memory %s, and %u of %u are free", tally->n == 1 ? "needs" : "need",
             tally->memory, tally->memory == 1 ? "slice" : "slices", total - taken, total);
    return true;
}

static bool too_much_compute(struct line *why, const struct geometry *geometry,
                             const struct standing *standing, const struct tally *tally)
{
    uint32_t total = geometry->compute_slices;
    if (total == CAT_UNKNOWN || standing->taken.compute + tally->compute <= total) {
        return false;
    }
    add_tally(why, geometry, tally);
    line_add(why, " %s %u compute %s, and %u of %u are free", tally->n == 1 ? "needs" : "need",
             tally->compute, tally->compute == 1 ? "slice" : "slices",
             total - standing->taken.compute, total);
    return true;
}

/* A media rule broken whatever the places: names the pair. */
static int media_clash(const struct geometry *geometry, const struct standing *standing,
                       const struct search_items *items, struct error *err)
{
    struct standing all = *standing;
    for (uint32_t i = 0; i < items->n && all.gis.n < LAYOUT_MAX_GIS; i++) {
        const struct cat_profile *profile = geometry->shapes[items->shape[i]].profile;
        enum limit limit = occupancy_limit(&all.taken, geometry, items->shape[i]);
        if (limit != LIMIT_NONE) {
            return explain_limit(geometry, &all.gis, profile, limit, err);
        }
        occupancy_add(&all.taken, geometry, items->shape[i], 0);
        all.gis.items[all.gis.n++] =
            (struct layout_gi){.profile = profile, .start = LAYOUT_ANYWHERE};
    }
    return 0;
}

/* The shape fits nowhere even alone: says where it could start and what is in the way. */
static void add_blockers(struct line *why, const struct shape *shape,
                         const struct standing *standing)
{
    struct layout_gis blockers = {.n = 0};
    slice_mask reach = 0;
    for (uint32_t i = 0; i < shape->n_starts; i++) {
        reach |= shape->masks[i];
    }
    for (uint32_t i = 0; i < standing->gis.n; i++) {
        if ((layout_mask(&standing->gis.items[i]) & reach) != 0) {
            blockers.items[blockers.n++] = standing->gis.items[i];
        }
    }
    line_add(why, "\"%s\" starts only at ", shape->profile->name);
    line_add_starts(why, shape->profile);
    line_add(why, ", and ");
    line_add_gis(why, &blockers);
    line_add(why, " %s in the way", blockers.n == 1 ? "is" : "are");
}

/* The largest items that fit together, and the first one that then has no place. */
static void add_crowding(struct line *why, const struct geometry *geometry,
                         const struct standing *standing, const struct search_items *items)
{
    struct search_items fitting = {.n = 0};
    for (uint32_t k = 0; k < geometry->n; k++) {
        uint32_t which = geometry->largest_first[k];
        for (uint32_t i = 0; i < items->n; i++) {
            if (items->shape[i] != which) {
                continue;
            }
            fitting.shape[fitting.n++] = which;
            if (!search_places(geometry, &standing->taken, &fitting, SEARCH_ANY, NULL)) {
                fitting.n--;
                struct tally tally = tally_items(geometry, &fitting);
                add_tally(why, geometry, &tally);
                line_add(why, " leave%s no place for %s\"%s\", which starts only at ",
                         fitting.n == 1 ? "s" : "", tally.count[which] > 0 ? "another " : "",
                         geometry->shapes[which].profile->name);
                line_add_starts(why, geometry->shapes[which].profile);
                return;
            }
        }
    }
}

static void add_geometry(struct line *why, const struct geometry *geometry,
                         const struct standing *standing, const struct search_items *items)
{
    for (uint32_t i = 0; i < items->n; i++) {
        if (occupancy_remaining(&standing->taken, geometry, items->shape[i]) == 0) {
            add_blockers(why, &geometry->shapes[items->shape[i]], standing);
            uint32_t total = geometry->model->memory_slices;
            if (total != CAT_UNKNOWN) {
                line_add(why, "; %u memory slices are free but not together there",
                         total - (uint32_t)__builtin_popcount(standing->taken.mask));
            }
            return;
        }
    }
    add_crowding(why, geometry, standing, items);
}

/* Limits that hold wherever the items would stand. 0 if none is broken. */
static int broken_limit(const struct geometry *geometry, const struct standing *standing,
                        const struct search_items *items, struct error *err)
{
    char text[sizeof(err->message)];
    struct line why;
    line_init(&why, text, sizeof(text));
    struct tally tally = tally_items(geometry, items);
    /* Sums before media: they name all that is wanted, a clash of engines only two of them. */
    if (too_many(&why, geometry, standing, &tally) ||
        too_much_memory(&why, geometry, standing, &tally) ||
        too_many_instances(&why, geometry, standing, items) ||
        too_much_compute(&why, geometry, standing, &tally)) {
        return explain_refuse(geometry, err, text);
    }
    return media_clash(geometry, standing, items, err);
}

int explain_unplaced(const struct geometry *geometry, const struct standing *standing,
                     const struct search_items *items, const struct cat_profile *unknown,
                     struct error *err)
{
    int r = broken_limit(geometry, standing, items, err);
    return r != 0 ? r : explain_unknown(geometry, unknown, err);
}

int explain_no_place(const struct geometry *geometry, const struct standing *standing,
                     const struct search_items *items, struct error *err)
{
    if (err == NULL) {
        return -REASON_NO_CAPACITY;
    }
    int r = broken_limit(geometry, standing, items, err);
    if (r != 0) {
        return r;
    }
    char text[sizeof(err->message)];
    struct line why;
    line_init(&why, text, sizeof(text));
    add_geometry(&why, geometry, standing, items);
    return explain_refuse(geometry, err, text);
}
