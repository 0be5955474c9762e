/* SPDX-License-Identifier: Apache-2.0 */
/* Facts definition.NAME and device.NAME: a VM's definition, and one of its host devices. Private to
 * src/rules. */
#ifndef RULES_FACTS_DEFINITION_H
#define RULES_FACTS_DEFINITION_H

#include "rules/fact_table.h"

extern const struct fact_table definition_facts, device_facts;

#endif
