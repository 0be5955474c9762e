/* SPDX-License-Identifier: Apache-2.0 */
/* What rules may ask of a claim on a GPU: the same facts wherever they are asked. Private to
 * src/plan. */
#ifndef PLAN_CLAIM_RULE_FACTS_H
#define PLAN_CLAIM_RULE_FACTS_H

#include "plan/plan_request.h"
#include "rules/rules.h"

/* Borrows the claim, whose mode is resolved, and the planner. What the model has of its type and
 * profile is looked up; `gpu` NULL: it has none yet. */
struct rule_facts claim_rule_facts(const struct planner *planner, const struct claim *claim,
                                   const struct gpu *gpu);

#endif
