/* SPDX-License-Identifier: Apache-2.0 */
/* The whole request: claims to GPUs, each GPU's part, one ordered plan. */
#include "plan/planner.h"

#include <stdio.h>

#include "base/str.h"
#include "plan/away.h"
#include "plan/bars.h"
#include "plan/candidate.h"
#include "plan/collect.h"
#include "plan/distribution.h"
#include "plan/gpu_gate.h"
#include "plan/group.h"
#include "plan/nearby.h"
#include "plan/passed_over.h"
#include "plan/reserve.h"
#include "plan/room.h"
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

/* A claim that looks for its GPU. */
struct search {
    struct works *works;
    const struct claim *claim;
    uint32_t n_here;    /* GPUs that can have the device named for it */
    struct room *rooms; /* per GPU: the idle claims that would move */
};

static bool score_gpu(void *data, uint32_t candidate, struct place_score *ret_score)
{
    struct search *search = data;
    const struct gpu_work *work = &search->works->items[candidate];
    if (is_elsewhere(work, search->claim)) {
        return false;
    }
    search->n_here++;
    candidate_score(work, search->claim, ret_score->keys);
    return admit_selects(work->planner, search->claim, work->gpu);
}

static int judge_gpu(void *data, const struct place_entry *entry, struct error *err)
{
    const struct search *search = data;
    return work_try(&search->works->items[entry->candidate], search->claim, NULL, err);
}

/* Where the fewest idle claims have to move out of the way. */
static bool score_room(void *data, uint32_t candidate, struct place_score *ret_score)
{
    const struct search *search = data;
    struct gpu_work *work = &search->works->items[candidate];
    struct room *room = &search->rooms[candidate];
    struct admitted admitted;
    if (is_elsewhere(work, search->claim) ||
        work_admit(work, search->claim, &admitted, NULL) != 0 ||
        !room_find(work, &admitted, room)) {
        return false;
    }
    ret_score->keys[0] = (uint32_t)room->n_more;
    candidate_score(work, search->claim, &ret_score->keys[1]);
    return true;
}

static int judge_room(void *data, const struct place_entry *entry, struct error *err)
{
    const struct search *search = data;
    struct gpu_work *work = &search->works->items[entry->candidate];
    struct admitted admitted;
    int result = work_admit(work, search->claim, &admitted, err);
    return result != 0 || room_make(work, &admitted, &search->rooms[entry->candidate])
               ? result
               : -REASON_NO_CAPACITY;
}

/* False: moving claims on one GPU doesn't help. */
static bool make_room(struct search *search)
{
    CLEANUP_FREE struct room *rooms = xcalloc(search->works->n, sizeof(*rooms));
    search->rooms = rooms;
    const struct place_question question = {
        .n = (uint32_t)search->works->n, .score = score_room, .judge = judge_room, .data = search};
    return place_choose(&question, NULL) == 0;
}

/* `may_move`: idle claims may go elsewhere for it. */
static int assign(struct works *works, const struct claim *claim, bool may_move, struct error *err)
{
    struct search search = {.works = works, .claim = claim};
    const struct place_question question = {
        .n = (uint32_t)works->n, .score = score_gpu, .judge = judge_gpu, .data = &search};
    CLEANUP(place_answer_done) struct place_answer answer;
    int result = place_choose(&question, &answer);
    if (result == 0) {
        return 0;
    }
    if (search.n_here == 0 && works->n > 0) {
        return refuse_elsewhere(works, claim, err);
    }
    if (answer.n > 0 && may_move && (make_room(&search) || away_make(works, claim))) {
        return 0;
    }
    if (answer.n == 0) {
        error_set(err, REASON_NOT_FOUND, "host", "this host has no GPU for claim \"%s\"",
                  claim->name);
    } else {
        const struct passed_over passed = {.planner = works->items[0].planner,
                                           .question = &question,
                                           .answer = &answer,
                                           .works = works->items};
        passed_over_tell(&passed, claim, err);
        nearby_tell(works, claim, err);
    }
    error_wrap(err, "claim \"%s\" can't be served", claim->name);
    return result;
}

/* Claims that name their GPU first, for they have no other; then larger needs, so that the small
 * ones fill what is left. */
static uint64_t need(const struct planner *planner, const struct claim *claim)
{
    struct admit_search search = {.planner = planner, .claim = claim};
    const struct place_question question = admit_question(&search);
    if (place_choose(&question, NULL) != 0) {
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
        *ret_plan = TAKE_PTR(plan);
    }
    return result;
}

int planner_build(const struct planner *planner, const struct plan_request *request,
                  struct plan **ret_plan, struct error *err)
{
    int result = build(planner, request, ret_plan, err);
    if (request->moves != PLAN_MOVES_TELL ||
        (result != -REASON_NO_CAPACITY && result != -REASON_CONFLICT)) {
        return result;
    }
    struct plan_request other = *request;
    other.moves = PLAN_MOVES_IDLE;
    CLEANUP(plan_freep) struct plan *moving = NULL;
    if (build(planner, &other, &moving, NULL) == 0) {
        room_tell(moving, err);
    }
    return result;
}
