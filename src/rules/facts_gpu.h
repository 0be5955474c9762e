/* SPDX-License-Identifier: Apache-2.0 */
/* Facts gpu.NAME: one GPU as it was seen. Private to src/rules. */
#ifndef RULES_FACTS_GPU_H
#define RULES_FACTS_GPU_H

#include "rules/fact_table.h"

extern const struct fact_table gpu_facts;

#endif
