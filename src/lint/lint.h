/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults of a VM's definition, seen from its GPUs: a table of rules, each with why and
 * where that is written. Pure: judges what was read (model/domain_facts.h) in the light of the host
 * and the claims, and changes nothing. A finding is an answer, not an error.
 */
#ifndef LINT_LINT_H
#define LINT_LINT_H

#include <jansson.h>

#include "lint/finding.h"
#include "model/claim.h"
#include "model/domain_facts.h"
#include "model/host.h"
#include "rules/rules.h"

/* Worst first, then by line; `rules` (NULL: none) are asked, too, and findings borrow from them.
 * Nothing else of the input is kept. vec_done() frees. */
void lint_domain(const struct domain_facts *facts, const struct host *host,
                 const struct claims *claims, const struct rules *rules,
                 struct findings *ret_findings);

/* {"vm", "findings": […], "errors", "warnings", "notes"} */
json_t *findings_to_json(const char *vm, const struct findings *findings);

/* Appends the rules that this folder has in code to a list of rules (rules/rules_json.h), all of
 * them or those of one id, in the same form. */
void lint_rules_add_json(json_t *list, const char *id);

/* ids of the rules, for documents and tests; NULL after the last. */
const char *lint_rule_id(size_t index);

#endif
