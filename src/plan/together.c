/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/together.h"

#include "base/str.h"
#include "plan/claim_rule_facts.h"

/* The model whose type it is: of the GPU that the claim has, else any of the host with that type.
 */
static void find_type(const struct planner *planner, const struct claim *claim,
                      struct rule_other *other)
{
    for (vec_each(&planner->host->gpus, gpu)) {
        const struct gpu_model *model = gpu_model_of(planner, gpu);
        const struct cat_vgpu_type *type = NULL;
        bool its = !claim->assigned.set || claim_is_on(claim, gpu);
        if (its && model != NULL && model_find_type(model, claim->spec.type, &type, NULL) == 0) {
            other->model = model;
            other->of = type;
            return;
        }
    }
}

struct others {
    const struct together *now;
    const struct planner *planner;
    const struct plan_request *request;
    const struct claim *claim;
};

/* The claim as the plan so far has it: in the words that were chosen for its need, and on the GPU
 * that it moves to. */
static const struct claim *resolve(const struct others *others, const struct claim *claim)
{
    const struct together *now = others->now;
    for (size_t g = 0; g < now->n_works; g++) {
        for (size_t i = 0; i < now->works[g].n_added; i++) {
            if (str_eq(now->works[g].added[i].claim.name, claim->name)) {
                return &now->works[g].added[i].claim;
            }
        }
    }
    for (size_t i = 0; now->plan != NULL && i < now->plan->claims.n; i++) {
        const struct plan_claim *entry = &now->plan->claims.items[i];
        if (entry->verb != PLAN_RELEASE && str_eq(entry->claim.name, claim->name)) {
            return &entry->claim;
        }
    }
    return claim;
}

/* The i-th claim next to it: stored, then brought by the request; NULL past the end. */
static const struct claim *nth(const struct others *others, size_t i)
{
    size_t n_stored = others->planner->claims->n;
    if (i < n_stored) {
        return resolve(others, &others->planner->claims->items[i]);
    }
    i -= n_stored;
    return i < others->request->n_add ? resolve(others, others->request->add[i]) : NULL;
}

static bool counts(const struct others *others, size_t i)
{
    const struct claim *claim = nth(others, i);
    bool stored = i < others->planner->claims->n;
    bool brought = false; /* a stored one that is allocated is in both lists */
    for (size_t k = 0; stored && k < others->request->n_add; k++) {
        brought = brought || str_eq(others->request->add[k]->name, claim->name);
    }
    bool same_vm = claim_is_of(claim, others->claim->vm, others->claim->vm_uuid) ||
                   claim_is_of(others->claim, claim->vm, claim->vm_uuid);
    return same_vm && !brought && claim->vm[0] != '\0' && claim->spec.type[0] != '\0' &&
           claim->state != CLAIM_FAILED && claim->state != CLAIM_RELEASED &&
           !str_eq(claim->name, others->claim->name) &&
           !(stored && plan_request_removes(others->request, claim->name));
}

int together_check(const struct planner *planner, const struct together *now,
                   const struct admitted *admitted, struct error *err)
{
    const struct claim *claim = &admitted->claim;
    const struct others others = {now, planner, now->request, claim};
    if (claim->vm[0] == '\0' || admitted->type == NULL) {
        return 0;
    }
    uint32_t n_same = 1;
    for (size_t i = 0; nth(&others, i) != NULL; i++) {
        n_same += counts(&others, i) && str_eq(nth(&others, i)->spec.type, admitted->type->name);
    }
    int result = 0;
    for (size_t i = 0; result == 0 && nth(&others, i) != NULL; i++) {
        if (!counts(&others, i)) {
            continue;
        }
        struct rule_other other = {
            .claim = nth(&others, i)->name, .type = nth(&others, i)->spec.type, .n_same = n_same};
        find_type(planner, nth(&others, i), &other);
        if (nth(&others, i)->assigned.set) {
            other.gpu = host_find_gpu_addr(planner->host, &nth(&others, i)->assigned.gpu);
        }
        if (n_same > 1 && !str_eq(other.type, admitted->type->name)) {
            other.n_same = 1; /* the limit is about those of its own type, and names one of them */
        }
        struct rule_facts facts = claim_rule_facts(planner, claim, admitted->gpu);
        facts.other = &other;
        result = rules_check(planner->rules, &facts, err);
    }
    if (result != 0 && err != NULL) {
        error_subject("claim", claim->name, err->subject);
    }
    return result;
}
