/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/need_refusal.h"

#include "advise/serving_boards.h"
#include "base/str.h"
#include "plan/passed_over.h"
#include "plan/work_solve.h"
#include "plan/work_try.h"

struct refusal {
    struct works *works;
    const struct claim *claim;
    const struct options *options;
};

/* ---- each GPU's reason ---- */

static bool is_candidate(void *data, uint32_t candidate, struct place_score *ret_score)
{
    const struct refusal *refusal = data;
    const struct gpu_work *work = &refusal->works->items[candidate];
    (void)ret_score;
    return admit_selects(work->planner, refusal->claim, work->gpu);
}

/* Of all options on the GPU the most telling refusal; of equally telling ones the best option's. */
static int judge(void *data, const struct place_entry *entry, struct error *err)
{
    const struct refusal *refusal = data;
    struct gpu_work *work = &refusal->works->items[entry->candidate];
    struct error most = {0};
    int result = 0;
    for (vec_each(refusal->options, option)) {
        struct error why = {0};
        if (option->gpu != entry->candidate) {
            continue;
        }
        const struct claim one = option_claim(option, refusal->claim);
        int r = work_try(work, &one, NULL, &why);
        if (r == 0) { /* not refused, which the caller saw otherwise: leave it as it was */
            work->n_added--;
            work_solve_again(work);
            return 0;
        }
        if (result == 0 || reason_rank(why.reason) > reason_rank(most.reason)) {
            most = why;
            result = r;
        }
    }
    if (result == 0) {
        return options_refuse(work->planner, refusal->claim, work->gpu, err);
    }
    if (err != NULL) {
        *err = most;
    }
    return result;
}

/* ---- what would fit ---- */

static bool score_less(void *data, uint32_t candidate, struct place_score *ret_score)
{
    const struct refusal *refusal = data;
    ret_score->keys[0] = UINT32_MAX - refusal->options->items[candidate].memory_mib;
    ret_score->keys[1] = refusal->options->items[candidate].order;
    return true;
}

static int judge_less(void *data, const struct place_entry *entry, struct error *err)
{
    const struct refusal *refusal = data;
    const struct option *option = &refusal->options->items[entry->candidate];
    struct gpu_work *work = &refusal->works->items[option->gpu];
    const struct claim one = option_claim(option, refusal->claim);
    int r = work_try(work, &one, NULL, err);
    if (r == 0) {
        work->n_added--;
        work_solve_again(work);
    }
    return r;
}

/* The most memory and compute that could be had now, under the rest of the need. */
static void tell_less(struct works *works, const struct claim *claim, struct error *err)
{
    struct claim wish = *claim;
    struct options options = {0};
    struct refusal refusal = {.works = works, .claim = &wish, .options = &options};
    wish.need.memory_mib = wish.need.compute = 0;
    options_list(works->items[0].planner, &wish, &options);
    const struct place_question question = {
        .n = (uint32_t)options.n, .score = score_less, .judge = judge_less, .data = &refusal};
    CLEANUP(place_answer_done) struct place_answer answer;
    if (place_choose(&question, &answer) == 0) {
        char bdf[BDF_SIZE];
        char before[sizeof(err->hint)];
        const struct option *option = &options.items[answer.chosen];
        const struct claim_spec *spec = &option->spec;
        STR_SET(before, err->hint);
        error_hint(err, "nearest that fits: %s on GPU %s%s%s",
                   spec->type[0] != '\0'      ? spec->type
                   : spec->profile[0] != '\0' ? spec->profile
                                              : claim_mode_name(spec->mode),
                   pci_addr_format(&works->items[option->gpu].gpu->addr, bdf),
                   before[0] != '\0' ? "; or " : "", before);
    } else if (err->hint[0] == '\0') {
        error_hint(err, "nothing smaller fits either: delete a claim that is not needed, or use "
                        "another host");
    }
    vec_done(&options);
}

/* ---- both ---- */

void need_tell_boards(const struct planner *planner, const struct claim *claim, struct error *err)
{
    char text[SERVING_BOARDS_TEXT_SIZE];
    char before[sizeof(err->hint)];
    if (err == NULL || claim->typed.set) {
        return;
    }
    STR_SET(before, err->hint);
    serving_boards_describe(planner->rules, planner->catalog, &claim->need, text);
    error_hint(err, "%s%s%s", text, before[0] != '\0' ? "; or " : "", before);
}

void need_refuse(struct works *works, const struct claim *claim, const struct options *options,
                 struct error *err)
{
    struct refusal refusal = {.works = works, .claim = claim, .options = options};
    const struct planner *planner = works->items[0].planner;
    const struct place_question question = {
        .n = (uint32_t)works->n, .score = is_candidate, .judge = judge, .data = &refusal};
    if (err == NULL) {
        return;
    }
    CLEANUP(place_answer_done) struct place_answer answer;
    (void)place_choose(&question, &answer);
    if (answer.n == 0) {
        error_set(err, REASON_NOT_FOUND, "host", "this host has no GPU for claim \"%s\"",
                  claim->name);
        return;
    }
    const struct passed_over passed = {
        .planner = planner, .question = &question, .answer = &answer, .works = works->items};
    passed_over_tell(&passed, claim, err);
    if (options->n == 0) {
        need_tell_boards(planner, claim, err);
    } else if (err->reason == REASON_NO_CAPACITY) {
        tell_less(works, claim, err);
    }
}
