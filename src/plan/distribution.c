/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/distribution.h"

#include <string.h>

#include "base/str.h"
#include "place/joint.h"
#include "plan/alike.h"
#include "plan/group.h"
#include "plan/options.h"
#include "plan/work_solve.h"
#include "plan/work_try.h"

/* A judgement takes some 50 us: a second at the most. What failed takes 27 MB at the most. */
#define MAX_JUDGED 20000
#define MAX_STEPS 100000

/* Claims that every GPU takes for the same. */
struct kind {
    VEC(const struct claim *) claims;
    struct options options; /* of the first of them, on all GPUs */
};

/* One way to serve a claim of a kind: a single one for exact words, several for a need. */
struct piece {
    uint32_t kind;
    const struct claim_spec *spec; /* of the kind's options */
};

/* A piece on one GPU: the claim as it would come there. */
struct entry {
    bool admitted;
    size_t option; /* of the kind */
    struct admitted as;
};

struct distribution {
    struct works *works;
    VEC(struct kind) kinds;
    VEC(struct piece) pieces;
    struct entry *entries; /* per GPU and piece */
    struct joint_kind sizes[JOINT_MAX];
    uint32_t kind_of[JOINT_MAX]; /* per piece */
    uint32_t *classes;           /* per GPU */
};

static struct entry *entry_at(const struct distribution *it, size_t gpu, size_t piece)
{
    return &it->entries[gpu * it->pieces.n + piece];
}

void distribution_take_back(struct works *works)
{
    for (size_t g = 0; g < works->n; g++) {
        works->items[g].n_added = 0;
        work_solve_again(&works->items[g]);
    }
}

/* ---- kinds of claims ---- */

/* Has the claim's VM another claim, of which what it may have depends? */
static bool is_of_several(const struct works *works, const struct claim *const *claims, size_t n,
                          const struct claim *claim)
{
    size_t others = 0;
    const struct claims *stored = works->items[0].planner->claims;
    for (size_t i = 0; claim->vm[0] != '\0' && i < n; i++) {
        others += claims[i] != claim && str_eq(claims[i]->vm, claim->vm);
    }
    for (size_t i = 0; claim->vm[0] != '\0' && i < stored->n; i++) {
        others +=
            !str_eq(stored->items[i].name, claim->name) && str_eq(stored->items[i].vm, claim->vm);
    }
    return others > 0;
}

/* False: more kinds than are searched. */
static bool sort_claims(struct distribution *it, const struct claim *const *claims, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct claim *claim = claims[i];
        bool alone = !claim->reserved.set && !is_of_several(it->works, claims, n, claim);
        struct kind *mine = NULL;
        for (vec_each(&it->kinds, kind)) {
            const struct claim *first = kind->claims.items[0];
            if (alone && !first->reserved.set && claim_asks_for_the_same(first, claim) &&
                !is_of_several(it->works, claims, n, first)) {
                mine = kind;
            }
        }
        if (mine == NULL && it->kinds.n == JOINT_MAX) {
            return false;
        }
        if (mine == NULL) {
            mine = vec_push(&it->kinds);
            options_list(it->works->items[0].planner, claim, &mine->options);
        }
        *vec_push(&mine->claims) = claim;
    }
    return true;
}

static uint32_t size_of(const struct entry *entry)
{
    const struct admitted *as = &entry->as;
    uint32_t mib = as->type != NULL      ? as->type->framebuffer_mib
                   : as->profile != NULL ? as->profile->memory_mib
                   : as->model != NULL   ? as->model->memory_mib
                                         : CAT_UNKNOWN;
    return mib == CAT_UNKNOWN ? 0 : mib;
}

