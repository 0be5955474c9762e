/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/away.h"

#include "base/mem.h"
#include "base/str.h"
#include "plan/candidate.h"
#include "plan/idle.h"
#include "plan/options.h"
#include "plan/room.h"
#include "plan/work_solve.h"
#include "plan/work_try.h"

#define MAX_TRIES 256 /* sets of claims that are tried for one claim */

/* Idle claims of one GPU that another one has room for. */
struct leaving {
    const struct claim *items[WORK_MAX_CLAIMS];
    size_t n;
};

struct search {
    struct works *works;
    const struct claim *claim;
    struct gpu_work *from;
    const struct leaving *idle; /* of it */
    struct leaving *leaving;    /* of each GPU */
    size_t n;                   /* so many of them leave */
    const struct claim *chosen[WORK_MAX_CLAIMS];
    size_t n_chosen;
    unsigned tries;
};

/* ---- one set ---- */

/* An idle claim that looks for another GPU, and for other words if it has a need. */
struct errand {
    const struct search *search;
    const struct claim *claim; /* as it would come there */
    const struct claim *stored;
    struct options ways; /* the candidates */
};

static struct gpu_work *work_at(const struct errand *errand, uint32_t candidate)
{
    return &errand->search->works->items[errand->ways.items[candidate].gpu];
}

/* A claim without a vGPU has another kind of device in its VM's definition, and keeps that kind. */
static bool score_other(void *data, uint32_t candidate, struct place_score *ret_score)
{
    const struct errand *errand = data;
    const struct option *way = &errand->ways.items[candidate];
    const struct gpu_work *work = work_at(errand, candidate);
    const struct claim claim = option_claim(way, errand->claim);
    if (work == errand->search->from || claim_has_vgpu(&claim) != claim_has_vgpu(errand->stored)) {
        return false;
    }
    option_score(way, ret_score->keys);
    candidate_score(work, &claim, &ret_score->keys[OPTION_KEYS]);
    return true;
}

static int judge_other(void *data, const struct place_entry *entry, struct error *err)
{
    const struct errand *errand = data;
    const struct claim claim = option_claim(&errand->ways.items[entry->candidate], errand->claim);
    return work_try(work_at(errand, entry->candidate), &claim, errand->stored, err);
}

/* Says in the claim that was added last where it is now, and in which words. */
static void note_choice(const struct errand *errand, uint32_t chosen)
{
    struct gpu_work *work = work_at(errand, chosen);
    struct claim *claim = &work->added[work->n_added - 1].claim;
    if (claim_is_open(errand->claim)) {
        options_describe(&errand->ways, chosen, work->bdf, claim->choice);
    }
}

/* The other GPU that it would be given if it came now; NULL: none takes it. */
static struct gpu_work *send(const struct search *search, const struct claim *claim,
                             const struct claim *stored)
{
    struct errand errand = {.search = search, .claim = claim, .stored = stored};
    options_list(search->from->planner, claim, &errand.ways);
    const struct place_question question = {
        .n = (uint32_t)errand.ways.n, .score = score_other, .judge = judge_other, .data = &errand};
    CLEANUP(place_answer_done) struct place_answer answer;
    struct gpu_work *to = NULL;
    if (place_choose(&question, &answer) == 0) {
        to = work_at(&errand, answer.chosen);
        note_choice(&errand, answer.chosen);
    }
    vec_done(&errand.ways);
    return to;
}

/* A claim as it comes to another GPU: with a need it is chosen again within that. */
static struct claim come_elsewhere(const struct claim *stored)
{
    struct claim claim = room_come_again(stored);
    claim_reopen(&claim);
    return claim;
}

static void take_back(const struct search *search, const size_t *n_added)
{
    struct gpu_work *from = search->from;
    for (size_t i = 0; i < search->n_chosen; i++) {
        work_take_out(from->gone, &from->n_gone, search->chosen[i]);
        from->kept[from->n_kept++] = search->chosen[i];
    }
    for (size_t g = 0; g < search->works->n; g++) {
        struct gpu_work *work = &search->works->items[g];
        if (work == from || work->n_added != n_added[g]) {
            work->n_added = n_added[g];
            work_solve_again(work);
        }
    }
}

