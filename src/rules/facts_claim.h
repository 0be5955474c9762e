/* SPDX-License-Identifier: Apache-2.0 */
/* Facts claim.NAME: what a claim says. Private to src/rules. */
#ifndef RULES_FACTS_CLAIM_H
#define RULES_FACTS_CLAIM_H

#include "rules/fact_table.h"

extern const struct fact_table claim_facts;

#endif
