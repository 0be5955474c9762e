/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of definitions that are data (data/rules). */
#include "base/str.h"
#include "lint/lint_rule.h"
#include "rules/rules.h"

/* Whom the engine tells of what is broken. */
struct answer {
    struct lint *lint;
    const struct domain_device *device; /* NULL: the definition as a whole */
    size_t n_whole;                     /* findings of rules about that */
    size_t first;                       /* of those is this one */
};

static bool is_said(const struct answer *answer, const char *rule)
{
    for (size_t i = answer->first; i < answer->first + answer->n_whole; i++) {
        if (str_eq(answer->lint->findings->items[i].rule, rule)) {
            return true;
        }
    }
    return false;
}

/* A rule that needs no device is broken with each, but said once. */
static void add(void *data, const struct broken_rule *broken)
{
    static const enum severity severities[] = {[RULE_REFUSES] = SEVERITY_ERROR,
                                               [RULE_WARNS] = SEVERITY_WARNING,
                                               [RULE_NOTES] = SEVERITY_NOTE};
    struct answer *answer = data;
    if (answer->device != NULL && is_said(answer, broken->id)) {
        return;
    }
    const struct lint_rule rule = {.id = broken->id,
                                   .severity = severities[broken->weight],
                                   .why = broken->statement,
                                   .source = broken->source};
    answer->lint->rule = &rule;
    struct finding *it =
        lint_find(answer->lint, answer->device != NULL ? answer->device->line : 0,
                  answer->device != NULL ? "hostdev" : "domain", "%s", broken->message);
    lint_advise(it, "%s", broken->instead);
    answer->lint->rule = NULL;
}

static struct rule_definition describe(const struct lint *lint)
{
    struct rule_definition definition = {.facts = lint->facts};
    const struct vm *vm = host_find_vm_of(lint->host, lint->facts->name, lint->facts->uuid);
    for (vec_each(&lint->seen, seen)) {
        definition.gpus += seen->gpu != NULL;
        definition.whole_gpus += seen->gpu != NULL && seen->whole;
        definition.vgpus += seen->vgpu != NULL;
    }
    if (vm != NULL) {
        definition.saved = vm->saved ? TRI_YES : TRI_NO;
    }
    return definition;
}

void lint_ask_data(struct lint *lint, const struct rules *rules)
{
    const struct rule_definition definition = describe(lint);
    struct rule_facts facts = {.host = lint->host, .definition = &definition};
    struct answer answer = {.lint = lint, .first = lint->findings->n};
    rules_find_broken(rules, RULE_OF_DEFINITION, &facts, add, &answer);
    answer.n_whole = lint->findings->n - answer.first;
    for (vec_each(&lint->seen, seen)) {
        facts.device = answer.device = seen->device;
        facts.gpu = seen->gpu;
        rules_find_broken(rules, RULE_OF_DEFINITION, &facts, add, &answer);
    }
}