/* Each way of a kind once, the best first; false: more than are searched. */
static bool list_pieces(struct distribution *it)
{
    for (uint32_t k = 0; k < it->kinds.n; k++) {
        size_t first = it->pieces.n;
        for (vec_each(&it->kinds.items[k].options, option)) {
            bool known = false;
            for (size_t p = first; p < it->pieces.n; p++) {
                known = known || option_is_same_way(it->pieces.items[p].spec, &option->spec);
            }
            if (!known) {
                *vec_push(&it->pieces) = (struct piece){.kind = k, .spec = &option->spec};
            }
        }
    }
    for (size_t p = 0; p < it->pieces.n && p < JOINT_MAX; p++) {
        it->kind_of[p] = it->pieces.items[p].kind;
    }
    return it->pieces.n <= JOINT_MAX;
}

static void admit(struct distribution *it, size_t g, size_t p)
{
    struct entry *entry = entry_at(it, g, p);
    const struct kind *kind = &it->kinds.items[it->pieces.items[p].kind];
    for (size_t i = 0; i < kind->options.n; i++) {
        const struct option *option = &kind->options.items[i];
        if (option->gpu == g && option_is_same_way(&option->spec, it->pieces.items[p].spec)) {
            const struct claim claim = option_claim(option, kind->claims.items[0]);
            entry->option = i;
            entry->admitted = work_admit(&it->works->items[g], &claim, &entry->as, NULL) == 0;
        }
    }
}

static void admit_all(struct distribution *it)
{
    it->entries = xcalloc(it->works->n * it->pieces.n + 1, sizeof(*it->entries));
    for (size_t k = 0; k < it->kinds.n; k++) {
        it->sizes[k] =
            (struct joint_kind){.n = (uint32_t)it->kinds.items[k].claims.n, .size = UINT32_MAX};
    }
    for (size_t p = 0; p < it->pieces.n; p++) {
        uint32_t *size = &it->sizes[it->kind_of[p]].size;
        for (size_t g = 0; g < it->works->n; g++) {
            admit(it, g, p);
            const struct entry *entry = entry_at(it, g, p);
            *size = entry->admitted && size_of(entry) < *size ? size_of(entry) : *size;
        }
    }
    for (size_t k = 0; k < it->kinds.n; k++) {
        it->sizes[k].size = it->sizes[k].size == UINT32_MAX ? 0 : it->sizes[k].size;
    }
}

/* ---- classes of GPUs ---- */

/* Does any claim find the same on both, and each piece? */
static bool is_like(const struct distribution *it, size_t a, size_t b)
{
    const struct gpu_work *one = &it->works->items[a];
    const struct gpu_work *other = &it->works->items[b];
    bool same = one->n_gone + other->n_gone == 0 && alike_are(one, other);
    for (size_t p = 0; same && p < it->pieces.n; p++) {
        same = entry_at(it, a, p)->admitted == entry_at(it, b, p)->admitted;
    }
    return same;
}

static void sort_gpus(struct distribution *it)
{
    it->classes = xcalloc(it->works->n, sizeof(*it->classes));
    for (size_t g = 0; g < it->works->n; g++) {
        it->classes[g] = (uint32_t)g;
        for (size_t before = 0; before < g; before++) {
            if (it->classes[before] == before && is_like(it, g, before)) {
                it->classes[g] = (uint32_t)before;
                break;
            }
        }
    }
}

/* ---- what one GPU can hold, and what all do ---- */

static bool gpu_holds(void *data, uint32_t gpu, const uint16_t *counts)
{
    struct distribution *it = data;
    struct gpu_work *work = &it->works->items[gpu];
    size_t taken[JOINT_MAX] = {0}; /* of each kind */
    work->n_added = 0;
    for (size_t p = 0; p < it->pieces.n; p++) {
        const struct entry *entry = entry_at(it, gpu, p);
        for (size_t i = 0; i < counts[p]; i++) {
            if (!entry->admitted || work->n_added == WORK_MAX_CLAIMS) {
                work->n_added = 0;
                return false;
            }
            struct admitted *added = &work->added[work->n_added];
            uint32_t kind = it->kind_of[p];
            *added = entry->as;
            added->claim = *it->kinds.items[kind].claims.items[taken[kind]++];
            added->claim.spec = entry->as.claim.spec;
            work->moved[work->n_added++] = NULL;
        }
    }
    bool holds = work_solve(work, NULL) == 0 && group_check(work, NULL) == 0;
    work->n_added = 0;
    return holds;
}

