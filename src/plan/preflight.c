/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/preflight.h"

#include <stdio.h>

#include "base/str.h"
#include "place/place.h"
#include "plan/migration_facts.h"

/* ---- the source ---- */

static bool is_of(const struct claim *claim, const struct vm *vm)
{
    return claim->vm[0] != '\0' && (str_eq(claim->vm, vm->name) || str_eq(claim->vm, vm->uuid));
}

static int refuse_changing(const struct claim *claim, const struct vm *vm, struct error *err)
{
    int r = error_set(err, REASON_IN_USE, SUBJECT("claim", claim->name),
                      "claim \"%s\" of VM \"%s\" is %s", claim->name, vm->name,
                      claim_state_name(claim->state));
    error_hint(err, "a VM migrates with bound claims only; `cleave claim show %s` shows more",
               claim->name);
    return r;
}

/* A wish that any host can fulfil: without addresses of this one. */
static struct claim wish_of(const struct claim *claim, const struct gpu *gpu)
{
    struct claim wish = *claim;
    bool by_model = gpu != NULL && str_eq(claim->spec.gpu, gpu->model);
    if (!by_model) {
        wish.spec.gpu[0] = '\0';
    }
    wish.spec.start = wish.typed.start = NO_ID; /* the placement may differ */
    wish.vm[0] = '\0';                          /* not before it is there */
    return wish;
}

int preflight_offer(const struct planner *planner, const struct vm *vm,
                    struct migration_offer **ret_offer, struct error *err)
{
    const struct host *host = planner->host;
    CLEANUP(migration_offer_freep) struct migration_offer *offer = xcalloc(1, sizeof(*offer));
    offer->claims = xcalloc(MIGRATION_MAX_CLAIMS, sizeof(*offer->claims));
    STR_SET(offer->host, host->name);
    STR_SET(offer->vm, vm->name);
    STR_SET(offer->vm_uuid, vm->uuid);
    facts_of_vm(host, vm, planner->claims, &offer->facts);
    for (vec_each(planner->claims, claim)) {
        if (!is_of(claim, vm)) {
            continue;
        }
        if (claim->state != CLAIM_BOUND) {
            return refuse_changing(claim, vm, err);
        }
        if (offer->n_claims == MIGRATION_MAX_CLAIMS) {
            return error_set(err, REASON_UNSUPPORTED, SUBJECT("vm", vm->name),
                             "VM \"%s\" has more than %d claims", vm->name, MIGRATION_MAX_CLAIMS);
        }
        const struct gpu *gpu = host_find_gpu_addr(host, &claim->assigned.gpu);
        struct offer_claim *one = &offer->claims[offer->n_claims++];
        one->claim = wish_of(claim, gpu);
        facts_of_claim(host, gpu, claim, &one->facts);
    }
    *ret_offer = TAKE_PTR(offer);
    return 0;
}

void preflight_source(const struct rules *rules, const struct migration_offer *offer,
                      struct checks *ret_checks)
{
    rules_check_migration(rules, MIGRATION_OF_VM, "", &offer->facts, NULL, ret_checks);
    for (size_t i = 0; i < offer->n_claims; i++) {
        const struct offer_claim *one = &offer->claims[i];
        rules_check_migration(rules, MIGRATION_OF_DEVICE, one->claim.name, &one->facts, NULL,
                              ret_checks);
    }
}

/* ---- the target ---- */

struct search {
    const struct planner *planner;
    const struct migration_offer *offer;
    const struct nvml_answers *answers;
    struct plan_request request;
    struct claim wishes[MIGRATION_MAX_CLAIMS]; /* with the GPU that was chosen */
    const struct claim *add[MIGRATION_MAX_CLAIMS];
    size_t n_add;
    struct plan *plan;
    size_t i; /* of the offer's claim that looks for its GPU */
};

static const char *nvml_word(const struct search *search, const struct gpu *gpu)
{
    for (vec_each(search->answers, answer)) {
        if (answer->claim == search->i && pci_addr_cmp(&answer->gpu, &gpu->addr) == 0) {
            return answer->word;
        }
    }
    return "";
}

static const struct gpu *gpu_at(const struct search *search, uint32_t candidate)
{
    return &search->planner->host->gpus.items[candidate];
}

static void facts_of_candidate_gpu(const struct search *search, uint32_t candidate,
                                   struct migration_facts *ret_facts)
{
    const struct gpu *gpu = gpu_at(search, candidate);
    facts_of_candidate(search->planner, gpu, &search->offer->claims[search->i].claim, ret_facts);
    fact_set(ret_facts, FACT_COMPATIBLE, nvml_word(search, gpu));
}

/* The fewest rules broken, then the fewest that could not be judged. */
enum { KEY_FAILED, KEY_UNKNOWN };

static bool score_gpu(void *data, uint32_t candidate, struct place_score *ret_score)
{
    const struct search *search = data;
    const struct offer_claim *one = &search->offer->claims[search->i];
    struct migration_facts facts = {0};
    struct checks checks = {0};
    facts_of_candidate_gpu(search, candidate, &facts);
    rules_check_migration(search->planner->rules, MIGRATION_OF_DEVICE, one->claim.name, &one->facts,
                          &facts, &checks);
    for (vec_each(&checks, check)) {
        ret_score->keys[KEY_FAILED] += check->result == CHECK_FAILED;
        ret_score->keys[KEY_UNKNOWN] +=
            check->result == CHECK_UNKNOWN || check->result == CHECK_WARNING;
    }
    vec_done(&checks);
    return true;
}

