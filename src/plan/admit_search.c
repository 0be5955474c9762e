/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/admit_search.h"

static const struct gpu *gpu_at(const struct admit_search *search, uint32_t candidate)
{
    return &search->planner->host->gpus.items[candidate];
}

static bool is_candidate(void *data, uint32_t candidate, struct place_score *ret_score)
{
    (void)ret_score;
    const struct admit_search *search = data;
    return admit_selects(search->planner, search->claim, gpu_at(search, candidate));
}

/* The GPU's options in their order: the best that it admits; else why not the best. */
static int judge(void *data, const struct place_entry *entry, struct error *err)
{
    struct admit_search *search = data;
    const struct gpu *gpu = gpu_at(search, entry->candidate);
    int result = 0;
    bool asked = false;
    for (vec_each(&search->options, option)) {
        if (option->gpu != entry->candidate) {
            continue;
        }
        const struct claim one = option_claim(option, search->claim);
        int r = admit_on_gpu(search->planner, &one, gpu, &search->admitted, asked ? NULL : err);
        if (r == 0) {
            return 0;
        }
        result = asked ? result : r;
        asked = true;
    }
    return asked ? result : options_refuse(search->planner, search->claim, gpu, err);
}

/* A GPU that can't be used did not judge the claim: its quarantine says less than a broken rule. */
static int rank(void *data, const struct place_entry *entry)
{
    const struct gpu *gpu = gpu_at(data, entry->candidate);
    return reason_rank(gpu->problem[0] != '\0' ? REASON_DRIVER : (enum reason)entry->reason);
}

void admit_search_begin(struct admit_search *search, const struct planner *planner,
                        const struct claim *claim)
{
    *search = (struct admit_search){.planner = planner, .claim = claim};
    options_list(planner, claim, &search->options);
}

void admit_search_done(struct admit_search *search)
{
    vec_done(&search->options);
}

struct place_question admit_search_question(struct admit_search *search)
{
    return (struct place_question){.n = (uint32_t)search->planner->host->gpus.n,
                                   .score = is_candidate,
                                   .judge = judge,
                                   .rank = rank,
                                   .data = search};
}
