/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/rule_warnings.h"

#include "base/str.h"
#include "plan/claim_rule_facts.h"

/* The facts of a claim that has its GPU, and of another one of its VM; `other` may be NULL. */
static struct rule_facts facts_of(const struct planner *planner, const struct claim *claim,
                                  const struct rule_other *other)
{
    const struct gpu *gpu = host_find_gpu_addr(planner->host, &claim->assigned.gpu);
    struct rule_facts facts = claim_rule_facts(planner, claim, gpu);
    facts.other = other;
    return facts;
}

static void add(const struct claim *claim, const struct checks *checks, struct plan *plan)
{
    for (vec_each(checks, check)) {
        struct plan_warning *warning = vec_push(&plan->warnings);
        STR_SET(warning->claim, claim->name);
        (void)str_print(warning->text, sizeof(warning->text), "%s; %s (rule %s)", check->message,
                        check->hint, check->rule);
    }
}

static void warn(const struct planner *planner, const struct claim *claim,
                 const struct rule_other *other, struct plan *plan)
{
    CLEANUP(checks_done) struct checks checks = {0};
    const struct rule_facts facts = facts_of(planner, claim, other);
    rules_warn(planner->rules, RULE_OF_CLAIM, &facts, &checks);
    add(claim, &checks, plan);
}

/* Only what both claims together break; the rest is said of each alone. */
static void warn_of_pair(const struct planner *planner, const struct claim *claim,
                         const struct claim *other, struct plan *plan)
{
    if (!other->assigned.set || other->spec.type[0] == '\0' || other->vm[0] == '\0' ||
        !claim_is_of(other, claim->vm, claim->vm_uuid)) {
        return;
    }
    struct rule_facts its = facts_of(planner, other, NULL);
    struct rule_other both = {.claim = other->name,
                              .type = other->spec.type,
                              .model = its.model,
                              .of = its.type,
                              .gpu = its.gpu};
    CLEANUP(checks_done) struct checks checks = {0};
    CLEANUP(checks_done) struct checks alone = {0};
    const struct rule_facts facts = facts_of(planner, claim, &both);
    const struct rule_facts without = facts_of(planner, claim, NULL);
    rules_warn(planner->rules, RULE_OF_CLAIM, &facts, &checks);
    rules_warn(planner->rules, RULE_OF_CLAIM, &without, &alone);
    size_t n = 0;
    for (size_t i = 0; i < checks.n; i++) {
        bool known = false;
        for (vec_each(&alone, check)) {
            known = known || str_eq(check->rule, checks.items[i].rule);
        }
        if (!known) {
            checks.items[n++] = checks.items[i];
        }
    }
    checks.n = n;
    add(claim, &checks, plan);
}

void rule_warnings_note(const struct planner *planner, struct plan *plan)
{
    for (size_t i = 0; i < plan->claims.n; i++) {
        const struct plan_claim *entry = &plan->claims.items[i];
        if (entry->verb != PLAN_BIND || !entry->claim.assigned.set || plan_claim_is_old(entry)) {
            continue;
        }
        warn(planner, &entry->claim, NULL, plan);
        for (vec_each(planner->claims, stored)) {
            if (!str_eq(stored->name, entry->claim.name)) {
                warn_of_pair(planner, &entry->claim, stored, plan);
            }
        }
        for (size_t k = 0; k < i; k++) {
            if (plan->claims.items[k].verb == PLAN_BIND) {
                warn_of_pair(planner, &entry->claim, &plan->claims.items[k].claim, plan);
            }
        }
    }
}
