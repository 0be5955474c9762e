/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/options.h"

#include "advise/choice.h"
#include "advise/contender.h"
#include "base/str.h"
#include "plan/admit.h"
#include "plan/known_choices.h"

/* ---- what the claim's own words leave ---- */

static bool is_typed(const struct claim *claim, const struct gpu_model *model,
                     const struct choice *choice)
{
    const struct claim_spec *spec = &claim->spec;
    const struct cat_vgpu_type *type = NULL;
    const struct cat_profile *profile = NULL;
    if (spec->mode != CLAIM_MODE_AUTO && spec->mode != choice->mode) {
        return false;
    }
    if (spec->type[0] != '\0' &&
        (model_find_type(model, spec->type, &type, NULL) != 0 || type != choice->type)) {
        return false;
    }
    if (spec->profile[0] != '\0' &&
        (model_find_profile(model, spec->profile, &profile, NULL) != 0 ||
         profile != choice->profile)) {
        return false;
    }
    return spec->start == NO_ID || choice->profile != NULL;
}

/* ---- the list ---- */

/* Kept for the whole request, or else in `own`. NULL: nothing is known of the GPU's model. */
static const struct choices *choices_of(const struct planner *planner, const struct claim *claim,
                                        const struct gpu *gpu, struct known_choices *own)
{
    const struct gpu_model *model = gpu_model_of(planner, gpu);
    struct known_choices *known = planner->choices != NULL ? planner->choices : own;
    return model == NULL ? NULL : known_choices_of(known, planner->rules, model, &claim->need);
}

void option_set_words(const struct need *need, enum claim_mode mode,
                      const struct cat_vgpu_type *type, const struct cat_profile *profile,
                      struct claim_spec *spec)
{
    spec->mode = mode;
    spec->mixed = need->mixed && mode == CLAIM_TIME_SLICED;
    spec->migratable = need->live_migration;
    spec->guest = need->guest;
    STR_SET(spec->type, type != NULL ? type->name : "");
    if (type == NULL && profile != NULL) {
        STR_SET(spec->profile, profile->name);
    }
}

static void add_option(const struct claim *claim, uint32_t g, const struct choice *choice,
                       struct options *ret_options)
{
    const struct option *last =
        ret_options->n == 0 ? NULL : &ret_options->items[ret_options->n - 1];
    bool smallest = last == NULL || last->gpu != g || last->spec.mode != choice->mode;
    struct option *option = vec_push(ret_options);
    *option = (struct option){.gpu = g,
                              .spec = claim->spec,
                              .order = choice->order,
                              .unused_gib = (choice->unused_mib + 1023) / 1024,
                              .memory_mib = choice->unused_mib,
                              .smallest = smallest};
    option_set_words(&claim->need, choice->mode, choice->type, choice->profile, &option->spec);
}

void options_list(const struct planner *planner, const struct claim *claim,
                  struct options *ret_options)
{
    bool open = claim_is_open(claim);
    CLEANUP(known_choices_done) struct known_choices own = {0};
    for (uint32_t g = 0; g < planner->host->gpus.n; g++) {
        const struct gpu *gpu = &planner->host->gpus.items[g];
        if (!open) {
            *vec_push(ret_options) =
                (struct option){.gpu = g, .spec = claim->spec, .smallest = true};
            continue;
        }
        if (!admit_selects(planner, claim, gpu)) {
            continue;
        }
        const struct gpu_model *model = gpu_model_of(planner, gpu);
        const struct choices *choices = choices_of(planner, claim, gpu, &own);
        for (size_t i = 0; choices != NULL && i < choices->n; i++) {
            const struct choice *choice = &choices->items[i];
            if (is_typed(claim, model, choice)) {
                add_option(claim, g, choice, ret_options);
            }
        }
    }
}

bool option_is_same_way(const struct claim_spec *a, const struct claim_spec *b)
{
    return a->mode == b->mode && str_eq(a->type, b->type) && str_eq(a->profile, b->profile);
}

struct claim option_claim(const struct option *option, const struct claim *claim)
{
    struct claim one = *claim;
    one.spec = option->spec;
    return one;
}

void option_score(const struct option *option, uint32_t keys[OPTION_KEYS])
{
    keys[0] = option->order;
    keys[1] = option->unused_gib;
}

