/* SPDX-License-Identifier: Apache-2.0 */
/* What a fact's function writes: each writes the text and returns true, or false for what is
 * unknown. Private to src/rules. */
#ifndef RULES_SAY_H
#define RULES_SAY_H

#include "catalog/catalog.h"
#include "model/host.h"
#include "rules/rule_facts.h"

/* NULL and "" are unknown. */
bool say_text(char out[FACT_SIZE], const char *text);
bool say_bool(char out[FACT_SIZE], bool value);
/* CAT_UNKNOWN is unknown. */
bool say_number(char out[FACT_SIZE], uint32_t value);
bool say_support(char out[FACT_SIZE], int support);
bool say_tristate(char out[FACT_SIZE], enum tristate value);
bool say_answer(char out[FACT_SIZE], enum board_answer answer);

#endif
