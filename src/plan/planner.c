/* SPDX-License-Identifier: Apache-2.0 */
/* The whole request: claims to GPUs, each GPU's part, one ordered plan. */
#include "plan/planner.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "plan/admit_search.h"
#include "plan/away.h"
#include "plan/bars.h"
#include "plan/candidate.h"
#include "plan/collect.h"
#include "plan/distribution.h"
#include "plan/gpu_gate.h"
#include "plan/group.h"
#include "plan/kept_policy.h"
#include "plan/known_choices.h"
#include "plan/nearby.h"
#include "plan/need_refusal.h"
#include "plan/options.h"
#include "plan/passed_over.h"
#include "plan/reserve.h"
#include "plan/room.h"
#include "plan/rule_warnings.h"
#include "plan/together.h"
#include "plan/unread.h"
#include "plan/work.h"
#include "plan/work_solve.h"
#include "plan/work_try.h"

/* Is what the VM's definition names for the claim a vGPU of another kernel interface than the GPU's
 * vGPUs have now: a mediated device where they are functions, or a function where they are mdevs?
 */
static bool names_other(const struct gpu *gpu, const struct claim *claim)
{
    bool mdev = claim->reserved.mdev_uuid[0] != '\0';
    return claim->reserved.set && claim_has_vgpu(claim) && mdev != (gpu->iface == VGPU_IFACE_MDEV);
}

/* A claim that must get the device named for it: can't it be of this GPU? */
static bool is_elsewhere(const struct gpu_work *work, const struct claim *claim)
{
    const struct claim_device *named = &claim->reserved;
    if (!work->policy->exact_device || !named->set) {
        return false;
    }
    bool mdev = named->mdev_uuid[0] != '\0';
    return names_other(work->gpu, claim) ||
           (!mdev && pci_addr_cmp(&work->gpu->addr, &named->gpu) != 0);
}

/* A GPU whose vGPUs are of another interface than the named one: the kernel was changed. */
static const struct gpu *find_other(const struct works *works, const struct claim *claim)
{
    const struct claim_device *named = &claim->reserved;
    for (size_t g = 0; g < works->n; g++) {
        const struct gpu *gpu = works->items[g].gpu;
        bool same = named->mdev_uuid[0] != '\0' || pci_addr_cmp(&gpu->addr, &named->gpu) == 0;
        if (same && gpu->iface != VGPU_IFACE_NONE && names_other(gpu, claim)) {
            return gpu;
        }
    }
    return NULL;
}

static int refuse_elsewhere(const struct works *works, const struct claim *claim, struct error *err)
{
    char bdf[BDF_SIZE];
    const struct gpu *other = find_other(works, claim);
    if (other != NULL) {
        bool mdev = claim->reserved.mdev_uuid[0] != '\0';
        error_set(err, REASON_CONFLICT, SUBJECT("claim", claim->name),
                  "VM \"%s\" names %s %s for claim \"%s\", but this host's vGPUs are now %s",
                  claim->vm, mdev ? "mediated device" : "virtual function",
                  mdev ? claim->reserved.mdev_uuid : pci_addr_format(&claim->reserved.device, bdf),
                  claim->name,
                  mdev ? "virtual functions (vendor VFIO)" : "mediated devices (mdev)");
        error_hint(err,
                   "`cleave vm start %s` makes the vGPU again, changes the definition, and starts "
                   "the VM",
                   SHELL_ARG(claim->vm));
        return -REASON_CONFLICT;
    }
    error_set(err, REASON_NOT_FOUND, SUBJECT("claim", claim->name),
              "VM \"%s\" names %s for claim \"%s\", but this host has no such GPU", claim->vm,
              pci_addr_format(&claim->reserved.device, bdf), claim->name);
    error_hint(err, "`cleave vm start %s` can choose another GPU", SHELL_ARG(claim->vm));
    return -REASON_NOT_FOUND;
}

/* A claim that looks for its GPU, and for its words if it has a need. */
struct search {
    struct works *works;
    const struct claim *claim;
    struct options options; /* the candidates */
    uint32_t n_here;        /* of them: GPUs that can have the device named for it */
    struct room *rooms;     /* per option: the idle claims that would move */
    struct error first;     /* why the best option was turned down */
    bool may_move;          /* may idle claims go elsewhere for it? */
};

