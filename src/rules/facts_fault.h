/* SPDX-License-Identifier: Apache-2.0 */
/* Facts fault.NAME: what a walk of a definition found. Private to src/rules. */
#ifndef RULES_FACTS_FAULT_H
#define RULES_FACTS_FAULT_H

#include "rules/fact_table.h"

extern const struct fact_table fault_facts;

#endif
