/* SPDX-License-Identifier: Apache-2.0 */
#include "layout/geometry.h"

slice_mask layout_mask(const struct layout_gi *gi)
{
    if (gi->start == LAYOUT_ANYWHERE || gi->start >= 32) {
        return 0;
    }
    uint32_t size = gi->profile->memory_slices < 32 ? gi->profile->memory_slices : 32;
    uint64_t run = (UINT64_C(1) << size) - 1;
    return (slice_mask)(run << gi->start);
}

slice_mask layout_occupied(const struct layout_gis *gis)
{
    slice_mask occupied = 0;
    for (uint32_t i = 0; i < gis->n; i++) {
        occupied |= layout_mask(&gis->items[i]);
    }
    return occupied;
}

static bool is_larger(const struct shape *a, const struct shape *b)
{
    return a->size != b->size ? a->size > b->size : a->compute > b->compute;
}

static void add_start(struct shape *shape, uint32_t start)
{
    uint32_t at = shape->n_starts;
    while (at > 0 && shape->starts[at - 1] > start) {
        shape->starts[at] = shape->starts[at - 1];
        shape->masks[at] = shape->masks[at - 1];
        at--;
    }
    shape->starts[at] = start;
    shape->masks[at] = layout_mask(&(struct layout_gi){.profile = shape->profile, .start = start});
    shape->n_starts++;
}

static void shape_init(struct shape *shape, const struct cat_profile *profile)
{
    shape->profile = profile;
    shape->n_starts = 0;
    shape->size = profile->memory_slices != CAT_UNKNOWN ? profile->memory_slices : 0;
    shape->compute = profile->compute_slices != CAT_UNKNOWN ? profile->compute_slices : 0;
    shape->max = profile->max_instances;
    shape->media = profile->media;
    for (uint32_t i = 0; i < profile->n_placements; i++) {
        add_start(shape, profile->placements[i].start);
    }
}

int geometry_init(struct geometry *geometry, const struct gpu_model *model, struct error *err)
{
    if (model->profiles.n > GEOMETRY_MAX_SHAPES) {
        return error_set(err, REASON_INTERNAL, model->key, "model \"%s\" has more than %d profiles",
                         model->key, GEOMETRY_MAX_SHAPES);
    }
    geometry->model = model;
    geometry->n = (uint32_t)model->profiles.n;
    geometry->max_instances = model->max_gpu_instances;
    geometry->compute_slices = model->compute_slices;
    for (uint32_t i = 0; i < geometry->n; i++) {
        shape_init(&geometry->shapes[i], &model->profiles.items[i]);
        uint32_t at = i;
        while (at > 0 && is_larger(&geometry->shapes[i],
                                   &geometry->shapes[geometry->largest_first[at - 1]])) {
            geometry->largest_first[at] = geometry->largest_first[at - 1];
            at--;
        }
        geometry->largest_first[at] = i;
    }
    return 0;
}

int geometry_find(const struct geometry *geometry, const struct cat_profile *profile,
                  uint32_t *ret_shape, struct error *err)
{
    for (uint32_t i = 0; i < geometry->n; i++) {
        if (geometry->shapes[i].profile == profile) {
            *ret_shape = i;
            return 0;
        }
    }
    return error_set(err, REASON_INVALID, geometry->model->key, "profile \"%s\" is not one of %s",
                     profile->name, geometry->model->name);
}

uint32_t shape_find_start(const struct shape *shape, uint32_t start)
{
    for (uint32_t i = 0; i < shape->n_starts; i++) {
        if (shape->starts[i] == start) {
            return i;
        }
    }
    return UINT32_MAX;
}

bool shape_is_smaller(const struct shape *shape, const struct shape *than)
{
    return shape->profile->gfx == than->profile->gfx && shape->media == than->media &&
           shape->size <= than->size && shape->compute <= than->compute && is_larger(than, shape);
}

void occupancy_init(struct occupancy *occupancy)
{
    *occupancy = (struct occupancy){.max_extra = UINT32_MAX};
}

