/* SPDX-License-Identifier: Apache-2.0 */
/* A claim's vGPU type as the driver describes it. Private to src/rules. */
#ifndef RULES_BOARD_TYPE_H
#define RULES_BOARD_TYPE_H

#include "model/host.h"
#include "rules/rule_facts.h"

/* NULL: no GPU was seen, or its driver says nothing of the type. */
const struct board_type *board_type_of(const struct rule_facts *facts);

#endif
