/* SPDX-License-Identifier: Apache-2.0 */
#include "advise/candidate.h"

#include <stdlib.h>

#include "base/str.h"

/* The guest sees a sixteenth less of a type, and 16 MiB, where no source has the exact size
 * (published guest sizes of A100, L40S and RTX PRO 6000 types). */
static uint32_t guest_memory(const struct cat_vgpu_type *type)
{
    uint32_t nominal = type_nominal_mib(type);
    if (type->guest_framebuffer_mib != CAT_UNKNOWN || nominal == CAT_UNKNOWN) {
        return type->guest_framebuffer_mib;
    }
    return nominal - nominal / 16 - 16;
}

static bool is_whole(const struct gpu_model *model, const struct candidate *candidate,
                     uint32_t nominal_mib)
{
    return (candidate->slices > 0 && candidate->slices == model->compute_slices) ||
           (nominal_mib != CAT_UNKNOWN && model->memory_mib != CAT_UNKNOWN &&
            nominal_mib >= model->memory_mib) ||
           (candidate->slices == 0 && candidate->per_gpu == 1);
}

static const struct cat_profile *profile_of(const struct gpu_model *model, const char *name)
{
    for (vec_each(&model->profiles, profile)) {
        if (str_eq(profile->name, name)) {
            return profile;
        }
    }
    return NULL;
}

/* B types are for desktops, A types for applications, both with graphics; C types for compute, and
 * Q types for both. */
static bool suits(const struct cat_vgpu_type *type, const struct need *need)
{
    return need->graphics ? type->series == 'A' || type->series == 'B' || type->series == 'Q'
                          : type->series == 'C' || type->series == 'Q';
}

static bool is_of_mode(const struct cat_vgpu_type *type, enum claim_mode mode)
{
    switch (mode) {
    case CLAIM_TIME_SLICED:
        return !type->mig_backed;
    case CLAIM_MIG_BACKED:
        return type->mig_backed && (type->max_per_gi == CAT_UNKNOWN || type->max_per_gi <= 1);
    case CLAIM_TIME_SLICED_MIG_BACKED:
        return type->mig_backed && type->max_per_gi != CAT_UNKNOWN && type->max_per_gi > 1;
    case CLAIM_PASSTHROUGH:
    case CLAIM_GPU_INSTANCE:
    case CLAIM_MODE_COUNT:
        break;
    }
    return false;
}

/* Profiles with extra media engines, or without any, and their types are left out: a need says
 * nothing of them. */
static void add_types(const struct gpu_model *model, const struct need *need, enum claim_mode mode,
                      struct candidates *candidates)
{
    for (vec_each(&model->types, type)) {
        const struct cat_profile *profile = profile_of(model, type->gi_profile);
        if (!is_of_mode(type, mode) || !suits(type, need) ||
            (profile != NULL && profile->media != MEDIA_PLAIN)) {
            continue;
        }
        struct candidate *candidate = vec_push(candidates);
        candidate->type = type;
        candidate->profile = profile;
        candidate->memory_mib = need->usable_memory ? guest_memory(type) : type_nominal_mib(type);
        candidate->slices = type->mig_backed ? type->gi_slices : 0;
        candidate->per_gpu = type->max_per_gpu;
        candidate->licences = licence_of_series(type->series);
        candidate->whole = is_whole(model, candidate, type_nominal_mib(type));
    }
}

static void add_profiles(const struct gpu_model *model, struct candidates *candidates)
{
    for (vec_each(&model->profiles, profile)) {
        if (profile->media == MEDIA_PLAIN && !profile->gfx) {
            struct candidate *candidate = vec_push(candidates);
            candidate->profile = profile;
            candidate->memory_mib = profile->memory_mib;
            candidate->slices = profile->compute_slices;
            candidate->per_gpu = profile->max_instances;
            candidate->whole = is_whole(model, candidate, CAT_UNKNOWN);
        }
    }
}

static uint32_t share_of(const struct gpu_model *model, const struct candidate *candidate)
{
    if (candidate->type != NULL) {
        return type_compute(model, candidate->type);
    }
    if (candidate->profile == NULL) {
        return 100;
    }
    return model->compute_slices == CAT_UNKNOWN || model->compute_slices == 0
               ? CAT_UNKNOWN
               : 100 * candidate->slices / model->compute_slices;
}

static bool is_enough(const struct gpu_model *model, const struct need *need,
                      const struct candidate *candidate)
{
    uint32_t share = share_of(model, candidate);
    return candidate->memory_mib != CAT_UNKNOWN && candidate->memory_mib >= need->memory_mib &&
           (need->compute == 0 || (share != CAT_UNKNOWN && share >= need->compute));
}

static void judge(const struct rules *rules, const struct gpu_model *model, const struct need *need,
                  enum claim_mode mode, struct candidate *candidate)
{
    struct claim_spec spec = {.mode = mode,
                              .mixed = need->mixed && mode == CLAIM_TIME_SLICED,
                              .guest = need->guest,
                              .migratable = need->live_migration,
                              .start = NO_ID};
    if (candidate->type != NULL) {
        STR_SET(spec.type, candidate->type->name);
    }
    const struct gpu_scheduler scheduler = {.policy = need->scheduler};
    const struct rule_facts facts = {.spec = &spec,
                                     .model = model,
                                     .type = candidate->type,
                                     .profile = candidate->profile,
                                     .scheduler = &scheduler,
                                     .has_vm = need->consumer == CONSUMER_VM,
                                     .need = need,
                                     .licences = candidate->licences};
    candidate->enough = is_enough(model, need, candidate);
    rules_judge(rules, &facts, &candidate->broken);
}

/* The smallest first: compute slices, then memory, then the series that costs least. */
static int by_size(const void *a, const void *b)
{
    const struct candidate *x = a;
    const struct candidate *y = b;
    if (x->slices != y->slices) {
        return x->slices < y->slices ? -1 : 1;
    }
    if (x->memory_mib != y->memory_mib) {
        return x->memory_mib < y->memory_mib ? -1 : 1;
    }
    char s = x->type != NULL ? x->type->series : 0;
    char t = y->type != NULL ? y->type->series : 0;
    static const char order[] = "CBQA";
    return (int)strcspn(order, (char[]){s, 0}) - (int)strcspn(order, (char[]){t, 0});
}

void candidates_judge(const struct rules *rules, const struct gpu_model *model,
                      const struct need *need, enum claim_mode mode,
                      struct candidates *ret_candidates)
{
    if (mode == CLAIM_PASSTHROUGH) {
        *vec_push(ret_candidates) =
            (struct candidate){.memory_mib = model->memory_mib,
                               .per_gpu = 1,
                               .licences = need->graphics ? licence_of_graphics_passthrough() : 0,
                               .whole = true};
    } else if (mode == CLAIM_GPU_INSTANCE) {
        add_profiles(model, ret_candidates);
    } else {
        add_types(model, need, mode, ret_candidates);
    }
    if (ret_candidates->n == 0) {
        (void)vec_push(ret_candidates); /* what the mode lacks is said of the mode */
        ret_candidates->items[0].memory_mib = CAT_UNKNOWN;
        ret_candidates->items[0].per_gpu = CAT_UNKNOWN;
    }
    qsort(ret_candidates->items, ret_candidates->n, sizeof(ret_candidates->items[0]), by_size);
    for (vec_each(ret_candidates, candidate)) {
        judge(rules, model, need, mode, candidate);
    }
}

void candidates_done(struct candidates *candidates)
{
    for (vec_each(candidates, candidate)) {
        vec_done(&candidate->broken);
    }
    vec_done(candidates);
}
