/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/host_advice.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "layout/layout.h"
#include "plan/alike.h"
#include "plan/candidate.h"
#include "plan/claim_rule_facts.h"
#include "plan/group.h"
#include "plan/idle.h"
#include "plan/options.h"
#include "plan/unread.h"
#include "plan/work_solve.h"
#include "plan/work_try.h"

/* Names that a person gives no claim, and libvirt no VM. */
#define CLAIM_NAME "this need"
#define CLAIM_VM "/"

/* One GPU that is asked. */
struct question {
    const struct planner *planner;
    const struct need *need;
    struct gpu_work *work;
    struct host_advice found[CLAIM_MODE_COUNT]; /* of the mode's contender that serves */
    bool asked_to_move[CLAIM_MODE_COUNT];
};

static void add_text(struct strlist *list, const char *text)
{
    *vec_push(list) = xstrdup(text);
}

static struct claim claim_of(const struct question *question, const struct advice *advice)
{
    const struct need *need = question->need;
    struct claim claim = {
        .spec = {.start = NO_ID}, .has_need = true, .need = *need, .params = need->params};
    STR_SET(claim.name, CLAIM_NAME);
    STR_SET(claim.vm, need->consumer == CONSUMER_VM ? CLAIM_VM : "");
    STR_SET(claim.spec.gpu, question->work->bdf);
    option_set_words(need, advice->mode, advice->type, advice->profile, &claim.spec);
    return claim;
}

/* ---- what changes ---- */

/* Steps that only add what the claim gets are no change. */
static const char *const changes[STEP_KIND_COUNT] = {
    [STEP_BIND_NVIDIA] = "give the GPU back to the host's driver",
    [STEP_COMPANION_VFIO] = "take the rest of its board from the host",
    [STEP_MIG_ENABLE] = "turn MIG mode on",
    [STEP_MIG_DISABLE] = "turn MIG mode off",
    [STEP_MIXED_ON] = "allow mixed vGPU sizes",
    [STEP_MIXED_OFF] = "return to equal vGPU sizes",
    [STEP_GI_DESTROY] = "destroy GPU instances that no claim has",
    [STEP_VGPU_DELETE] = "delete vGPUs that no claim has",
    [STEP_SRIOV_DISABLE] = "disable virtual functions",
};

static void add_change(struct advice *advice, const char *text)
{
    size_t len = strlen(advice->change);
    if (text == NULL || strstr(advice->change, text) != NULL) {
        return;
    }
    advice->verdict = VERDICT_WITH_CHANGE;
    str_print(advice->change + len, sizeof(advice->change) - len, "%s%s", len > 0 ? ", " : "",
              text);
}

static void note_scheduler(const struct step *step, struct advice *advice)
{
    char change[80];
    if (step->kind == STEP_SCHEDULER_SET) {
        str_print(change, sizeof(change), "set %s scheduling on the GPU",
                  gpu_scheduler_policy_name(step->scheduler.policy));
        add_change(advice, change);
    }
}

static void note_steps(const struct step *steps, size_t n, struct advice *advice,
                       struct host_advice *found)
{
    for (size_t i = 0; i < n; i++) {
        char text[STEP_TEXT_SIZE];
        if (steps[i].kind == STEP_ATTACH || steps[i].kind == STEP_DETACH) {
            continue; /* of a VM that is not named yet, or of one that moves */
        }
        bool of_moved = found->moved_claims.n > 0 &&
                        (steps[i].kind == STEP_GI_DESTROY || steps[i].kind == STEP_VGPU_DELETE);
        add_change(advice, of_moved ? NULL : changes[steps[i].kind]);
        note_scheduler(&steps[i], advice);
        add_text(&found->steps, step_describe(&steps[i], text, sizeof(text)));
    }
}

/* ---- what it costs the others ---- */

static bool is_destroyed(const struct gpu_work *work, const struct gi *gi)
{
    for (vec_each(&work->steps, step)) {
        if (step->kind == STEP_GI_DESTROY && step->start == gi->start && step->size == gi->size) {
            return true;
        }
    }
    return false;
}

