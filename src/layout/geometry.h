/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The placement rules of one model as slice masks, and what is taken on one GPU. Private to layout.
 * A geometry is built on the stack by each public function; it borrows the model.
 */
#ifndef LAYOUT_GEOMETRY_H
#define LAYOUT_GEOMETRY_H

#include "layout/layout.h"

#define GEOMETRY_MAX_SHAPES 32

/* One profile: where it may stand. */
struct shape {
    const struct cat_profile *profile;
    slice_mask masks[CAT_MAX_PLACEMENTS]; /* by ascending start */
    uint32_t starts[CAT_MAX_PLACEMENTS];
    uint32_t n_starts; /* 0: no source says where */
    uint32_t size;     /* memory slices */
    uint32_t compute;
    uint32_t max;
    enum cat_media media;
};

struct geometry {
    const struct gpu_model *model;
    struct shape shapes[GEOMETRY_MAX_SHAPES]; /* same index as in the model */
    uint32_t n;
    uint32_t largest_first[GEOMETRY_MAX_SHAPES];
    uint32_t max_instances;  /* UINT32_MAX: unknown */
    uint32_t compute_slices; /* UINT32_MAX: unknown */
};

/* Room that is taken, as far as the next instance cares. */
struct occupancy {
    slice_mask mask;
    uint32_t n;
    uint32_t compute;
    uint32_t count[GEOMETRY_MAX_SHAPES];
    uint32_t with_media; /* instances that are not "-me" */
    uint32_t with_extra; /* "+me" */
    uint32_t with_all;   /* "+me.all" */
    uint32_t max_extra;  /* how many "+me" the ones present allow */
};

/* Why one more of a shape may not be added, its place aside. */
enum limit {
    LIMIT_NONE,
    LIMIT_COUNT,     /* most of this profile reached */
    LIMIT_INSTANCES, /* most GPU instances reached */
    LIMIT_COMPUTE,   /* not enough compute slices */
    LIMIT_EXTRA,     /* the extra media engines are taken */
    LIMIT_ALL_TAKEN, /* an instance there has every media engine */
    LIMIT_ALL_WANTED /* this one wants every media engine, and others have some */
};

/* -INTERNAL if the model has more profiles than a geometry holds. */
int geometry_init(struct geometry *geometry, const struct gpu_model *model, struct error *err);
/* Index of the profile, which must be one of the model's. -INVALID otherwise. */
int geometry_find(const struct geometry *geometry, const struct cat_profile *profile,
                  uint32_t *ret_shape, struct error *err);
/* Index of `start` in the shape's starts; UINT32_MAX if it cannot start there. */
uint32_t shape_find_start(const struct shape *shape, uint32_t start);
/* Smaller in memory or compute, larger in neither, and of the same kind (graphics, media). */
bool shape_is_smaller(const struct shape *shape, const struct shape *than);

void occupancy_init(struct occupancy *occupancy);
void occupancy_add(struct occupancy *occupancy, const struct geometry *geometry, uint32_t shape,
                   slice_mask mask);
/* Everything that stands, whether the catalog thinks it legal or not. */
int occupancy_add_all(struct occupancy *occupancy, const struct geometry *geometry,
                      const struct layout_gis *gis, struct error *err);

enum limit occupancy_limit(const struct occupancy *occupancy, const struct geometry *geometry,
                           uint32_t shape);
/* How many more of the shape can be added. */
uint32_t occupancy_remaining(const struct occupancy *occupancy, const struct geometry *geometry,
                             uint32_t shape);
/* How many of every shape could still be added, the largest shape in the highest bits: greater is
 * better. Shapes beyond the 16 largest do not count. */
uint64_t occupancy_worth(const struct occupancy *occupancy, const struct geometry *geometry);

#endif