static struct gpu_work *work_of(const struct search *search, uint32_t candidate)
{
    return &search->works->items[search->options.items[candidate].gpu];
}

static struct claim claim_of(const struct search *search, uint32_t candidate)
{
    return option_claim(&search->options.items[candidate], search->claim);
}

static bool score_option(void *data, uint32_t candidate, struct place_score *ret_score)
{
    struct search *search = data;
    const struct gpu_work *work = work_of(search, candidate);
    const struct claim claim = claim_of(search, candidate);
    if (is_elsewhere(work, &claim)) {
        return false;
    }
    search->n_here++;
    option_score(&search->options.items[candidate], ret_score->keys);
    candidate_score(work, &claim, &ret_score->keys[OPTION_KEYS]);
    return admit_selects(work->planner, search->claim, work->gpu);
}

static int judge_option(void *data, const struct place_entry *entry, struct error *err)
{
    struct search *search = data;
    const struct claim claim = claim_of(search, entry->candidate);
    bool best = search->first.reason == REASON_NONE && claim_is_open(search->claim);
    return work_try(work_of(search, entry->candidate), &claim, NULL,
                    err == NULL && best ? &search->first : err);
}

/* Where the fewest idle claims have to move out of the way. For a larger type than the smallest no
 * claim moves. */
static bool score_room(void *data, uint32_t candidate, struct place_score *ret_score)
{
    const struct search *search = data;
    struct gpu_work *work = work_of(search, candidate);
    struct room *room = &search->rooms[candidate];
    struct admitted admitted;
    const struct claim claim = claim_of(search, candidate);
    if (!search->options.items[candidate].smallest || is_elsewhere(work, &claim) ||
        work_admit(work, &claim, &admitted, NULL) != 0 || !room_find(work, &admitted, room)) {
        return false;
    }
    ret_score->keys[0] = (uint32_t)room->n_more;
    option_score(&search->options.items[candidate], &ret_score->keys[1]);
    candidate_score(work, &claim, &ret_score->keys[1 + OPTION_KEYS]);
    return true;
}
_Static_assert(1 + OPTION_KEYS + PREFERENCE_KEYS <= PLACE_KEYS, "all keys have their place");

static int judge_room(void *data, const struct place_entry *entry, struct error *err)
{
    const struct search *search = data;
    struct gpu_work *work = work_of(search, entry->candidate);
    struct admitted admitted;
    const struct claim claim = claim_of(search, entry->candidate);
    int result = work_admit(work, &claim, &admitted, err);
    return result != 0 || room_make(work, &admitted, &search->rooms[entry->candidate])
               ? result
               : -REASON_NO_CAPACITY;
}

/* False: moving claims on one GPU doesn't help. */
static bool make_room(struct search *search, uint32_t *ret_chosen)
{
    CLEANUP_FREE struct room *rooms = xcalloc(search->options.n + 1, sizeof(*rooms));
    search->rooms = rooms;
    const struct place_question question = {
        .n = (uint32_t)search->options.n, .score = score_room, .judge = judge_room, .data = search};
    CLEANUP(place_answer_done) struct place_answer answer;
    int result = place_choose(&question, &answer);
    *ret_chosen = answer.chosen;
    return result == 0;
}

/* Moves idle claims to other GPUs, for the best option for which that helps. */
static bool move_away(struct search *search, uint32_t *ret_chosen)
{
    for (uint32_t i = 0; i < search->options.n; i++) {
        bool same = false; /* as for an option on an earlier GPU */
        const struct claim claim = claim_of(search, i);
        for (uint32_t k = 0; k < i; k++) {
            same = same || option_is_same_way(&search->options.items[k].spec, &claim.spec);
        }
        if (search->options.items[i].smallest && !same && away_make(search->works, &claim)) {
            *ret_chosen = i;
            return true;
        }
    }
    return false;
}

/* ---- what is said of a choice ---- */

static struct claim *find_added(const struct search *search, const char **ret_bdf)
{
    for (size_t g = 0; g < search->works->n; g++) {
        struct gpu_work *work = &search->works->items[g];
        for (size_t i = 0; i < work->n_added; i++) {
            if (str_eq(work->added[i].claim.name, search->claim->name)) {
                *ret_bdf = work->bdf;
                return &work->added[i].claim;
            }
        }
    }
    return NULL;
}