static void add_gi(const struct gpu_work *work, const char *name, uint32_t start,
                   struct layout_gis *gis)
{
    const struct cat_profile *profile = NULL;
    if (gis->n < LAYOUT_MAX_GIS && start != NO_ID &&
        model_find_profile(work->model, name, &profile, NULL) == 0) {
        gis->items[gis->n++] = (struct layout_gi){.profile = profile, .start = start};
    }
}

static void instances_after(const struct gpu_work *work, struct layout_gis *gis)
{
    gis->n = 0;
    for (vec_each(&work->gpu->gis, gi)) {
        if (!is_destroyed(work, gi)) {
            add_gi(work, gi->profile, gi->start, gis);
        }
    }
    for (vec_each(&work->steps, step)) {
        if (step->kind == STEP_GI_CREATE) {
            add_gi(work, step->profile, step->start, gis);
        }
    }
}

/* Memory slices that are free, and that no instance which still fits could have. */
static uint32_t stranded_slices(const struct gpu_model *model, const struct layout_gis *gis)
{
    slice_mask used = 0;
    slice_mask usable = 0;
    for (uint32_t i = 0; i < gis->n; i++) {
        uint32_t size = gis->items[i].profile->memory_slices;
        used |= ((UINT32_C(1) << size) - 1) << gis->items[i].start;
    }
    for (vec_each(&model->profiles, profile)) {
        if (layout_remaining(model, gis, profile) == 0) {
            continue;
        }
        for (uint32_t i = 0; i < profile->n_placements; i++) {
            slice_mask mask = ((UINT32_C(1) << profile->placements[i].size) - 1)
                              << profile->placements[i].start;
            usable |= (mask & used) == 0 ? mask : 0;
        }
    }
    slice_mask all =
        model->memory_slices >= 32 ? UINT32_MAX : (UINT32_C(1) << model->memory_slices) - 1;
    return (uint32_t)__builtin_popcount(all & ~used & ~usable);
}

static uint32_t vgpus_after(const struct gpu_work *work)
{
    size_t lost = 0; /* vGPUs that a reboot took, and whose room stays theirs */
    for (size_t i = 0; i < work->n_kept; i++) {
        const struct assignment *got = &work->kept[i]->assigned;
        lost += gpu_find_vgpu(work->gpu, got->mdev_uuid, &got->device) == NULL ? 1 : 0;
    }
    return (uint32_t)(work->gpu->vgpus.n + lost + work->n_added);
}

static void cost_of_instances(const struct gpu_work *work, const struct advice *advice,
                              struct host_advice *found)
{
    const struct gpu_model *model = work->model;
    struct layout_gis gis;
    instances_after(work, &gis);
    uint32_t each = advice->type != NULL && advice->mode == CLAIM_TIME_SLICED_MIG_BACKED
                        ? advice->type->max_per_gi
                        : 1;
    if (advice->profile != NULL && each != CAT_UNKNOWN) {
        /* Instances for vGPUs that share them have room left themselves. */
        uint32_t here = 0;
        for (uint32_t i = 0; i < gis.n; i++) {
            here += gis.items[i].profile == advice->profile ? 1 : 0;
        }
        uint32_t left = layout_remaining(model, &gis, advice->profile) * each;
        uint32_t shared =
            each > 1 && here * each > vgpus_after(work) ? here * each - vgpus_after(work) : 0;
        found->room_after = left + shared;
    }
    if (model->memory_slices != CAT_UNKNOWN && model->memory_mib != CAT_UNKNOWN &&
        model->memory_slices > 0) {
        found->stranded_mib =
            stranded_slices(model, &gis) * (model->memory_mib / model->memory_slices);
    }
}

