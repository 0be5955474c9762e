/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/nearby.h"

#include <stdio.h>

#include "base/str.h"
#include "plan/preference.h"
#include "plan/work_solve.h"
#include "plan/work_try.h"

/* What is given up. */
struct distance {
    uint32_t memory_mib;
    uint32_t compute;
};

struct nearby {
    struct gpu_work *work; /* NULL: nothing was found yet */
    struct distance distance;
    char what[2 * NAME_SIZE]; /* "L40S-8Q", "2g.10gb@4" */
};

static bool is_closer(const struct distance *a, const struct distance *b)
{
    return a->memory_mib != b->memory_mib ? a->memory_mib < b->memory_mib : a->compute < b->compute;
}

/* ---- what a model has instead ---- */

static bool give_up(uint32_t had, uint32_t has, uint32_t *ret_lost)
{
    *ret_lost = had - has;
    return had != CAT_UNKNOWN && has != CAT_UNKNOWN && has <= had;
}

static bool is_less_type(const struct admitted *wanted, const struct cat_vgpu_type *type,
                         struct distance *ret_distance)
{
    *ret_distance = (struct distance){0};
    return type->series == wanted->type->series && type->mig_backed == wanted->type->mig_backed &&
           give_up(wanted->type->framebuffer_mib, type->framebuffer_mib,
                   &ret_distance->memory_mib) &&
           ret_distance->memory_mib > 0;
}

static bool is_less_profile(const struct admitted *wanted, const struct cat_profile *profile,
                            struct distance *ret_distance)
{
    const struct cat_profile *had = wanted->profile;
    bool known = give_up(had->memory_mib, profile->memory_mib, &ret_distance->memory_mib) &&
                 give_up(had->compute_slices, profile->compute_slices, &ret_distance->compute);
    return known && profile->gfx == had->gfx && profile->media == had->media &&
           ret_distance->memory_mib + ret_distance->compute > 0;
}

/* ---- trying ---- */

static void describe(const struct gpu_work *work, const struct claim *wish, char *out, size_t size)
{
    uint32_t start = work->assigned[work->n_added - 1].start;
    if (wish->spec.type[0] != '\0') {
        str_print(out, size, "%s", wish->spec.type);
    } else if (start == NO_ID) {
        str_print(out, size, "%s", wish->spec.profile);
    } else {
        str_print(out, size, "%s@%u", wish->spec.profile, start);
    }
}

/* The GPU is left as it was. */
static void try(struct nearby *best, struct gpu_work *work, const struct claim *wish,
                const struct distance *distance)
{
    bool closer = best->work == NULL || is_closer(distance, &best->distance);
    bool equal = !closer && !is_closer(&best->distance, distance);
    if (!closer && (!equal || !preference_is_better(work, best->work, wish))) {
        return;
    }
    if (work_try(work, wish, NULL, NULL) != 0) {
        return;
    }
    describe(work, wish, best->what, sizeof(best->what));
    work->n_added--;
    work_solve_again(work);
    best->work = work;
    best->distance = *distance;
}

static void look_on(struct gpu_work *work, const struct claim *claim, struct nearby *best)
{
    struct admitted admitted = {0};
    if (work->model == NULL ||
        admit_on_gpu(work->planner, claim, work->gpu, &admitted, NULL) != 0) {
        return;
    }
    struct claim wish = *claim;
    struct distance distance = {0};
    wish.spec.start = NO_ID;
    if (claim->spec.start != NO_ID) {
        try(best, work, &wish, &distance);
    }
    for (size_t i = 0; admitted.type != NULL && i < work->model->types.n; i++) {
        const struct cat_vgpu_type *type = &work->model->types.items[i];
        const char *blank = strrchr(type->name, ' ');
        if (is_less_type(&admitted, type, &distance)) {
            STR_SET(wish.spec.type, blank != NULL ? blank + 1 : type->name);
            try(best, work, &wish, &distance);
        }
    }
    for (size_t i = 0;
         admitted.type == NULL && admitted.profile != NULL && i < work->model->profiles.n; i++) {
        const struct cat_profile *profile = &work->model->profiles.items[i];
        if (is_less_profile(&admitted, profile, &distance)) {
            STR_SET(wish.spec.profile, profile->name);
            try(best, work, &wish, &distance);
        }
    }
}

void nearby_tell(struct works *works, const struct claim *claim, struct error *err)
{
    bool about_place = err != NULL && err->reason == REASON_INVALID && claim->spec.start != NO_ID;
    if (err == NULL || claim->reserved.set || (err->reason != REASON_NO_CAPACITY && !about_place)) {
        return;
    }
    struct nearby best = {.work = NULL};
    for (size_t g = 0; g < works->n; g++) {
        look_on(&works->items[g], claim, &best);
    }
    if (best.work == NULL && err->hint[0] == '\0') {
        error_hint(err,
                   "no smaller one fits either: delete a claim that is not needed any more, or "
                   "use another host");
    }
    if (best.work == NULL) {
        return;
    }
    char bdf[BDF_SIZE];
    char before[sizeof(err->hint)];
    STR_SET(before, err->hint);
    error_hint(err, "nearest that fits: %s on GPU %s%s%s", best.what,
               pci_addr_format(&best.work->gpu->addr, bdf), before[0] != '\0' ? "; or " : "",
               before);
}
