/* SPDX-License-Identifier: Apache-2.0 */
/* Facts licence.NAME, need.NAME: the need that a claim states, and the licences it takes. Private
 * to src/rules. */
#ifndef RULES_FACTS_NEED_H
#define RULES_FACTS_NEED_H

#include "rules/fact_table.h"

extern const struct fact_table licence_facts, need_facts;

#endif
