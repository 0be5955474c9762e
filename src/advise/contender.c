/* SPDX-License-Identifier: Apache-2.0 */
#include "advise/contender.h"

#include <stdlib.h>

#include "base/str.h"
#include "licence/products.h"

/* What a guest does not see of a type, where no source has its exact size: a sixteenth, 16 MiB, and
 * its share of what is kept for pages that fail, 128 MiB over the most vGPUs of the type (NVIDIA
 * vGPU software user guide, "Frame buffer size" of vGPU types; published guest sizes of A100, L40S
 * and RTX PRO 6000 types agree on the former two). */
static uint32_t unseen_memory(const struct gpu_model *model, const struct cat_vgpu_type *type)
{
    uint32_t guest = type_guest_mib(model, type);
    uint32_t nominal = type_nominal_mib(type);
    if (nominal == CAT_UNKNOWN) {
        return CAT_UNKNOWN;
    }
    if (guest != CAT_UNKNOWN) {
        return nominal > guest ? nominal - guest : 0;
    }
    bool counted = type->max_per_gpu != CAT_UNKNOWN && type->max_per_gpu > 0;
    return nominal / 16 + 16 + (counted ? 128 / type->max_per_gpu : 0);
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
        if (!is_of_mode(type, mode) || !suits(type, need) || type_is_for_media(model, type)) {
            continue;
        }
        struct contender *contender = vec_push(contenders);
        contender->type = type;
        contender->profile = model_profile_of_type(model, type);
        contender->unseen_mib = unseen_memory(model, type);
        contender->memory_mib = type_nominal_mib(type);
        if (need->usable_memory && contender->unseen_mib != CAT_UNKNOWN) {
            contender->memory_mib -= contender->unseen_mib;
        }
        contender->slices = type->mig_backed ? type->gi_slices : 0;
        contender->per_gpu = type_most_per_gpu(model, type);
        contender->licences = licence_products(mode, type->series, need->graphics);
        contender->whole = type_is_whole(model, type);
    }
}

/* Graphics APIs run in instances of +gfx profiles, where a board has such (NVIDIA MIG user guide,
 * application considerations). */
static void add_profiles(const struct gpu_model *model, const struct need *need,
                         struct contenders *contenders)
{
    bool any_gfx = false;
    for (vec_each(&model->profiles, profile)) {
        any_gfx = any_gfx || profile->gfx;
    }
    for (vec_each(&model->profiles, profile)) {
        if (profile->media == MEDIA_PLAIN && profile->gfx == (need->graphics && any_gfx)) {
            struct contender *contender = vec_push(contenders);
            contender->profile = profile;
            contender->memory_mib = profile_least_mib(profile);
            contender->least = profile->memory_mib == CAT_UNKNOWN;
            contender->unseen_mib = 0; /* the driver's own count */
            contender->slices = profile->compute_slices;
            contender->per_gpu = profile->max_instances;
            contender->whole = contender->slices > 0 && contender->slices == model->compute_slices;
        }
    }
}

/* A guest that has the GPU sees what the driver counts. */
static void add_whole(const struct gpu_model *model, const struct need *need,
                      struct contenders *contenders)
{
    bool counted = model->measured.mib != CAT_UNKNOWN && model->memory_mib != CAT_UNKNOWN &&
                   model->measured.mib <= model->memory_mib;
    struct contender *contender = vec_push(contenders);
    contender->memory_mib =
        counted && need->usable_memory ? model->measured.mib : model->memory_mib;
    contender->unseen_mib = counted ? model->memory_mib - model->measured.mib : CAT_UNKNOWN;
    contender->per_gpu = 1;
    contender->licences = licence_products(CLAIM_PASSTHROUGH, 0, need->graphics);
    contender->whole = true;
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

static bool is_enough(const struct need *need, const struct contender *contender)
{
    uint32_t share = contender->compute;
    return contender->memory_mib != CAT_UNKNOWN && contender->memory_mib >= need->memory_mib &&
           (need->compute == 0 || (share != CAT_UNKNOWN && share >= need->compute));
}

/* What rules are asked about; `facts` borrows the rest. */
struct asked {
    struct claim_spec spec;
    struct gpu_scheduler scheduler;
    struct rule_facts facts;
};

static void ask_of(const struct gpu_model *model, const struct need *need, enum claim_mode mode,
                   const struct contender *contender, struct asked *ret_asked)
{
    *ret_asked = (struct asked){
        .spec = {.mode = mode,
                 .mixed = need->mixed && mode == CLAIM_TIME_SLICED,
                 .guest = need->guest,
                 .migratable = need->live_migration,
                 .start = NO_ID},
        .scheduler = {.policy = need_policy(need, contender->whole)},
        .facts = {.spec = &ret_asked->spec,
                  .params = &need->params,
                  .model = model,
                  .type = contender->type,
                  .profile = contender->profile,
                  .scheduler = &ret_asked->scheduler,
                  .has_vm = need->consumer == CONSUMER_VM,
                  .need = need,
                  .licences = contender->licences},
    };
    if (contender->type != NULL) {
        STR_SET(ret_asked->spec.type, contender->type->name);
    }
}

static void judge(const struct rules *rules, const struct gpu_model *model, const struct need *need,
                  enum claim_mode mode, struct contender *contender)
{
    struct asked asked;
    ask_of(model, need, mode, contender, &asked);
    contender->compute = share_of(model, contender);
    contender->enough = is_enough(need, contender);
    rules_judge(rules, &asked.facts, &contender->broken);
}

void contender_warn(const struct rules *rules, const struct gpu_model *model,
                    const struct need *need, enum claim_mode mode,
                    const struct contender *contender, struct checks *ret_warnings)
{
    struct asked asked;
    ask_of(model, need, mode, contender, &asked);
    rules_warn(rules, RULE_OF_CLAIM, &asked.facts, ret_warnings);
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
        add_whole(model, need, ret_contenders);
    } else if (mode == CLAIM_GPU_INSTANCE) {
        add_profiles(model, need, ret_contenders);
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

void contender_describe(const struct contender *contender, const struct need *need,
                        struct strbuf *out)
{
    char has[NEED_TEXT_SIZE];
    char needed[NEED_TEXT_SIZE];
    uint32_t memory = contender->memory_mib;
    if (memory != CAT_UNKNOWN && memory < need->memory_mib) {
        strbuf_addf(out, "it has %s of memory%s, and the need is %s", need_memory_text(memory, has),
                    need->usable_memory ? " that the guest sees" : "",
                    need_memory_text(need->memory_mib, needed));
    } else if (need->compute > 0 && contender->compute != CAT_UNKNOWN &&
               contender->compute < need->compute) {
        strbuf_addf(out, "it has %u %% of the GPU's compute, and the need is %u %%",
                    contender->compute, need->compute);
    } else if (contender->broken.n > 0) {
        strbuf_add(out, contender->broken.items[0].message);
    } else if (!contender->enough) {
        strbuf_add(out, "no source says how much it has");
    } else {
        strbuf_add(out, "it is a whole GPU where a part would do");
    }
}

void contenders_done(struct contenders *contenders)
{
    for (vec_each(contenders, contender)) {
        vec_done(&contender->broken);
    }
    vec_done(contenders);
}
