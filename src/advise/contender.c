/* SPDX-License-Identifier: Apache-2.0 */
#include "advise/contender.h"

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

static bool is_whole(const struct gpu_model *model, const struct contender *contender,
                     uint32_t nominal_mib)
{
    return (contender->slices > 0 && contender->slices == model->compute_slices) ||
           (nominal_mib != CAT_UNKNOWN && model->memory_mib != CAT_UNKNOWN &&
            nominal_mib >= model->memory_mib) ||
           (contender->slices == 0 && contender->per_gpu == 1);
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
                      struct contenders *contenders)
{
    for (vec_each(&model->types, type)) {
        const struct cat_profile *profile = model_profile_of_type(model, type);
        if (!is_of_mode(type, mode) || !suits(type, need) ||
            (profile != NULL && profile->media != MEDIA_PLAIN)) {
            continue;
        }
        struct contender *contender = vec_push(contenders);
        contender->type = type;
        contender->profile = profile;
        contender->memory_mib = need->usable_memory ? guest_memory(type) : type_nominal_mib(type);
        contender->slices = type->mig_backed ? type->gi_slices : 0;
        contender->per_gpu = type->max_per_gpu;
        contender->licences = licence_of_series(type->series);
        contender->whole = is_whole(model, contender, type_nominal_mib(type));
    }
}

static void add_profiles(const struct gpu_model *model, struct contenders *contenders)
{
    for (vec_each(&model->profiles, profile)) {
        if (profile->media == MEDIA_PLAIN && !profile->gfx) {
            struct contender *contender = vec_push(contenders);
            contender->profile = profile;
            contender->memory_mib = profile->memory_mib;
            contender->slices = profile->compute_slices;
            contender->per_gpu = profile->max_instances;
            contender->whole = is_whole(model, contender, CAT_UNKNOWN);
        }
    }
}

static uint32_t share_of(const struct gpu_model *model, const struct contender *contender)
{
    if (contender->type != NULL) {
        return type_compute(model, contender->type);
    }
    if (contender->profile == NULL) {
        return 100;
    }
    return model->compute_slices == CAT_UNKNOWN || model->compute_slices == 0
               ? CAT_UNKNOWN
               : 100 * contender->slices / model->compute_slices;
}

static bool is_enough(const struct gpu_model *model, const struct need *need,
                      const struct contender *contender)
{
    uint32_t share = share_of(model, contender);
    return contender->memory_mib != CAT_UNKNOWN && contender->memory_mib >= need->memory_mib &&
           (need->compute == 0 || (share != CAT_UNKNOWN && share >= need->compute));
}

static void judge(const struct rules *rules, const struct gpu_model *model, const struct need *need,
                  enum claim_mode mode, struct contender *contender)
{
    struct claim_spec spec = {.mode = mode,
                              .mixed = need->mixed && mode == CLAIM_TIME_SLICED,
                              .guest = need->guest,
                              .migratable = need->live_migration,
                              .start = NO_ID};
    if (contender->type != NULL) {
        STR_SET(spec.type, contender->type->name);
    }
    const struct gpu_scheduler scheduler = {.policy = need->scheduler};
    const struct rule_facts facts = {.spec = &spec,
                                     .model = model,
                                     .type = contender->type,
                                     .profile = contender->profile,
                                     .scheduler = &scheduler,
                                     .has_vm = need->consumer == CONSUMER_VM,
                                     .need = need,
                                     .licences = contender->licences};
    contender->enough = is_enough(model, need, contender);
    rules_judge(rules, &facts, &contender->broken);
}

/* The smallest first: compute slices, then memory, then the series that costs least. */
static int by_size(const void *a, const void *b)
{
    const struct contender *x = a;
    const struct contender *y = b;
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

void contenders_judge(const struct rules *rules, const struct gpu_model *model,
                      const struct need *need, enum claim_mode mode,
                      struct contenders *ret_contenders)
{
    if (mode == CLAIM_PASSTHROUGH) {
        *vec_push(ret_contenders) =
            (struct contender){.memory_mib = model->memory_mib,
                               .per_gpu = 1,
                               .licences = need->graphics ? licence_of_graphics_passthrough() : 0,
                               .whole = true};
    } else if (mode == CLAIM_GPU_INSTANCE) {
        add_profiles(model, ret_contenders);
    } else {
        add_types(model, need, mode, ret_contenders);
    }
    if (ret_contenders->n == 0) {
        (void)vec_push(ret_contenders); /* what the mode lacks is said of the mode */
        ret_contenders->items[0].memory_mib = CAT_UNKNOWN;
        ret_contenders->items[0].per_gpu = CAT_UNKNOWN;
    }
    qsort(ret_contenders->items, ret_contenders->n, sizeof(ret_contenders->items[0]), by_size);
    for (vec_each(ret_contenders, contender)) {
        judge(rules, model, need, mode, contender);
    }
}

void contenders_done(struct contenders *contenders)
{
    for (vec_each(contenders, contender)) {
        vec_done(&contender->broken);
    }
    vec_done(contenders);
}