static void cost_of_slices(const struct gpu_work *work, const struct advice *advice,
                           struct host_advice *found)
{
    uint32_t most = advice->per_gpu;
    uint32_t there = vgpus_after(work);
    if (most == CAT_UNKNOWN) {
        return;
    }
    found->room_after = most > there ? most - there : 0;
    uint32_t nominal = type_nominal_mib(advice->type);
    if (nominal != CAT_UNKNOWN && work->model->memory_mib != CAT_UNKNOWN) {
        uint32_t taken = most * nominal;
        found->stranded_mib = work->model->memory_mib > taken ? work->model->memory_mib - taken : 0;
    }
}

static void note_cost(const struct gpu_work *work, const struct advice *advice,
                      struct host_advice *found)
{
    found->room_after = CAT_UNKNOWN;
    found->stranded_mib = CAT_UNKNOWN;
    switch (advice->mode) {
    case CLAIM_PASSTHROUGH:
        found->room_after = 0;
        found->stranded_mib = 0;
        break;
    case CLAIM_TIME_SLICED:
        cost_of_slices(work, advice, found);
        break;
    case CLAIM_MIG_BACKED:
    case CLAIM_TIME_SLICED_MIG_BACKED:
    case CLAIM_GPU_INSTANCE:
        cost_of_instances(work, advice, found);
        break;
    case CLAIM_MODE_COUNT:
        break;
    }
}

/* ---- the question ---- */

static void note_score(const struct gpu_work *work, const struct claim *claim,
                       const struct advice *advice, struct host_advice *found)
{
    found->keys[0] = advice->order;
    found->keys[1] =
        advice->wasted_mib == CAT_UNKNOWN ? CAT_UNKNOWN : (advice->wasted_mib + 1023) / 1024;
    candidate_score(work, claim, &found->keys[3]); /* behind [2], how many claims have to move */
}

/* So many VMs like this one on one GPU: with what stands there now. */
static int check_count(const struct gpu_work *work, const struct need *need,
                       const struct host_advice *found, struct error *err)
{
    uint32_t room = found->room_after;
    if (need->count <= 1 || room == CAT_UNKNOWN || room + 1 >= need->count) {
        return 0;
    }
    return error_set(err, REASON_NO_CAPACITY, work->subject,
                     "GPU %s has room for %u such VM%s now, and the need is of %u on one GPU",
                     work->bdf, room + 1, room == 0 ? "" : "s", need->count);
}

/* A plan of these steps alone: what no part of a GPU can see. */
static int check_plan(const struct gpu_work *work, struct error *err)
{
    struct plan plan = {0};
    for (vec_each(&work->steps, step)) {
        *vec_push(&plan.steps) = *step;
    }
    int result = plan_check_unread(work->planner->host, &plan, err);
    vec_done(&plan.steps);
    return result;
}

static int try_now(struct question *question, struct advice *advice, const struct claim *claim,
                   struct error *err)
{
    struct gpu_work *work = question->work;
    struct host_advice found = {.gpu = work->gpu};
    note_score(work, claim, advice, &found);
    int result = work_try(work, claim, NULL, err);
    if (result != 0) {
        return result;
    }
    result = check_plan(work, err);
    if (result == 0) {
        note_steps(work->steps.items, work->steps.n, advice, &found);
        if (advice->mode == CLAIM_PASSTHROUGH && group_count_along(work) > 0) {
            add_change(advice, "take the other idle GPUs of its IOMMU group from the host");
        }
        note_cost(work, advice, &found);
        result = check_count(work, question->need, &found, err);
    }
    if (result == 0) {
        question->found[advice->mode] = found;
    } else {
        strlist_done(&found.steps);
    }
    work->n_added--;
    work_solve_again(work);
    return result;
}

static bool has_idle(const struct gpu_work *work)
{
    for (size_t i = 0; i < work->n_kept; i++) {
        if (idle_is(work, work->kept[i], IDLE_FOR_ANOTHER_PLACE) ||
            idle_is(work, work->kept[i], IDLE_FOR_ANOTHER_GPU)) {
            return true;
        }
    }
    return false;
}

