/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of definitions, asked about a definition as a whole, about each of its devices, and
 * about each fault that a walk found. */
#include "base/str.h"
#include "lint/lint_rule.h"
#include "rules/rules.h"

/* A question to the engine: what it is about, and where the answers go. */
struct question {
    struct lint *lint;
    const struct domain_device *device; /* NULL: the definition as a whole */
    const struct fault *fault;          /* NULL: none */
    size_t n_whole;                     /* findings of rules about the whole: the first ones */
};

static const enum severity severities[RULE_WEIGHT_COUNT] = {
    [RULE_REFUSES] = SEVERITY_ERROR, [RULE_WARNS] = SEVERITY_WARNING, [RULE_NOTES] = SEVERITY_NOTE};

static bool is_said(const struct question *question, const char *rule)
{
    for (size_t i = 0; i < question->n_whole; i++) {
        if (str_eq(question->lint->findings->items[i].rule, rule)) {
            return true;
        }
    }
    return false;
}

/* 0: the definition does not have it. */
static uint32_t line_of(const struct domain_facts *facts, enum rule_element element)
{
    switch (element) {
    case ELEMENT_CONTROLLER:
        return facts->window_line;
    case ELEMENT_CPU:
        return facts->cpu_line;
    case ELEMENT_OS:
        return facts->machine_line;
    case ELEMENT_DOMAIN:
    case ELEMENT_COUNT:
        break;
    }
    return 0;
}

static void set_place(const struct question *question, enum rule_element element,
                      struct finding *it)
{
    const struct fault *fault = question->fault;
    const struct domain_device *device = question->device;
    if (fault == NULL && device == NULL) {
        it->line = line_of(question->lint->facts, element);
        STR_SET(it->element, rule_element_name(element));
    } else {
        it->line = fault != NULL ? fault->line : device->line;
        STR_SET(it->element, fault != NULL ? fault->element : "hostdev");
    }
    if (fault != NULL && fault->severity != SEVERITY_COUNT) {
        it->severity = fault->severity;
    }
}

/* A rule that needs no device is broken with each, and one that needs no fault with each of those:
 * it is said once. */
static void add(void *data, const struct broken_rule *broken)
{
    const struct question *question = data;
    if (broken->of_fault != (question->fault != NULL) || is_said(question, broken->id)) {
        return;
    }
    struct finding *it = vec_push(question->lint->findings);
    it->rule = broken->id;
    it->why = broken->statement;
    it->source = broken->source;
    it->order = (uint32_t)broken->order;
    it->severity = severities[broken->weight];
    STR_SET(it->message, broken->message);
    STR_SET(it->advice, broken->instead);
    set_place(question, broken->element, it);
}

static void describe_window(const struct lint *lint, struct rule_definition *definition)
{
    uint64_t sum = 0;
    uint64_t largest = 0;
    for (vec_each(&lint->seen, seen)) {
        if (seen->whole) {
            sum += seen->gpu->mmio_bytes;
            largest = seen->gpu->mmio_bytes > largest ? seen->gpu->mmio_bytes : largest;
        }
    }
    definition->bars_kib = sum / 1024;
    definition->window_needed_kib =
        domain_window_kib(sum, largest, lint->facts->root_controller, &definition->window_kib);
    if (lint->facts->window_line != 0) {
        definition->window_kib = lint->facts->window_kib;
    }
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
    describe_window(lint, &definition);
    if (vm != NULL) {
        definition.saved = vm->saved ? TRI_YES : TRI_NO;
    }
    return definition;
}

/* NULL: no claim has the device. */
static void set_claim(struct rule_facts *facts, const struct claim *claim)
{
    facts->spec = claim != NULL ? &claim->spec : NULL;
    facts->params = claim != NULL ? &claim->params : NULL;
    facts->claim = claim != NULL ? claim->name : NULL;
    facts->has_vm = claim != NULL;
}

static void ask_about_devices(struct question *question, const struct rules *rules,
                              struct rule_facts *facts)
{
    for (vec_each(&question->lint->seen, seen)) {
        facts->device = question->device = seen->device;
        facts->gpu = seen->gpu;
        facts->scheduler = seen->gpu != NULL ? &seen->gpu->scheduler : NULL;
        set_claim(facts, seen->claim);
        rules_find_broken(rules, RULE_OF_DEFINITION, facts, add, question);
    }
    facts->device = question->device = NULL;
    facts->gpu = NULL;
    facts->scheduler = NULL;
    set_claim(facts, NULL);
}

static void ask_about_faults(struct question *question, const struct rules *rules,
                             struct rule_facts *facts)
{
    for (vec_each(&question->lint->faults, fault)) {
        const struct rule_fault it = {
            .kind = fault->kind, .text = fault->message, .advice = fault->advice};
        question->fault = fault;
        facts->fault = &it;
        rules_find_broken(rules, RULE_OF_DEFINITION, facts, add, question);
    }
}

void lint_ask_rules(struct lint *lint, const struct rules *rules)
{
    const struct rule_definition definition = describe(lint);
    struct rule_facts facts = {.host = lint->host, .definition = &definition};
    struct question question = {.lint = lint};
    rules_find_broken(rules, RULE_OF_DEFINITION, &facts, add, &question);
    question.n_whole = lint->findings->n;
    ask_about_devices(&question, rules, &facts);
    ask_about_faults(&question, rules, &facts);
}