static bool try_set(struct search *search)
{
    struct gpu_work *from = search->from;
    CLEANUP_FREE size_t *n_added = xcalloc(search->works->n, sizeof(*n_added));
    for (size_t g = 0; g < search->works->n; g++) {
        n_added[g] = search->works->items[g].n_added;
    }
    for (size_t i = 0; i < search->n_chosen; i++) {
        work_take_out(from->kept, &from->n_kept, search->chosen[i]);
        from->gone[from->n_gone++] = search->chosen[i];
    }
    work_sort_gone(from);
    search->tries++;
    bool goes = work_try(from, search->claim, NULL, NULL) == 0;
    for (size_t i = 0; goes && i < search->n_chosen; i++) {
        const struct claim claim = come_elsewhere(search->chosen[i]);
        goes = send(search, &claim, search->chosen[i]) != NULL;
    }
    /* A solution from before all of them had somewhere to go would take them out of definitions. */
    goes = goes && work_solve(from, NULL) == 0;
    if (!goes) {
        take_back(search, n_added);
    }
    return goes;
}

/* ---- all sets, the smallest first ---- */

/* All sets with `n` more of the idle claims from `i` on. */
static bool choose(struct search *search, size_t i, size_t n)
{
    if (n == 0) {
        return try_set(search);
    }
    for (; i + n <= search->idle->n && search->tries < MAX_TRIES; i++) {
        search->chosen[search->n_chosen++] = search->idle->items[i];
        if (choose(search, i + 1, n - 1)) {
            return true;
        }
        search->n_chosen--;
    }
    return false;
}

/* Has another GPU room for it as things are, whatever VM it is for? If not, there is none next to
 * others that go, either. */
static bool can_go(struct search *search, const struct claim *stored)
{
    struct claim claim = come_elsewhere(stored);
    claim.vm[0] = claim.vm_uuid[0] = '\0';
    struct gpu_work *to = send(search, &claim, stored);
    if (to != NULL) {
        to->n_added--;
        work_solve_again(to);
    }
    return to != NULL;
}

static void list_idle(struct search *search, struct gpu_work *from, struct leaving *leaving)
{
    struct admitted ignored;
    search->from = from;
    if (admit_on_gpu(from->planner, search->claim, from->gpu, &ignored, NULL) != 0) {
        return;
    }
    const struct claim *refused = NULL;
    for (size_t i = 0; i < from->n_kept; i++) {
        const struct claim *claim = from->kept[i];
        if ((refused != NULL && claim_asks_for_the_same(refused, claim)) ||
            !idle_is(from, claim, IDLE_FOR_ANOTHER_GPU)) {
            continue;
        }
        if (!can_go(search, claim)) {
            refused = claim;
        } else if (from->n_gone + leaving->n < WORK_MAX_CLAIMS) {
            leaving->items[leaving->n++] = claim;
        }
    }
}

static int judge_leaving(void *data, const struct place_entry *entry, struct error *err)
{
    struct search *search = data;
    (void)err;
    search->from = &search->works->items[entry->candidate];
    search->idle = &search->leaving[entry->candidate];
    search->n_chosen = 0;
    return choose(search, 0, search->n) ? 0 : -REASON_NO_CAPACITY;
}

bool away_make(struct works *works, const struct claim *claim)
{
    CLEANUP_FREE struct leaving *leaving = xcalloc(works->n, sizeof(*leaving));
    struct search search = {.works = works, .claim = claim, .leaving = leaving};
    const struct place_question question = {
        .n = (uint32_t)works->n, .judge = judge_leaving, .data = &search};
    size_t most = 0;
    for (size_t g = 0; works->n > 1 && g < works->n; g++) {
        list_idle(&search, &works->items[g], &leaving[g]);
        most = leaving[g].n > most ? leaving[g].n : most;
    }
    for (search.n = 1; search.n <= most && search.tries < MAX_TRIES; search.n++) {
        if (place_choose(&question, NULL) == 0) {
            return true;
        }
    }
    return false;
}