/* Keeps in the claim what was chosen for its need, of how many, and why not the best. */
static void note_choice(const struct search *search, uint32_t chosen,
                        const struct place_answer *answer)
{
    const char *bdf = "";
    struct claim *claim = find_added(search, &bdf);
    if (claim == NULL || !claim_is_open(search->claim)) {
        return;
    }
    options_describe(&search->options, chosen, bdf, claim->choice);
    size_t len = strlen(claim->choice);
    if (answer->n_turned_down > 0) {
        str_print(claim->choice + len, sizeof(claim->choice) - len,
                  "; %zu better did not fit, the best because %s", answer->n_turned_down,
                  search->first.message);
    }
}

static void tell_refusal(struct search *search, const struct place_question *question,
                         const struct place_answer *answer, struct error *err)
{
    struct works *works = search->works;
    if (claim_is_open(search->claim)) {
        need_refuse(works, search->claim, &search->options, err);
        return;
    }
    const struct passed_over passed = {.planner = works->items[0].planner,
                                       .question = question,
                                       .answer = answer,
                                       .works = works->items};
    passed_over_tell(&passed, search->claim, err);
    nearby_tell(works, search->claim, err);
}

static int choose(struct search *search, struct error *err)
{
    struct works *works = search->works;
    const struct claim *claim = search->claim;
    const struct place_question question = {.n = (uint32_t)search->options.n,
                                            .score = score_option,
                                            .judge = judge_option,
                                            .data = search};
    CLEANUP(place_answer_done) struct place_answer answer;
    int result = place_choose(&question, &answer);
    uint32_t chosen = answer.chosen;
    if (result != 0 && search->n_here == 0 && search->options.n > 0) {
        return refuse_elsewhere(works, claim, err);
    }
    if (result != 0 && answer.n > 0 && search->may_move &&
        (make_room(search, &chosen) || move_away(search, &chosen))) {
        result = 0;
    }
    if (result == 0) {
        note_choice(search, chosen, &answer);
        return 0;
    }
    if (works->n == 0 || (answer.n == 0 && !claim_is_open(claim))) {
        error_set(err, REASON_NOT_FOUND, "host", "this host has no GPU for claim \"%s\"",
                  claim->name);
    } else {
        tell_refusal(search, &question, &answer, err);
    }
    error_wrap(err, "claim \"%s\" can't be served", claim->name);
    return err != NULL && err->reason != REASON_NONE ? -(int)err->reason : result;
}

/* `may_move`: idle claims may go elsewhere for it. */
static int assign(struct works *works, const struct claim *claim, bool may_move, struct error *err)
{
    struct search search = {.works = works, .claim = claim, .may_move = may_move};
    if (works->n > 0) {
        options_list(works->items[0].planner, claim, &search.options);
    }
    int result = choose(&search, err);
    vec_done(&search.options);
    return result;
}

/* Claims that name their GPU first, for they have no other; then larger needs, so that the small
 * ones fill what is left. */
static uint64_t need(const struct planner *planner, const struct claim *claim)
{
    struct admit_search search;
    admit_search_begin(&search, planner, claim);
    const struct place_question question = admit_search_question(&search);
    int result = place_choose(&question, NULL);
    admit_search_done(&search);
    if (result != 0) {
        return 0;
    }
    const struct admitted *a = &search.admitted;
    uint64_t slices = a->profile != NULL ? a->profile->memory_slices : 0;
    uint64_t fb = a->type != NULL ? a->type->framebuffer_mib : 0;
    bool named =
        claim->spec.gpu[0] != '\0' && host_find_gpu(planner->host, claim->spec.gpu) != NULL;
    bool whole = a->claim.spec.mode == CLAIM_PASSTHROUGH;
    bool fixed = a->claim.spec.start != NO_ID;
    return (uint64_t)named << 61 | (uint64_t)whole << 60 | (uint64_t)fixed << 59 | slices << 40 |
           fb;
}