static void note_moves(const struct planner *planner, const struct plan *plan,
                       struct host_advice *found)
{
    for (vec_each(&plan->moves, move)) {
        const struct claim *claim = claims_find(planner->claims, move->claim);
        add_text(&found->moved_claims, move->claim);
        if (claim != NULL && claim->vm[0] != '\0') {
            add_text(&found->moved_vms, claim->vm);
        }
    }
}

/* A way that moves claims which are not in use. How many VMs then have room is not known. */
static bool try_moving(struct question *question, struct advice *advice, const struct claim *claim)
{
    const struct claim *add[] = {claim};
    const struct plan_request request = {.add = add,
                                         .n_add = 1,
                                         .moves = PLAN_MOVES_IDLE,
                                         .new_uuid = question->work->request->new_uuid};
    CLEANUP(plan_freep) struct plan *plan = NULL;
    struct host_advice found = {
        .gpu = question->work->gpu, .room_after = CAT_UNKNOWN, .stranded_mib = CAT_UNKNOWN};
    if (question->need->count > 1 || !has_idle(question->work) ||
        planner_build(question->planner, &request, &plan, NULL) != 0) {
        return false;
    }
    note_score(question->work, claim, advice, &found);
    note_moves(question->planner, plan, &found);
    found.keys[2] = (uint32_t)found.moved_claims.n;
    note_steps(plan->steps.items, plan->steps.n, advice, &found);
    char text[80];
    str_print(text, sizeof(text), "move %zu claim%s that %s not in use", found.moved_claims.n,
              found.moved_claims.n == 1 ? "" : "s", found.moved_claims.n == 1 ? "is" : "are");
    add_change(advice, text);
    question->found[advice->mode] = found;
    return true;
}

static int try_both(struct question *question, struct advice *advice, const struct claim *claim,
                    struct error *err)
{
    int result = try_now(question, advice, claim, err);
    if ((result == -REASON_NO_CAPACITY || result == -REASON_CONFLICT) &&
        !question->asked_to_move[advice->mode]) {
        question->asked_to_move[advice->mode] = true;
        return try_moving(question, advice, claim) ? 0 : result;
    }
    return result;
}

static int ask(void *data, struct advice *advice, struct error *err)
{
    struct question *question = data;
    const struct planner *planner = question->planner;
    const struct claim claim = claim_of(question, advice);
    int result = try_both(question, advice, &claim, err);
    if (result == 0) {
        const struct rule_facts facts = claim_rule_facts(planner, &claim, question->work->gpu);
        rules_warn(planner->rules, RULE_OF_CLAIM, &facts, &advice->warnings);
    }
    return result;
}

/* ---- all of a GPU's modes ---- */

/* A GPU of which neither catalog nor driver knows anything can be passed through as a whole, and
 * whether that is enough is not known. */
static void advise_one(struct question *question, struct host_advices *ret_advices)
{
    const struct planner *planner = question->planner;
    const struct advise_gpu gpu = {.ask = ask, .data = question};
    struct advices advices = {0};
    if (question->work->model == NULL) {
        return;
    }
    advise_gpu(planner->rules, question->work->model, question->need, &gpu, &advices);
    uint32_t most = 0;
    for (vec_each(&advices, advice)) {
        const struct host_advice *found = &question->found[advice->mode];
        if (advice->verdict != VERDICT_NO && found->room_after != CAT_UNKNOWN) {
            most = found->room_after + 1 > most ? found->room_after + 1 : most;
        }
    }
    for (vec_each(&advices, advice)) {
        struct host_advice *row = vec_push(ret_advices);
        *row = question->found[advice->mode];
        row->gpu = question->work->gpu;
        row->advice = *advice; /* with its reasons */
        row->keys[0] = advice->order;
        row->blocked = row->room_after == CAT_UNKNOWN ? CAT_UNKNOWN
                       : most > row->room_after + 1   ? most - row->room_after - 1
                                                      : 0;
    }
    vec_done(&advices);
}

static void join(struct host_advices *advices, const struct gpu *first, const struct gpu *gpu)
{
    for (vec_each(advices, row)) {
        if (row->gpu == first) {
            *vec_push(&row->alike) = gpu;
        }
    }
}