static bool take_one(const struct distribution *it, size_t g, size_t p, const struct claim *stored)
{
    struct gpu_work *work = &it->works->items[g];
    const struct kind *kind = &it->kinds.items[it->kind_of[p]];
    size_t option = entry_at(it, g, p)->option;
    const struct claim claim = option_claim(&kind->options.items[option], stored);
    if (work_try(work, &claim, NULL, NULL) != 0) {
        return false;
    }
    if (claim_is_open(stored)) {
        struct claim *added = &work->added[work->n_added - 1].claim;
        options_describe(&kind->options, option, work->bdf, added->choice);
    }
    return true;
}

/* Each claim is tried as one that comes alone: only that is sure. */
static bool take_in(void *data, const uint16_t *counts)
{
    struct distribution *it = data;
    size_t taken[JOINT_MAX] = {0};
    distribution_take_back(it->works);
    for (size_t g = 0; g < it->works->n; g++) {
        for (size_t p = 0; p < it->pieces.n; p++) {
            const struct kind *kind = &it->kinds.items[it->kind_of[p]];
            for (size_t i = 0; i < counts[g * it->pieces.n + p]; i++) {
                const struct claim *claim = kind->claims.items[taken[it->kind_of[p]]++];
                if (!take_one(it, g, p, claim)) {
                    distribution_take_back(it->works);
                    return false;
                }
            }
        }
    }
    return true;
}

/* ---- the answer ---- */

static void tell(const struct joint_answer *answer, size_t n, struct error *err)
{
    char text[ERROR_TEXT_SIZE];
    CLEANUP_STRBUF struct strbuf out = {0};
    if (err == NULL) {
        return;
    }
    STR_SET(text, err->message);
    strbuf_addf(&out, "%s; ", text);
    if (answer->verdict == JOINT_NONE) {
        strbuf_addf(&out, "no distribution of the %zu claims over the GPUs serves all", n);
    } else {
        strbuf_addf(&out,
                    "none of the distributions tried serves all %zu claims, and the search ended "
                    "at its limits: by number and size there is room for at most %u",
                    n, answer->at_most);
    }
    if (answer->verdict == JOINT_NONE && answer->at_most > 0 && answer->at_most < n) {
        strbuf_addf(&out, ", there is room for at most %u of them", answer->at_most);
    }
    STR_SET(err->message, strbuf_str(&out));
}

static void distribution_done(struct distribution *it)
{
    for (vec_each(&it->kinds, kind)) {
        vec_done(&kind->claims);
        vec_done(&kind->options);
    }
    vec_done(&it->kinds);
    vec_done(&it->pieces);
    free(it->entries);
    free(it->classes);
}

bool distribution_make(struct works *works, const struct claim *const *claims, size_t n,
                       struct error *err)
{
    CLEANUP(distribution_done) struct distribution it = {.works = works};
    if (works->n > JOINT_MAX_BINS || n > JOINT_MAX_ITEMS || !sort_claims(&it, claims, n) ||
        !list_pieces(&it)) {
        return false;
    }
    admit_all(&it);
    sort_gpus(&it);
    const struct joint_question question = {.kinds = it.sizes,
                                            .n_kinds = (uint32_t)it.kinds.n,
                                            .pieces = it.kind_of,
                                            .n_pieces = (uint32_t)it.pieces.n,
                                            .classes = it.classes,
                                            .n_bins = (uint32_t)works->n,
                                            .holds = gpu_holds,
                                            .accepts = take_in,
                                            .data = &it,
                                            .max_judged = MAX_JUDGED,
                                            .max_steps = MAX_STEPS};
    CLEANUP(joint_answer_done) struct joint_answer answer;
    joint_choose(&question, &answer);
    if (answer.verdict == JOINT_FOUND) {
        return true;
    }
    distribution_take_back(works);
    tell(&answer, n, err);
    return false;
}
