/* SPDX-License-Identifier: Apache-2.0 */
#include "advise/advise.h"

#include <stdio.h>
#include <stdlib.h>

#include "advise/contender.h"
#include "base/str.h"

WORDS_DEFINE(verdict_words, "verdict", VERDICT_COUNT, WORD(VERDICT_YES, "yes"),
             WORD(VERDICT_WITH_CHANGE, "with-change"), WORD(VERDICT_NO, "no"))

/* ---- the contender that stands for its mode ---- */

static bool serves(const struct contender *contender)
{
    return contender->enough && contender->broken.n == 0;
}

/* Of those that do not serve: of what is large enough the one that breaks the fewest rules; else
 * the largest. */
static struct contender *choose_worst(struct contenders *contenders)
{
    struct contender *best = NULL;
    for (vec_each(contenders, contender)) {
        if (best == NULL || (contender->enough && !best->enough) ||
            (contender->enough == best->enough && contender->broken.n < best->broken.n)) {
            best = contender;
        }
    }
    return best;
}

/* Smaller types were large enough and broke a rule, so that the whole GPU would serve a part's
 * need: their reasons. NULL: not so. */
static const struct checks *turned_down(const struct contenders *contenders,
                                        const struct contender *chosen)
{
    for (vec_each(contenders, contender)) {
        if (contender == chosen) {
            return NULL;
        }
        if (contender->enough && contender->broken.n > 0 && !contender->whole) {
            return &contender->broken;
        }
    }
    return NULL;
}

static void note_too_small(const struct need *need, struct advice *advice)
{
    struct check *check = vec_push(&advice->reasons);
    STR_SET(check->rule, "size-does-not-exist");
    check->result = CHECK_FAILED;
    char compute[40] = "";
    if (need->compute > 0) {
        str_print(compute, sizeof(compute), " and %u %% of the compute", need->compute);
    }
    str_print(check->message, sizeof(check->message), "%s has nothing in mode %s with %u MiB%s%s",
              advice->model->name, claim_mode_name(advice->mode), need->memory_mib,
              need->usable_memory ? " that the guest sees" : "", compute);
    STR_SET(check->document, "the catalog's file of the board");
}

/* What a GPU as it comes has to be set to: it shares its time by best effort (NVIDIA vGPU software
 * user guide, "Changing Scheduling Behavior for Time-Sliced vGPUs"). Of a host's GPU its plan says
 * it; a GPU instance gets its policy when it is made. */
static void note_change(const struct need *need, struct advice *advice)
{
    enum scheduler_policy wanted = need_policy(need, advice->whole);
    if (advice->verdict != VERDICT_YES || advice->mode != CLAIM_TIME_SLICED ||
        wanted == SCHEDULER_UNKNOWN || wanted == SCHEDULER_BEST_EFFORT) {
        return;
    }
    advice->verdict = VERDICT_WITH_CHANGE;
    str_print(advice->change, sizeof(advice->change), "set %s scheduling on the GPU%s",
              scheduler_policy_name(wanted),
              wanted == SCHEDULER_FIXED_SHARE ? " (all its vGPUs then have one size)" : "");
}

/* A refusal of a GPU, or of a board: by a rule, else by the kind of reason. */
static void note_refusal(const struct error *err, const char *source, struct advice *advice)
{
    struct check *check = vec_push(&advice->reasons);
    STR_SET(check->rule, err->rule[0] != '\0' ? err->rule : reason_name(err->reason));
    check->result = CHECK_FAILED;
    STR_SET(check->message, err->message);
    STR_SET(check->hint, err->hint);
    STR_SET(check->document, err->rule[0] != '\0' ? "" : source);
}

static struct advice of_contender(const struct gpu_model *model, const struct need *need,
                                  enum claim_mode mode, const struct contender *contender)
{
    struct advice advice = {.mode = mode,
                            .verdict = serves(contender) ? VERDICT_YES : VERDICT_NO,
                            .model = model,
                            .type = contender->type,
                            .profile = contender->profile,
                            .whole = contender->whole,
                            .per_gpu = contender->per_gpu,
                            .licences = contender->licences,
                            .wasted_mib = CAT_UNKNOWN,
                            .wasted_compute = CAT_UNKNOWN,
                            .unseen_mib = contender->unseen_mib,
                            .compute = contender->compute};
    if (!contender->least && contender->memory_mib != CAT_UNKNOWN &&
        contender->memory_mib >= need->memory_mib) {
        advice.wasted_mib = contender->memory_mib - need->memory_mib;
    }
    if (need->compute > 0 && advice.compute != CAT_UNKNOWN && advice.compute >= need->compute) {
        advice.wasted_compute = advice.compute - need->compute;
    }
    return advice;
}