/* ---- several GPUs of one VM ---- */

static bool is_same_way(const struct host_advice *a, const struct host_advice *b)
{
    return a->advice.mode == b->advice.mode && a->advice.verdict != VERDICT_NO &&
           str_eq(a->advice.model->key, b->advice.model->key);
}

/* A VM with several GPUs has them of one board and in one mode. */
static void check_gpus(const struct need *need, struct host_advices *advices)
{
    for (vec_each(advices, row)) {
        size_t n = 0;
        for (vec_each(advices, other)) {
            n += is_same_way(other, row) ? 1 + other->alike.n : 0;
        }
        if (row->advice.verdict == VERDICT_NO || n >= need->gpus) {
            continue;
        }
        struct check *check = vec_push(&row->advice.reasons);
        STR_SET(check->rule, "too-few-gpus");
        check->result = CHECK_FAILED;
        str_print(check->message, sizeof(check->message),
                  "the need is of %u GPUs in one VM, and this host has %zu %s that serve%s it in "
                  "mode %s",
                  need->gpus, n, row->advice.model->name, n == 1 ? "s" : "",
                  claim_mode_name(row->advice.mode));
        STR_SET(check->document, ADVISE_SOURCE_HOST);
        row->too_few = true;
    }
    for (vec_each(advices, row)) {
        row->advice.verdict = row->too_few ? VERDICT_NO : row->advice.verdict;
    }
}

static int by_rank(const void *a, const void *b)
{
    const struct host_advice *x = a;
    const struct host_advice *y = b;
    bool x_serves = x->advice.verdict != VERDICT_NO;
    if (x_serves != (y->advice.verdict != VERDICT_NO)) {
        return x_serves ? -1 : 1;
    }
    for (size_t i = 0; x_serves && i < HOST_ADVICE_KEYS; i++) {
        if (x->keys[i] != y->keys[i]) {
            return x->keys[i] < y->keys[i] ? -1 : 1;
        }
    }
    int by_gpu = pci_addr_cmp(&x->gpu->addr, &y->gpu->addr);
    return by_gpu != 0 ? by_gpu : (int)x->advice.order - (int)y->advice.order;
}

/* A name of a vGPU that is never made. */
static void no_uuid(char out[37])
{
    str_copy(out, 37, "00000000-0000-4000-8000-000000000000");
}

void planner_advise(const struct planner *planner, const struct need *need,
                    struct host_advices *ret_advices)
{
    const struct plan_request request = {.purpose = PURPOSE_CHANGE, .new_uuid = no_uuid};
    struct works works = {0};
    VEC(size_t) asked = {0};
    if (works_init(&works, planner, &request, NULL) != 0) {
        works_done(&works);
        return;
    }
    for (size_t g = 0; g < works.n; g++) {
        size_t k = 0;
        while (k < asked.n && !alike_are(&works.items[asked.items[k]], &works.items[g])) {
            k++;
        }
        if (k < asked.n) {
            join(ret_advices, works.items[asked.items[k]].gpu, works.items[g].gpu);
            continue;
        }
        struct question question = {.planner = planner, .need = need, .work = &works.items[g]};
        advise_one(&question, ret_advices);
        *vec_push(&asked) = g;
    }
    vec_done(&asked);
    works_done(&works);
    check_gpus(need, ret_advices);
    if (ret_advices->n > 0) {
        qsort(ret_advices->items, ret_advices->n, sizeof(ret_advices->items[0]), by_rank);
    }
    uint32_t rank = 0;
    for (vec_each(ret_advices, row)) {
        row->advice.rank = row->advice.verdict == VERDICT_NO ? 0 : ++rank;
    }
}

void host_advices_done(struct host_advices *advices)
{
    for (vec_each(advices, row)) {
        advice_done(&row->advice);
        vec_done(&row->alike);
        strlist_done(&row->steps);
        strlist_done(&row->moved_claims);
        strlist_done(&row->moved_vms);
    }
    vec_done(advices);
}
