/* SPDX-License-Identifier: Apache-2.0 */
#include "layout/explain.h"

#include "layout/line.h"

int explain_refuse(const struct geometry *geometry, struct error *err, const char *why)
{
    return error_set(err, REASON_NO_CAPACITY, geometry->model->key, "%s", why);
}

int explain_unknown(const struct geometry *geometry, const struct cat_profile *profile,
                    struct error *err)
{
    error_set(err, REASON_UNKNOWN, geometry->model->key,
              "no source says where \"%s\" may start on %s", profile->name, geometry->model->name);
    error_hint(err, "`nvidia-smi mig -lgipp` says it on a host with this GPU");
    return -REASON_UNKNOWN;
}

int explain_start(const struct geometry *geometry, const struct layout_gi *gi, struct error *err)
{
    if (gi->profile->n_placements == 0) {
        return explain_unknown(geometry, gi->profile, err);
    }
    char starts[96];
    struct line line;
    line_init(&line, starts, sizeof(starts));
    line_add_starts(&line, gi->profile);
    if (gi->start == LAYOUT_ANYWHERE) {
        return error_set(err, REASON_INVALID, geometry->model->key,
                         "\"%s\" has no place yet: it starts at %s", gi->profile->name, starts);
    }
    return error_set(err, REASON_INVALID, geometry->model->key,
                     "\"%s\" cannot start at memory slice %u: it starts only at %s",
                     gi->profile->name, gi->start, starts);
}

int explain_overlap(const struct geometry *geometry, const struct layout_gis *others,
                    const struct layout_gi *gi, struct error *err)
{
    char why[160];
    struct line line;
    line_init(&line, why, sizeof(why));
    for (uint32_t i = 0; i < others->n; i++) {
        const struct layout_gi *other = &others->items[i];
        slice_mask shared = layout_mask(gi) & layout_mask(other);
        if (shared != 0) {
            line_add(&line, "%s@%u and %s@%u overlap in ", other->profile->name, other->start,
                     gi->profile->name, gi->start);
            line_add_slices(&line, shared);
            break;
        }
    }
    return explain_refuse(geometry, err, why);
}

static const char *first_with_media(const struct layout_gis *gis, enum cat_media media)
{
    for (uint32_t i = 0; i < gis->n; i++) {
        if (gis->items[i].profile->media == media) {
            return gis->items[i].profile->name;
        }
    }
    return "another";
}

static const char *first_with_some_media(const struct layout_gis *gis)
{
    for (uint32_t i = 0; i < gis->n; i++) {
        if (gis->items[i].profile->media != MEDIA_NONE) {
            return gis->items[i].profile->name;
        }
    }
    return "another";
}

int explain_limit(const struct geometry *geometry, const struct layout_gis *others,
                  const struct cat_profile *profile, enum limit limit, struct error *err)
{
    const struct gpu_model *model = geometry->model;
    char why[256];
    struct line line;
    line_init(&line, why, sizeof(why));
    switch (limit) {
    case LIMIT_NONE:
        break;
    case LIMIT_COUNT:
        line_add(&line, "%s takes at most %u of \"%s\"", model->name, profile->max_instances,
                 profile->name);
        break;
    case LIMIT_INSTANCES:
        line_add(&line, "%s takes at most %u GPU instances, and \"%s\" would be one more",
                 model->name, geometry->max_instances, profile->name);
        break;
    case LIMIT_COMPUTE:
        line_add(&line, "%s has %u compute slices, too few for another \"%s\"", model->name,
                 geometry->compute_slices, profile->name);
        break;
    case LIMIT_EXTRA:
        line_add(&line, "\"%s\" and \"%s\" both want the extra media engines, and %s has one set",
                 first_with_media(others, MEDIA_ME), profile->name, model->name);
        break;
    case LIMIT_ALL_TAKEN:
        line_add(&line,
                 "\"%s\" takes every media engine, so \"%s\" cannot stand next to it: only \"-me\" "
                 "profiles can",
                 first_with_media(others, MEDIA_ALL), profile->name);
        break;
    case LIMIT_ALL_WANTED:
        line_add(&line,
                 "\"%s\" takes every media engine, so it cannot stand next to \"%s\": only \"-me\" "
                 "profiles can",
                 profile->name, first_with_some_media(others));
        break;
    }
    return explain_refuse(geometry, err, why);
}
