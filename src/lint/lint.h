/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults of a VM's definition, seen from its GPUs. A walk of the definition gives facts, and the
 * rules of definitions (data/rules) judge them, each with why and where that is written. Pure:
 * judges what was read (model/domain_facts.h) in the light of the host and the claims, and changes
 * nothing. A finding is an answer, not an error.
 */
#ifndef LINT_LINT_H
#define LINT_LINT_H

#include <jansson.h>

#include "lint/finding.h"
#include "model/claim.h"
#include "model/domain_facts.h"
#include "model/host.h"
#include "rules/rules.h"

/* Worst first, then by line; findings borrow from `rules`, and keep nothing else of the input.
 * vec_done() frees. */
void lint_domain(const struct domain_facts *facts, const struct host *host,
                 const struct claims *claims, const struct rules *rules,
                 struct findings *ret_findings);

/* {"vm", "findings": […], "errors", "warnings", "notes"} */
json_t *findings_to_json(const char *vm, const struct findings *findings);

/* Kinds of faults that the walks of a definition find, for tests: each has a rule of its name in
 * data/rules. NULL after the last. */
const char *lint_fault_kind(size_t index);

#endif
