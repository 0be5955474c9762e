/* SPDX-License-Identifier: Apache-2.0 */
/* Reads one rule of a file, strictly. Private to src/rules. */
#ifndef RULES_RULE_READER_H
#define RULES_RULE_READER_H

#include <jansson.h>

#include "base/error.h"
#include "base/json.h"
#include "rules/rule.h"

/* The value of a fact as a file says it: text, a whole number, true or false. */
bool rule_reader_value(const json_t *json, char out[FACT_SIZE]);
/* `index` is the rule's place in `rules` of the file `origin`. The rule borrows texts from json. */
int rule_reader_read(const json_t *json, const char *origin, size_t index, struct rule *ret_rule,
                     struct error *err);

#endif
