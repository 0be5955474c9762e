/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with a VM's definition, seen from its GPUs: a table of rules, each with why and
 * where that is written. Pure: judges what was read (model/domain_facts.h) in the light of the host
 * and the claims, and changes nothing. A finding is an answer, not an error.
 */
#ifndef LINT_LINT_H
#define LINT_LINT_H

#include <jansson.h>

#include "model/claim.h"
#include "model/domain_facts.h"
#include "model/host.h"

/* ERROR: the VM won't start, or a device is lost. WARNING: it may, or it runs worse. */
enum severity { SEVERITY_ERROR, SEVERITY_WARNING, SEVERITY_NOTE, SEVERITY_COUNT };
WORDS_DECLARE(severity, severity_words)

struct lint_rule;

struct finding {
    const struct lint_rule *rule;
    enum severity severity; /* the rule's, or milder, or worse for this VM */
    uint32_t line;          /* of the stored definition as libvirt prints it; 0: none */
    char element[32];       /* "hostdev" */
    char message[ERROR_TEXT_SIZE];
    char advice[ERROR_TEXT_SIZE];
};

struct findings {
    struct finding *items;
    size_t n;
    size_t cap;
};

/* Worst first, then by line. Nothing of the input is kept. vec_done() frees. */
void lint_domain(const struct domain_facts *facts, const struct host *host,
                 const struct claims *claims, struct findings *ret_findings);

/* {"vm", "findings": […], "errors", "warnings", "notes"} */
json_t *findings_to_json(const char *vm, const struct findings *findings);

/* ids of the rules, for documents and tests; NULL after the last. */
const char *lint_rule_id(size_t index);

#endif
