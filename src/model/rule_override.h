/* SPDX-License-Identifier: Apache-2.0 */
/* A soft rule that an operator overrides for a claim, and why. */
#ifndef MODEL_RULE_OVERRIDE_H
#define MODEL_RULE_OVERRIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "schema/schema.h"

#define RULE_OVERRIDE_ID_SIZE 48
#define RULE_OVERRIDE_REASON_SIZE 160
#define RULE_OVERRIDES_MAX 4

struct rule_override {
    char rule[RULE_OVERRIDE_ID_SIZE];
    char reason[RULE_OVERRIDE_REASON_SIZE];
};

struct rule_overrides {
    struct rule_override items[RULE_OVERRIDES_MAX];
    size_t n;
};

/* NULL: the rule is not overridden. */
const struct rule_override *rule_overrides_find(const struct rule_overrides *overrides,
                                                const char *rule);

/* In any order. */
bool rule_overrides_are_same(const struct rule_overrides *a, const struct rule_overrides *b);

/* [{"rule", "reason"}, …]; NULL if there are none. A new reference. */
json_t *rule_overrides_to_json(const struct rule_overrides *overrides);
/* Absent: none. Refuses what is no list, an entry without a reason, and a rule that is there twice.
 */
void rule_overrides_read(struct reader *r, const char *key, struct rule_overrides *ret);

extern const struct schema rule_override_schema;

#endif