/* One mode of a board, or of a GPU of its kind. */
struct mode_search {
    const struct rules *rules;
    const struct gpu_model *model;
    const struct need *need;
    enum claim_mode mode;
    const struct advise_gpu *gpu; /* NULL: the board as such */
    struct contenders contenders;
};

/* Where no source says how many fit, no more than the memory is divided into. */
static uint32_t most_on(const struct advice *advice)
{
    uint32_t size = advice->type != NULL ? type_nominal_mib(advice->type) : CAT_UNKNOWN;
    uint32_t memory = advice->model->memory_mib;
    return advice->per_gpu != CAT_UNKNOWN                 ? advice->per_gpu
           : size == CAT_UNKNOWN || memory == CAT_UNKNOWN ? CAT_UNKNOWN
                                                          : memory / size;
}

/* A board as such: so many VMs like this one on one GPU. A host's GPU says it of what it has. */
static int check_board(const struct need *need, const struct advice *advice, struct error *err)
{
    uint32_t most = most_on(advice);
    if (need->count <= 1 || most == CAT_UNKNOWN || most >= need->count) {
        return 0;
    }
    return error_set(err, REASON_NO_CAPACITY, "",
                     "%s has room for %u such VM%s in mode %s, and the need is of %u on one GPU",
                     advice->model->name, most, most == 1 ? "" : "s", claim_mode_name(advice->mode),
                     need->count);
}

static int ask(const struct mode_search *search, const struct contender *contender,
               struct advice *advice, struct error *err)
{
    if (search->gpu != NULL) {
        return search->gpu->ask(search->gpu->data, advice, err);
    }
    note_change(search->need, advice);
    int result = check_board(search->need, advice, err);
    if (result == 0) {
        contender_warn(search->rules, search->model, search->need, search->mode, contender,
                       &advice->warnings);
    }
    return result;
}

/* The smallest contender that serves, and that the GPU takes. False: none; then *ret_advice has the
 * GPU's word on the first that would have served, if there was one. */
static bool choose(const struct mode_search *search, struct advice *ret_advice)
{
    struct error refusal = {0};
    bool refused = false;
    for (vec_each(&search->contenders, contender)) {
        struct error err = {0};
        if (!serves(contender) || (refused && contender->whole && !ret_advice->whole)) {
            continue; /* a whole GPU stands for its mode only where no part of it would do */
        }
        if (refused && search->gpu == NULL && contender->per_gpu == CAT_UNKNOWN) {
            continue; /* it is no smaller than one that has too little room */
        }
        struct advice advice = of_contender(search->model, search->need, search->mode, contender);
        if (ask(search, contender, &advice, &err) == 0) {
            const struct checks *others = turned_down(&search->contenders, contender);
            if (others != NULL) {
                vec_own(&advice.reasons, others);
            }
            *ret_advice = advice;
            return true;
        }
        if (!refused) {
            refused = true;
            refusal = err;
            *ret_advice = advice;
        }
    }
    if (refused) {
        ret_advice->verdict = VERDICT_NO;
        ret_advice->change[0] = '\0';
        note_refusal(&refusal,
                     search->gpu == NULL ? "the catalog's file of the board" : ADVISE_SOURCE_HOST,
                     ret_advice);
    }
    return false;
}

static struct advice advise_mode(struct mode_search *search)
{
    struct advice advice = {.model = NULL};
    contenders_judge(search->rules, search->model, search->need, search->mode, &search->contenders);
    if (!choose(search, &advice) && advice.model == NULL) {
        const struct contender *worst = choose_worst(&search->contenders);
        advice = of_contender(search->model, search->need, search->mode, worst);
        advice.verdict = VERDICT_NO;
        vec_own(&advice.reasons, &worst->broken);
        if (advice.reasons.n == 0) {
            note_too_small(search->need, &advice);
        }
    }
    contenders_done(&search->contenders);
    return advice;
}

/* ---- which is better ---- */

