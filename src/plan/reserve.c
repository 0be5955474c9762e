/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/reserve.h"

#include "base/str.h"
#include "place/place.h"
#include "plan/bars.h"
#include "plan/collect.h"
#include "plan/group.h"
#include "plan/options.h"
#include "plan/together.h"
#include "plan/work.h"

#define BY_HAND 10000 /* counts as so many claims that name it */

struct reserve {
    const struct planner *planner;
    const struct plan_request *request;
    struct plan *plan;
    const struct works *works;
    /* The claim that looks for a GPU, and what the last that was judged has for it: */
    const struct claim *claim;
    struct options options; /* the candidates */
    struct admitted admitted;
    struct claim_device device;
};

bool reserve_is_for(const struct plan_request *request, const struct claim *claim)
{
    return claim->spec.hold == CLAIM_ON_DEMAND && !policy_of(request->purpose)->allocates;
}

/* Does the claim name or hold the device; for NULL: something on the GPU? */
static bool names(const struct claim *claim, const struct pci_addr *gpu,
                  const struct pci_addr *device)
{
    struct claim_device own = {0};
    return claim_device(claim, &own) && (device == NULL ? pci_addr_cmp(&own.gpu, gpu) == 0
                                                        : pci_addr_cmp(&own.device, device) == 0);
}

/* How many claims that stay or come do so. */
static size_t count_names(const struct reserve *reserve, const struct pci_addr *gpu,
                          const struct pci_addr *device)
{
    size_t n = 0;
    for (size_t i = 0; i < reserve->planner->claims->n; i++) {
        const struct claim *claim = &reserve->planner->claims->items[i];
        n += !plan_request_removes(reserve->request, claim->name) && names(claim, gpu, device);
    }
    for (vec_each(&reserve->plan->claims, entry)) {
        bool comes = entry->verb == PLAN_BIND || entry->verb == PLAN_DEALLOCATE;
        n += comes && names(&entry->claim, gpu, device);
    }
    return n;
}

/* A device that the definition of another VM names by hand is the last to choose. */
static size_t count_by_hand(const struct reserve *reserve, const struct claim *claim,
                            const struct pci_addr *device)
{
    const struct vm *vm = bars_find(reserve->planner, device);
    return vm != NULL && !claim_is_of(claim, vm->name, vm->uuid) ? BY_HAND : 0;
}

/* A VM can't have one device twice, nor a whole GPU and a part of it. NULL: only the latter. */
static bool clashes(const struct claim *claim, const struct claim *other, const struct gpu *gpu,
                    const struct pci_addr *device)
{
    bool whole = claim->spec.mode == CLAIM_PASSTHROUGH || other->spec.mode == CLAIM_PASSTHROUGH;
    return (whole || device != NULL) && claim_is_of(other, claim->vm, claim->vm_uuid) &&
           names(other, &gpu->addr, whole ? NULL : device);
}

/* The claim of the same VM that stands in the way of naming the device; NULL: none does. */
static const struct claim *find_clash(const struct reserve *reserve, const struct claim *claim,
                                      const struct gpu *gpu, const struct pci_addr *device)
{
    for (size_t i = 0; i < reserve->planner->claims->n; i++) {
        const struct claim *other = &reserve->planner->claims->items[i];
        if (!plan_request_removes(reserve->request, other->name) &&
            clashes(claim, other, gpu, device)) {
            return other;
        }
    }
    for (vec_each(&reserve->plan->claims, entry)) {
        bool comes = entry->verb == PLAN_BIND || entry->verb == PLAN_DEALLOCATE;
        if (comes && clashes(claim, &entry->claim, gpu, device)) {
            return &entry->claim;
        }
    }
    return NULL;
}

/* The virtual function that the fewest name; false when their addresses can't be known. */
static bool choose_vf(const struct reserve *reserve, const struct claim *claim,
                      const struct gpu *gpu, struct pci_addr *ret_vf)
{
    size_t best = SIZE_MAX;
    for (uint32_t i = 0; i < gpu->vfs_total; i++) {
        struct pci_addr vf = {0};
        if (!gpu_vf_addr(gpu, i, &vf)) {
            return false;
        }
        size_t n = count_names(reserve, &gpu->addr, &vf) + count_by_hand(reserve, claim, &vf);
        if (n < best && find_clash(reserve, claim, gpu, &vf) == NULL) {
            best = n;
            *ret_vf = vf;
        }
    }
    return best != SIZE_MAX;
}

/* As a claim that is held at once is asked; which other claims have the GPU, or one of its group,
 * is seen when it is allocated. */
static int check_whole(const struct reserve *reserve, const struct claim *claim,
                       const struct gpu *gpu, struct error *err)
{
    const struct gpu_work *work = &reserve->works->items[gpu - reserve->planner->host->gpus.items];
    const struct vm *vm = bars_find(reserve->planner, &gpu->addr);
    int result = group_check_ever(work, err);
    return result == 0 && vm != NULL && !claim_is_of(claim, vm->name, vm->uuid)
               ? work_refuse_defined(work, vm, err)
               : result;
}

