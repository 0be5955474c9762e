/* SPDX-License-Identifier: Apache-2.0 */
/* Facts mode.NAME, model.NAME, profile.NAME: the board as the catalog has it. Private to src/rules.
 */
#ifndef RULES_FACTS_MODEL_H
#define RULES_FACTS_MODEL_H

#include "rules/fact_table.h"

extern const struct fact_table mode_facts, model_facts, profile_facts;

#endif