void options_describe(const struct options *options, size_t chosen, const char *bdf,
                      char out[CHOICE_TEXT_SIZE])
{
    const struct option *option = &options->items[chosen];
    const struct claim_spec *spec = &option->spec;
    const char *what = spec->type[0] != '\0'      ? spec->type
                       : spec->profile[0] != '\0' ? spec->profile
                                                  : "the whole GPU";
    str_print(out, CHOICE_TEXT_SIZE, "%s (%s) on %s, %u MiB beyond the need, chosen of %zu way%s",
              what, claim_mode_name(spec->mode), bdf, option->memory_mib, options->n,
              options->n == 1 ? "" : "s");
}

/* ---- why there is none ---- */

/* Why the type or profile that is typed does not serve; false: no contender is meant by it. */
static bool describe_typed(const struct planner *planner, const struct claim *claim,
                           const struct gpu_model *model, struct strbuf *out)
{
    bool found = false;
    for (uint32_t mode = 0; !found && mode < CLAIM_MODE_COUNT; mode++) {
        struct contenders contenders = {0};
        contenders_judge(planner->rules, model, &claim->need, (enum claim_mode)mode, &contenders);
        for (vec_each(&contenders, contender)) {
            const struct choice choice = {.mode = (enum claim_mode)mode,
                                          .type = contender->type,
                                          .profile = contender->profile};
            if (!found && is_typed(claim, model, &choice)) {
                contender_describe(contender, &claim->need, out);
                found = true;
            }
        }
        contenders_done(&contenders);
    }
    return found;
}

static int refuse_typed(const struct planner *planner, const struct claim *claim,
                        const struct gpu_model *model, const char *bdf, struct error *err)
{
    const struct claim_spec *spec = &claim->spec;
    CLEANUP_STRBUF struct strbuf why = {0};
    const char *word = spec->type[0] != '\0'      ? spec->type
                       : spec->profile[0] != '\0' ? spec->profile
                                                  : claim_mode_name(spec->mode);
    bool said = describe_typed(planner, claim, model, &why);
    error_set(err, REASON_RULE, SUBJECT("gpu", bdf),
              "%s on %s does not serve what the claim needs: %s", word, model->name,
              said ? strbuf_str(&why) : "the board has nothing of these words for it");
    error_hint(err, "leave %s out, so that cleave chooses", word);
    return -REASON_RULE;
}

/* Of all modes the one that breaks the fewest rules says why. */
static int refuse_board(const struct planner *planner, const struct claim *claim,
                        const struct gpu_model *model, const char *bdf, struct error *err)
{
    struct advices advices = {0};
    const struct advice *best = NULL;
    advise_board(planner->rules, model, &claim->need, &advices);
    for (vec_each(&advices, advice)) {
        if (best == NULL || advice->reasons.n < best->reasons.n) {
            best = advice;
        }
    }
    const struct check *reason = best->reasons.n > 0 ? &best->reasons.items[0] : NULL;
    error_set(err, REASON_RULE, SUBJECT("gpu", bdf),
              "no mode of %s serves the need; nearest is %s: %s", model->name,
              claim_mode_name(best->mode),
              reason != NULL ? reason->message : "it is a part of the GPU that is too large");
    if (reason != NULL) {
        error_hint(err, "%s", reason->hint);
        if (err != NULL) {
            STR_SET(err->rule, reason->rule);
        }
    }
    advices_done(&advices);
    return -REASON_RULE;
}

int options_refuse(const struct planner *planner, const struct claim *claim, const struct gpu *gpu,
                   struct error *err)
{
    char bdf[BDF_SIZE];
    CLEANUP(known_choices_done) struct known_choices own = {0};
    size_t n_typed = 0;
    pci_addr_format(&gpu->addr, bdf);
    const struct gpu_model *model = gpu_model_of(planner, gpu);
    const struct choices *choices = choices_of(planner, claim, gpu, &own);
    if (choices == NULL) {
        return error_set(
            err, REASON_UNSUPPORTED, SUBJECT("gpu", bdf),
            "the catalog does not have GPU %s (PCI id 0x%04x), so it is not known what "
            "it could serve",
            bdf, gpu->pci_id);
    }
    for (vec_each(choices, choice)) {
        n_typed += is_typed(claim, model, choice);
    }
    return n_typed > 0      ? 0
           : choices->n > 0 ? refuse_typed(planner, claim, model, bdf, err)
                            : refuse_board(planner, claim, model, bdf, err);
}