void occupancy_add(struct occupancy *occupancy, const struct geometry *geometry, uint32_t shape,
                   slice_mask mask)
{
    const struct shape *added = &geometry->shapes[shape];
    occupancy->mask |= mask;
    occupancy->n++;
    occupancy->compute += added->compute;
    occupancy->count[shape]++;
    occupancy->with_media += added->media != MEDIA_NONE;
    occupancy->with_all += added->media == MEDIA_ALL;
    if (added->media == MEDIA_ME) {
        occupancy->with_extra++;
        occupancy->max_extra =
            added->max < occupancy->max_extra ? added->max : occupancy->max_extra;
    }
}

int occupancy_add_all(struct occupancy *occupancy, const struct geometry *geometry,
                      const struct layout_gis *gis, struct error *err)
{
    for (uint32_t i = 0; i < gis->n; i++) {
        uint32_t shape = 0;
        int r = geometry_find(geometry, gis->items[i].profile, &shape, err);
        if (r != 0) {
            return r;
        }
        occupancy_add(occupancy, geometry, shape, layout_mask(&gis->items[i]));
    }
    return 0;
}

/* nvml.h (NVML API 13) on *_ALL_ME: only *_NO_ME profiles can be created next to it. That one GPU
 * has one set of extra engines for all "+me" profiles together follows from -lgip: each takes the
 * only OFA engine. */
static enum limit media_limit(const struct occupancy *occupancy, const struct shape *shape)
{
    if (occupancy->with_all > 0 && shape->media != MEDIA_NONE) {
        return LIMIT_ALL_TAKEN;
    }
    if (shape->media == MEDIA_ALL && occupancy->with_media > 0) {
        return LIMIT_ALL_WANTED;
    }
    if (shape->media == MEDIA_ME &&
        (occupancy->with_extra >= shape->max || occupancy->with_extra >= occupancy->max_extra)) {
        return LIMIT_EXTRA;
    }
    return LIMIT_NONE;
}

enum limit occupancy_limit(const struct occupancy *occupancy, const struct geometry *geometry,
                           uint32_t shape)
{
    const struct shape *added = &geometry->shapes[shape];
    if (occupancy->count[shape] >= added->max) {
        return LIMIT_COUNT;
    }
    enum limit media = media_limit(occupancy, added);
    if (media != LIMIT_NONE) {
        return media;
    }
    if (occupancy->n >= geometry->max_instances) {
        return LIMIT_INSTANCES;
    }
    if (geometry->compute_slices != CAT_UNKNOWN &&
        occupancy->compute + added->compute > geometry->compute_slices) {
        return LIMIT_COMPUTE;
    }
    return LIMIT_NONE;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* What the limits other than space still allow of a shape, given that one more is allowed. */
static uint32_t allowance(const struct occupancy *occupancy, const struct geometry *geometry,
                          uint32_t shape)
{
    const struct shape *added = &geometry->shapes[shape];
    uint32_t allowed = added->max - occupancy->count[shape];
    allowed = least(allowed, geometry->max_instances - occupancy->n);
    if (geometry->compute_slices != CAT_UNKNOWN && added->compute > 0) {
        allowed = least(allowed, (geometry->compute_slices - occupancy->compute) / added->compute);
    }
    if (added->media == MEDIA_ME) {
        allowed = least(allowed, least(added->max, occupancy->max_extra) - occupancy->with_extra);
    }
    return added->media == MEDIA_ALL ? 1 : allowed;
}

uint32_t occupancy_remaining(const struct occupancy *occupancy, const struct geometry *geometry,
                             uint32_t shape)
{
    if (occupancy_limit(occupancy, geometry, shape) != LIMIT_NONE) {
        return 0;
    }
    /* Runs of one length: taking the lowest free start first packs the most. */
    const struct shape *added = &geometry->shapes[shape];
    slice_mask taken = occupancy->mask;
    uint32_t allowed = allowance(occupancy, geometry, shape);
    uint32_t fit = 0;
    for (uint32_t i = 0; i < added->n_starts && fit < allowed; i++) {
        if ((added->masks[i] & taken) == 0) {
            taken |= added->masks[i];
            fit++;
        }
    }
    return fit;
}

uint64_t occupancy_worth(const struct occupancy *occupancy, const struct geometry *geometry)
{
    uint64_t worth = 0;
    uint32_t n = least(geometry->n, 16);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t left = occupancy_remaining(occupancy, geometry, geometry->largest_first[i]);
        worth = (worth << 4) | least(left, 15);
    }
    return worth;
}
