/* SPDX-License-Identifier: Apache-2.0 */
/* Rules as the API answers them. */
#ifndef RULES_RULES_JSON_H
#define RULES_RULES_JSON_H

#include <jansson.h>

#include "rules/rules.h"

/* `since` as version_range_parse_since() reads it: only those that begin or end with that version
 * or a later one; NULL: all. */
int rules_to_json(const struct rules *rules, const char *since, json_t **ret_list,
                  struct error *err);
/* The rules of that id, of which each scope may have one; empty: none. */
json_t *rules_find_json(const struct rules *rules, const char *id);

#endif