/* A whole GPU by a rule other than size, where a part of it serves as well: its owner would pay for
 * what others could use. */
static bool is_dominated(const struct advice *advice, const struct advices *all)
{
    if (advice->verdict == VERDICT_NO || !advice->whole || advice->reasons.n == 0) {
        return false;
    }
    for (vec_each(all, other)) {
        if (other->verdict != VERDICT_NO && !other->whole) {
            return true;
        }
    }
    return false;
}

/* Modes in order of preference, by what the VM asks of the others on its GPU. */
static const uint8_t preference[][CLAIM_MODE_COUNT] = {
    /* nothing: what shares best */
    {[CLAIM_TIME_SLICED] = 0,
     [CLAIM_TIME_SLICED_MIG_BACKED] = 1,
     [CLAIM_MIG_BACKED] = 2,
     [CLAIM_GPU_INSTANCE] = 3,
     [CLAIM_PASSTHROUGH] = 4},
    /* to be left alone: what is its own */
    {[CLAIM_MIG_BACKED] = 0,
     [CLAIM_GPU_INSTANCE] = 1,
     [CLAIM_TIME_SLICED] = 2,
     [CLAIM_TIME_SLICED_MIG_BACKED] = 3,
     [CLAIM_PASSTHROUGH] = 4},
    /* a whole GPU: what adds nothing to it */
    {[CLAIM_PASSTHROUGH] = 0,
     [CLAIM_TIME_SLICED] = 1,
     [CLAIM_MIG_BACKED] = 2,
     [CLAIM_TIME_SLICED_MIG_BACKED] = 3,
     [CLAIM_GPU_INSTANCE] = 4},
};

/* The lower, the better; digits of it from the most to the least important. */
static uint32_t cost(const struct advice *advice, const struct need *need)
{
    bool alone = need->predictable || need->isolation == ISOLATION_HARDWARE;
    bool grouped = need->boundary == BOUNDARY_GROUP && advice->mode != CLAIM_TIME_SLICED_MIG_BACKED;
    bool short_of = advice->per_gpu != CAT_UNKNOWN && advice->per_gpu < need->count;
    const uint8_t *row = preference[advice->whole ? 2 : alone ? 1 : 0];
    return (advice->verdict == VERDICT_NO ? 10000 : 0) + (grouped ? 1000U : 0) +
           (short_of ? 100U : 0) + (advice->whole ? 10U : 0) + row[advice->mode];
}

static void sort(struct advices *advices, size_t first)
{
    for (size_t i = first + 1; i < advices->n; i++) {
        for (size_t k = i; k > first && advices->items[k].order < advices->items[k - 1].order;
             k--) {
            struct advice other = advices->items[k];
            advices->items[k] = advices->items[k - 1];
            advices->items[k - 1] = other;
        }
    }
}

void advise_gpu(const struct rules *rules, const struct gpu_model *model, const struct need *need,
                const struct advise_gpu *gpu, struct advices *ret_advices)
{
    size_t first = ret_advices->n;
    for (uint32_t mode = 0; mode < CLAIM_MODE_COUNT; mode++) {
        struct mode_search search = {.rules = rules,
                                     .model = model,
                                     .need = need,
                                     .mode = (enum claim_mode)mode,
                                     .gpu = gpu};
        struct advice advice = advise_mode(&search);
        *vec_push(ret_advices) = advice;
    }
    struct advices these = {.items = ret_advices->items + first, .n = CLAIM_MODE_COUNT};
    for (vec_each(&these, advice)) {
        if (is_dominated(advice, &these)) {
            advice->verdict = VERDICT_NO;
        }
    }
    for (vec_each(&these, advice)) {
        advice->order = cost(advice, need);
    }
    sort(ret_advices, first);
    uint32_t rank = 0;
    for (vec_each(&these, advice)) {
        advice->rank = advice->verdict == VERDICT_NO ? 0 : ++rank;
    }
}

void advise_board(const struct rules *rules, const struct gpu_model *model, const struct need *need,
                  struct advices *ret_advices)
{
    advise_gpu(rules, model, need, NULL, ret_advices);
}

void advice_done(struct advice *advice)
{
    vec_done(&advice->reasons);
    vec_done(&advice->warnings);
}

void advices_done(struct advices *advices)
{
    for (vec_each(advices, advice)) {
        advice_done(advice);
    }
    vec_done(advices);
}