static int choose_device(const struct reserve *reserve, const struct admitted *admitted,
                         struct claim_device *ret_device, struct error *err)
{
    const struct gpu *gpu = admitted->gpu;
    *ret_device = (struct claim_device){.set = true, .gpu = gpu->addr, .device = gpu->addr};
    const struct claim *clash = find_clash(reserve, &admitted->claim, gpu, NULL);
    if (clash != NULL) {
        char bdf[BDF_SIZE];
        pci_addr_format(&gpu->addr, bdf);
        error_set(err, REASON_CONFLICT, SUBJECT("gpu", bdf),
                  "VM \"%s\" has GPU %s for claim \"%s\" already", admitted->claim.vm, bdf,
                  clash->name);
        error_hint(err,
                   "a VM can't have one GPU twice: use another GPU, or delete one of the claims");
        return -REASON_CONFLICT;
    }
    if (admitted->claim.spec.mode == CLAIM_PASSTHROUGH) {
        return check_whole(reserve, &admitted->claim, gpu, err);
    }
    if (gpu->iface == VGPU_IFACE_MDEV) {
        reserve->request->new_uuid(ret_device->mdev_uuid);
        return 0;
    }
    if (choose_vf(reserve, &admitted->claim, gpu, &ret_device->device)) {
        return 0;
    }
    char bdf[BDF_SIZE];
    pci_addr_format(&gpu->addr, bdf);
    error_set(err, REASON_UNSUPPORTED, SUBJECT("gpu", bdf),
              "GPU %s has no virtual functions whose addresses are known", bdf);
    error_hint(err, "enable them first: `cleave gpu mode %s time-sliced`", bdf);
    return -REASON_UNSUPPORTED;
}

/* The best option of a need; of equal ones the GPU that the fewest name. */
static bool score_option(void *data, uint32_t candidate, struct place_score *ret_score)
{
    const struct reserve *reserve = data;
    const struct option *option = &reserve->options.items[candidate];
    const struct gpu *gpu = &reserve->planner->host->gpus.items[option->gpu];
    option_score(option, ret_score->keys);
    ret_score->keys[OPTION_KEYS] = (uint32_t)(count_names(reserve, &gpu->addr, NULL) +
                                              count_by_hand(reserve, reserve->claim, &gpu->addr));
    return true;
}

static int judge_option(void *data, const struct place_entry *entry, struct error *err)
{
    struct reserve *reserve = data;
    const struct planner *planner = reserve->planner;
    const struct option *option = &reserve->options.items[entry->candidate];
    const struct gpu *gpu = &planner->host->gpus.items[option->gpu];
    const struct claim claim = option_claim(option, reserve->claim);
    struct admitted *admitted = &reserve->admitted;
    int r = admit_on_gpu(planner, &claim, gpu, admitted, err);
    const struct together now = {.request = reserve->request, .plan = reserve->plan};
    r = r != 0 ? r : together_check(planner, &now, admitted, err);
    return r != 0 ? r : choose_device(reserve, admitted, &reserve->device, err);
}

static void note_choice(struct reserve *reserve, uint32_t chosen)
{
    char bdf[BDF_SIZE];
    if (claim_is_open(reserve->claim)) {
        options_describe(&reserve->options, chosen,
                         pci_addr_format(&reserve->admitted.gpu->addr, bdf),
                         reserve->admitted.claim.choice);
    }
}

static int choose_option(struct reserve *reserve, struct error *err)
{
    const struct place_question question = {.n = (uint32_t)reserve->options.n,
                                            .score = score_option,
                                            .judge = judge_option,
                                            .data = reserve};
    CLEANUP(place_answer_done) struct place_answer answer;
    int r = place_choose(&question, &answer);
    if (r == 0) {
        note_choice(reserve, answer.chosen);
    } else if (answer.n == 0) {
        error_set(err, REASON_NOT_FOUND, "host", "this host has no GPU for claim \"%s\"",
                  reserve->claim->name);
    } else if (err != NULL) {
        place_why(&question, &answer.items[place_most_telling(&question, &answer)], err);
    }
    return r;
}

static int reserve_one(struct reserve *reserve, const struct claim *claim, struct error *err)
{
    reserve->claim = claim;
    options_list(reserve->planner, claim, &reserve->options);
    int r = choose_option(reserve, err);
    vec_done(&reserve->options);
    if (r != 0) {
        return r;
    }
    const struct admitted *admitted = &reserve->admitted;
    const struct claim_device *device = &reserve->device;
    struct plan_claim *entry =
        plan_add_claim(reserve->plan, reserve->planner, PLAN_DEALLOCATE, &admitted->claim);
    entry->claim.reserved = *device;
    struct step *step = vec_push(&reserve->plan->steps);
    *step = step_make(STEP_ATTACH, &device->gpu);
    step_set_gpu(step, admitted->gpu);
    step_set_claim(step, claim);
    STR_SET(step->type, admitted->type != NULL ? admitted->type->name : "");
    step->device = device->device;
    STR_SET(step->mdev_uuid, device->mdev_uuid);
    return plan_check_vm(reserve->planner, step, err);
}

int reserve_all(const struct planner *planner, const struct plan_request *request,
                struct plan *plan, struct error *err)
{
    static const struct plan_request none = {0};
    CLEANUP(works_done) struct works works = {0};
    struct reserve reserve = {
        .planner = planner, .request = request, .plan = plan, .works = &works};
    int r = 0;
    for (size_t i = 0; r == 0 && i < request->n_add; i++) {
        if (reserve_is_for(request, request->add[i])) {
            r = works.items == NULL ? works_init(&works, planner, &none, err) : 0;
            r = r != 0 ? r : reserve_one(&reserve, request->add[i], err);
        }
    }
    return r;
}