/* Claims of the request that get a device, in the order in which they choose; returns how many. */
static size_t put_in_order(const struct planner *planner, const struct plan_request *request,
                           const struct claim **order)
{
    CLEANUP_FREE uint64_t *needs = xcalloc(request->n_add + 1, sizeof(uint64_t));
    size_t n = 0;
    for (size_t i = 0; i < request->n_add; i++) {
        if (reserve_is_for(request, request->add[i])) {
            continue;
        }
        uint64_t mine = need(planner, request->add[i]);
        size_t at = n++;
        for (; at > 0 && needs[at - 1] < mine; at--) {
            order[at] = order[at - 1];
            needs[at] = needs[at - 1];
        }
        order[at] = request->add[i];
        needs[at] = mine;
    }
    return n;
}

static int assign_each(struct works *works, const struct claim *const *claims, size_t n,
                       bool may_move, struct error *err)
{
    int result = 0;
    for (size_t i = 0; result == 0 && i < n; i++) {
        result = assign(works, claims[i], may_move, err);
    }
    return result;
}

static bool is_for_want_of_room(int result)
{
    return result == -REASON_NO_CAPACITY || result == -REASON_CONFLICT;
}

/* One by one, the largest first; where that fails, all of them at once; where idle claims may move
 * and no distribution serves all without, one by one again. */
static int assign_all(const struct planner *planner, struct works *works,
                      const struct plan_request *request, struct error *err)
{
    CLEANUP_FREE const struct claim **order = xcalloc(request->n_add + 1, sizeof(*order));
    size_t n = put_in_order(planner, request, order);
    bool may_move = request->moves == PLAN_MOVES_IDLE;
    int result = assign_each(works, order, n, may_move && n == 1, err);
    if (n == 1 || !is_for_want_of_room(result)) {
        return result;
    }
    distribution_take_back(works);
    if (distribution_make(works, order, n, err)) {
        return 0;
    }
    return may_move ? assign_each(works, order, n, true, err) : result;
}

/* A device that can't be seen can't be given back: the claims that go would leave it behind. */
static int check_goes(const struct gpu_work *work, struct error *err)
{
    int r = work->n_gone > 0 ? gate_check_answers(work->gpu, err) : 0;
    if (r != 0) {
        error_wrap(err, "claim \"%s\" can't be released", work->gone[0]->name);
        error_hint(
            err, "its device there is released once the GPU works again, or has left the PCI bus");
    }
    return r;
}

static int build(const struct planner *planner, const struct plan_request *request,
                 struct plan **ret_plan, struct error *err)
{
    CLEANUP(works_done) struct works works = {0};
    CLEANUP(plan_freep)
    struct plan *plan = collect_begin(request->purpose, request->author, request->reason);
    int result = works_init(&works, planner, request, err);
    result = result != 0 ? result : collect_empty(plan, planner, request, err);
    for (size_t g = 0; result == 0 && g < works.n; g++) {
        struct gpu_work *work = &works.items[g];
        result = check_goes(work, err);
        result = result == 0 && work->n_gone > 0 ? work_solve(work, err) : result;
    }
    result = result != 0 ? result : assign_all(planner, &works, request, err);
    if (result == 0) {
        group_finish(works.items, works.n);
    }
    result = result != 0 ? result : collect_steps(plan, &works, request, err);
    result = result != 0 ? result : reserve_all(planner, request, plan, err);
    result = result != 0 ? result : plan_check_unread(planner->host, plan, err);
    if (result == 0) {
        plan_mark_changes(plan);
        bars_note(planner, plan);
        bars_note_doubles(planner, plan);
        rule_warnings_note(planner, plan);
        kept_policy_note(planner, plan);
        *ret_plan = TAKE_PTR(plan);
    }
    return result;
}

int planner_build(const struct planner *planner, const struct plan_request *request,
                  struct plan **ret_plan, struct error *err)
{
    CLEANUP(known_choices_done) struct known_choices choices = {0};
    struct planner with = *planner;
    with.choices = planner->choices != NULL ? planner->choices : &choices;
    int result = build(&with, request, ret_plan, err);
    if (request->moves != PLAN_MOVES_TELL ||
        (result != -REASON_NO_CAPACITY && result != -REASON_CONFLICT)) {
        return result;
    }
    struct plan_request other = *request;
    other.moves = PLAN_MOVES_IDLE;
    CLEANUP(plan_freep) struct plan *moving = NULL;
    if (build(&with, &other, &moving, NULL) == 0) {
        room_tell(moving, err);
    }
    return result;
}