/* The plan for all claims that have a GPU, and this one on that GPU. */
static int judge_gpu(void *data, const struct place_entry *entry, struct error *err)
{
    struct search *search = data;
    if (entry->score.keys[KEY_FAILED] > 0) {
        return -REASON_RULE; /* the check that failed says why */
    }
    struct claim *wish = &search->wishes[search->n_add];
    *wish = search->offer->claims[search->i].claim;
    wish->spec.hold = CLAIM_HELD; /* its VM runs when it comes: the device must be there */
    (void)pci_addr_format(&gpu_at(search, entry->candidate)->addr, wish->spec.gpu);
    int r = planner_admit(search->planner, wish, err);
    if (r != 0) {
        return r;
    }
    struct plan *plan = NULL;
    search->add[search->n_add] = wish;
    search->request.add = search->add;
    search->request.n_add = search->n_add + 1;
    r = planner_build(search->planner, &search->request, &plan, err);
    if (r == 0) {
        plan_free(search->plan);
        search->plan = plan;
        search->n_add++;
    }
    return r;
}

/* "Can't be made" alone hides that there are instances, but of other profiles. */
static void name_profiles(const struct gpu *gpu, struct migration_facts *facts)
{
    const char *wanted = facts->values[FACT_PROFILE];
    CLEANUP_STRBUF struct strbuf names = {0};
    for (vec_each(&gpu->gis, gi)) {
        if (str_eq(gi->profile, wanted)) {
            return;
        }
        if (gi->profile[0] != '\0' && strstr(strbuf_str(&names), gi->profile) == NULL) {
            strbuf_addf(&names, "%s%s", names.len > 0 ? ", " : "", gi->profile);
        }
    }
    if (names.len > 0) {
        fact_set(facts, FACT_PROFILE, strbuf_str(&names));
    }
}

/* Facts of the GPU that was chosen, or of the first that was turned down. */
static void choose_gpu(struct search *search, struct migration_facts *ret_facts)
{
    const struct host *host = search->planner->host;
    const struct place_question question = {
        .n = (uint32_t)host->gpus.n, .score = score_gpu, .judge = judge_gpu, .data = search};
    CLEANUP(place_answer_done) struct place_answer answer;
    if (place_choose(&question, &answer) == 0) {
        facts_of_candidate_gpu(search, answer.chosen, ret_facts);
        fact_set(ret_facts, FACT_ROOM, "yes");
        return;
    }
    struct error why = {0};
    if (answer.n == 0) {
        error_set(&why, REASON_NOT_FOUND, "host", "host \"%s\" has no GPU", host->name);
    } else {
        facts_of_candidate_gpu(search, answer.items[0].candidate, ret_facts);
        if (answer.items[0].score.keys[KEY_FAILED] > 0) {
            return; /* a rule says why */
        }
        place_why(&question, &answer.items[0], &why);
    }
    fact_set(ret_facts, FACT_ROOM, "no");
    fact_set(ret_facts, FACT_ROOM_PROBLEM, why.message);
    if (answer.n > 0) {
        name_profiles(gpu_at(search, answer.items[0].candidate), ret_facts);
    }
}

/* The GPU was chosen, and the device made, for this once; the claim stays what it was. */
static void restore_wishes(struct plan *plan, const struct migration_offer *offer)
{
    for (vec_each(&plan->claims, entry)) {
        for (size_t i = 0; i < offer->n_claims; i++) {
            if (str_eq(entry->claim.name, offer->claims[i].claim.name)) {
                STR_SET(entry->claim.spec.gpu, offer->claims[i].claim.spec.gpu);
                entry->claim.spec.hold = offer->claims[i].claim.spec.hold;
            }
        }
    }
}

void preflight_target(const struct planner *planner, const struct migration_offer *offer,
                      const struct nvml_answers *answers, const struct plan_request *request,
                      struct plan **ret_plan, struct checks *ret_checks)
{
    struct migration_facts here = {0};
    facts_of_target(planner->host, offer, &here);
    rules_check_migration(planner->rules, MIGRATION_OF_VM, "", &offer->facts, &here, ret_checks);
    struct search *search = xcalloc(1, sizeof(*search));
    search->planner = planner;
    search->offer = offer;
    search->answers = answers;
    search->request = *request;
    for (size_t i = 0; i < offer->n_claims; i++) {
        const struct offer_claim *one = &offer->claims[i];
        struct migration_facts facts = {0};
        search->i = i;
        choose_gpu(search, &facts);
        rules_check_migration(planner->rules, MIGRATION_OF_DEVICE, one->claim.name, &one->facts,
                              &facts, ret_checks);
    }
    if (offer->n_claims == 0) {
        (void)planner_build(planner, request, &search->plan, NULL); /* no steps */
    }
    if (search->plan != NULL && search->n_add == offer->n_claims) {
        restore_wishes(search->plan, offer);
        *ret_plan = TAKE_PTR(search->plan);
    }
    plan_free(search->plan);
    free(search);
}
