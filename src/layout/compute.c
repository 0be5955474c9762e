/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compute instances on GPU instances. mig-parted creates them one after the other on the GPU
 * instance that it created last, as long as that has slices left, and tries the profiles in every
 * order (NVIDIA/mig-parted, pkg/mig/config/config.go); what is asked for is the same here, however
 * it is written.
 */
#include "base/attr.h"
#include "layout/layout.h"
#include "layout/line.h"

#define MOST_SLICES 8

static bool is_whole(const struct layout_part *part)
{
    return part->slices == 0 || part->slices == part->profile->compute_slices;
}

/* Its place in the order of packing: from MOST_SLICES down. */
static uint32_t rank_of(const struct layout_part *part)
{
    return is_whole(part) ? MOST_SLICES : part->slices;
}

static uint32_t slices_left(const struct layout_gi *gi, const struct layout_compute *compute)
{
    uint32_t left = compute->n > 0 ? gi->profile->compute_slices : 0;
    for (uint32_t i = 0; i < compute->n; i++) {
        left -= compute->slices[i];
    }
    return compute->n < LAYOUT_MAX_COMPUTE ? left : 0;
}

static int refuse_count(const struct gpu_model *model, const struct layout_part *part,
                        struct error *err)
{
    uint32_t all = part->profile->compute_slices;
    uint32_t per_gi = is_whole(part) ? 1 : all / part->slices;
    uint32_t count = (part->count + per_gi - 1) / per_gi;
    if (model->max_gpu_instances == CAT_UNKNOWN) {
        return error_set(err, REASON_NO_CAPACITY, model->key,
                         "%u of \"%s\" are more GPU instances than any GPU takes", count,
                         part->profile->name);
    }
    return error_set(err, REASON_NO_CAPACITY, model->key,
                     "%s takes at most %u GPU instances, and %u of \"%s\" are wanted", model->name,
                     model->max_gpu_instances, count, part->profile->name);
}

/* Joins the first GPU instance from `first` on that is divided and has the slices. */
static bool share_one(const struct layout_part *part, uint32_t first, const struct layout_gis *gis,
                      struct layout_compute *compute)
{
    for (uint32_t i = first; i < gis->n && !is_whole(part); i++) {
        const struct layout_gi *gi = &gis->items[i];
        bool there = part->start == LAYOUT_ANYWHERE || part->start == gi->start;
        if (gi->profile == part->profile && there && slices_left(gi, &compute[i]) >= part->slices) {
            compute[i].slices[compute[i].n++] = part->slices;
            return true;
        }
    }
    return false;
}

/* One compute instance, or one whole GPU instance. `first`: where this call's instances begin. */
static bool pack_one(const struct layout_part *part, uint32_t first, struct layout_gis *gis,
                     struct layout_compute *compute)
{
    if (share_one(part, first, gis, compute)) {
        return true;
    }
    if (gis->n == LAYOUT_MAX_GIS) {
        return false;
    }
    compute[gis->n] = is_whole(part) ? (struct layout_compute){.n = 0}
                                     : (struct layout_compute){{part->slices}, 1};
    gis->items[gis->n++] = (struct layout_gi){part->profile, part->start};
    return true;
}

/* All parts of one profile: those with a start before the others, as they leave less choice; the
 * largest first, for then first fit is best for the few slices of a GPU instance. */
static int pack_profile(const struct gpu_model *model, const struct cat_profile *profile,
                        const struct layout_part *parts, size_t n, uint32_t first,
                        struct layout_gis *gis, struct layout_compute *compute, struct error *err)
{
    for (uint32_t round = 0; round < 2 * MOST_SLICES; round++) {
        bool fixed = round < MOST_SLICES;
        uint32_t rank = MOST_SLICES - round % MOST_SLICES;
        for (size_t i = 0; i < n; i++) {
            const struct layout_part *part = &parts[i];
            bool next = part->profile == profile && rank_of(part) == rank &&
                        (part->start != LAYOUT_ANYWHERE) == fixed;
            for (uint32_t k = 0; next && k < part->count; k++) {
                if (!pack_one(part, first, gis, compute)) {
                    return refuse_count(model, part, err);
                }
            }
        }
    }
    return 0;
}

static bool is_first_of_profile(const struct layout_part *parts, size_t i)
{
    for (size_t before = 0; before < i; before++) {
        if (parts[before].profile == parts[i].profile) {
            return false;
        }
    }
    return true;
}

/* "1c.7g.40gb, 2c.7g.40gb, 3c.7g.40gb, 4c.7g.40gb or 7g.40gb" */
static void add_compute_profiles(struct line *line, const struct cat_profile *profile)
{
    uint32_t all = profile->compute_slices;
    for (uint32_t slices = 1; slices < all; slices++) {
        if (profile_has_compute(profile, slices)) {
            line_add(line, "%uc.%s%s", slices, profile->name,
                     slices + 1 < all && profile_has_compute(profile, slices + 1) ? ", " : " or ");
        }
    }
    line_add(line, "%s", profile->name);
}

static int check_part(const struct gpu_model *model, const struct layout_part *part,
                      struct error *err)
{
    if (part->slices == 0 || profile_has_compute(part->profile, part->slices)) {
        return 0;
    }
    char list[256];
    struct line line;
    line_init(&line, list, sizeof(list));
    add_compute_profiles(&line, part->profile);
    error_set(err, REASON_NOT_FOUND, "", "%s has no compute profile \"%uc.%s\"", model->name,
              part->slices, part->profile->name);
    error_hint(err, "a compute instance there is %s", list);
    return -REASON_NOT_FOUND;
}

int layout_pack(const struct gpu_model *model, const struct layout_part *parts, size_t n,
                struct layout_gis *gis, struct layout_compute compute[LAYOUT_MAX_GIS],
                struct error *err)
{
    uint32_t first = gis->n;
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++) {
        r = check_part(model, &parts[i], err);
    }
    for (size_t i = 0; i < n && r == 0; i++) {
        if (is_first_of_profile(parts, i)) {
            r = pack_profile(model, parts[i].profile, parts, n, first, gis, compute, err);
        }
    }
    return r;
}

void layout_share(const struct layout_gis *gis, struct layout_compute compute[LAYOUT_MAX_GIS],
                  struct layout_part *parts, size_t n)
{
    for (uint32_t slices = MOST_SLICES; slices > 0; slices--) {
        for (size_t i = 0; i < n; i++) {
            bool next = parts[i].slices == slices && profile_has_compute(parts[i].profile, slices);
            while (next && parts[i].count > 0 && share_one(&parts[i], 0, gis, compute)) {
                parts[i].count--;
            }
        }
    }
}

const char *layout_compute_text(const struct layout_compute *compute, char *out, size_t size)
{
    struct line line;
    line_init(&line, out, size);
    for (uint32_t i = 0, same = 0; i < compute->n; i += same) {
        same = 1;
        while (i + same < compute->n && compute->slices[i + same] == compute->slices[i]) {
            same++;
        }
        line_add(&line, "%s", i > 0 ? ", " : "");
        if (same > 1) {
            line_add(&line, "%u x ", same);
        }
        line_add(&line, "%uc", compute->slices[i]);
    }
    return out;
}
