/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/claim_rule_facts.h"

#include "licence/products.h"
#include "plan/mode.h"

/* The scheduler that the need asks for, else the GPU's. */
static const struct gpu_scheduler *scheduler_of(const struct planner *planner,
                                                const struct gpu *gpu, enum scheduler_policy policy)
{
    static const struct gpu_scheduler by_policy[SCHEDULER_POLICY_COUNT] = {
        [SCHEDULER_BEST_EFFORT] = {.policy = SCHEDULER_BEST_EFFORT},
        [SCHEDULER_EQUAL_SHARE] = {.policy = SCHEDULER_EQUAL_SHARE},
        [SCHEDULER_FIXED_SHARE] = {.policy = SCHEDULER_FIXED_SHARE},
    };
    return policy != SCHEDULER_UNKNOWN ? &by_policy[policy]
                                       : planner_wanted_scheduler(planner, gpu);
}

struct rule_facts claim_rule_facts(const struct planner *planner, const struct claim *claim,
                                   const struct gpu *gpu)
{
    struct rule_facts facts = {.spec = &claim->spec,
                               .params = &claim->params,
                               .model = gpu != NULL ? gpu_model_of(planner, gpu) : NULL,
                               .gpu = gpu,
                               .need = claim->has_need ? &claim->need : NULL,
                               .overrides = &claim->overrides,
                               .has_vm = claim->vm[0] != '\0',
                               .claim = claim->name,
                               .host = planner->host};
    if (facts.model != NULL && claim->spec.type[0] != '\0') {
        (void)model_find_type(facts.model, claim->spec.type, &facts.type, NULL);
    }
    const char *profile = claim->spec.profile[0] != '\0' ? claim->spec.profile
                          : facts.type != NULL           ? facts.type->gi_profile
                                                         : NULL;
    if (facts.model != NULL && profile != NULL && claim->spec.mode != CLAIM_TIME_SLICED) {
        (void)model_find_profile(facts.model, profile, &facts.profile, NULL);
    }
    if (gpu != NULL) {
        facts.scheduler = scheduler_of(planner, gpu, claim_policy(claim, facts.model, facts.type));
    }
    facts.licences = licence_products(claim->spec.mode, facts.type != NULL ? facts.type->series : 0,
                                      claim->need.graphics);
    return facts;
}
