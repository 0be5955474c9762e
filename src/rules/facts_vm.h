/* SPDX-License-Identifier: Apache-2.0 */
/* Facts other.NAME, vm.NAME: a claim together with another claim of the same VM. Private to
 * src/rules. */
#ifndef RULES_FACTS_VM_H
#define RULES_FACTS_VM_H

#include "rules/fact_table.h"

extern const struct fact_table other_facts, vm_facts;

#endif
