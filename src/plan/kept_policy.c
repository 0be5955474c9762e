/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/kept_policy.h"

#include "base/str.h"
#include "plan/claim_rule_facts.h"

static enum scheduler_policy policy_on(const struct planner *planner, const struct claim *claim,
                                       const struct gpu *gpu)
{
    if (claim->spec.mode != CLAIM_TIME_SLICED || !claim_is_on(claim, gpu)) {
        return SCHEDULER_UNKNOWN;
    }
    const struct rule_facts facts = claim_rule_facts(planner, claim, gpu);
    return claim_policy(claim, facts.model, facts.type);
}

static const struct plan_claim *find_entry(const struct plan *plan, const char *name)
{
    const struct plan_claim *found = NULL;
    for (vec_each(&plan->claims, entry)) {
        found = str_eq(entry->claim.name, name) ? entry : found;
    }
    return found;
}

/* Claims that the plan leaves as they are, and those that it brings. */
static bool is_needed(const struct planner *planner, const struct plan *plan, const struct gpu *gpu,
                      enum scheduler_policy policy)
{
    for (vec_each(planner->claims, stored)) {
        if (find_entry(plan, stored->name) == NULL && policy_on(planner, stored, gpu) == policy) {
            return true;
        }
    }
    for (vec_each(&plan->claims, entry)) {
        if (entry->verb != PLAN_RELEASE && policy_on(planner, &entry->claim, gpu) == policy) {
            return true;
        }
    }
    return false;
}

static bool is_set_by(const struct plan *plan, const struct gpu *gpu)
{
    for (vec_each(&plan->steps, step)) {
        if (step->kind == STEP_SCHEDULER_SET && pci_addr_cmp(&step->gpu, &gpu->addr) == 0) {
            return true;
        }
    }
    return false;
}

void kept_policy_note(const struct planner *planner, struct plan *plan)
{
    for (vec_each(&plan->claims, entry)) {
        const struct claim *claim = &entry->claim;
        const struct gpu *gpu = entry->verb == PLAN_RELEASE && claim->assigned.set
                                    ? host_find_gpu_addr(planner->host, &claim->assigned.gpu)
                                    : NULL;
        enum scheduler_policy policy =
            gpu != NULL ? policy_on(planner, claim, gpu) : SCHEDULER_UNKNOWN;
        if (policy == SCHEDULER_UNKNOWN || policy == SCHEDULER_BEST_EFFORT ||
            gpu->scheduler.policy != policy || is_set_by(plan, gpu) ||
            is_needed(planner, plan, gpu, policy)) {
            continue;
        }
        char bdf[BDF_SIZE];
        pci_addr_format(&gpu->addr, bdf);
        struct plan_warning *warning = vec_push(&plan->warnings);
        STR_SET(warning->claim, claim->name);
        str_print(warning->text, sizeof(warning->text),
                  "GPU %s keeps the %s scheduling that claim \"%s\" asked for; once the GPU has no "
                  "vGPU, `cleave gpu scheduler %s best-effort` sets it back",
                  bdf, scheduler_policy_name(policy), claim->name, bdf);
    }
}
