/* SPDX-License-Identifier: Apache-2.0 */
/* Facts type.NAME: the vGPU type of a claim. Private to src/rules. */
#ifndef RULES_FACTS_TYPE_H
#define RULES_FACTS_TYPE_H

#include "rules/fact_table.h"

extern const struct fact_table type_facts;

#endif
