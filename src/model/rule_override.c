/* SPDX-License-Identifier: Apache-2.0 */
#include "model/rule_override.h"

#include "base/str.h"

static const struct field rule_override_fields[] = {
    FIELD_STRING(struct rule_override, rule, "rule", FACE_ALL, .required = true),
    FIELD_STRING(struct rule_override, reason, "reason", FACE_ALL, .required = true),
};
const struct schema rule_override_schema = SCHEMA(rule_override, rule_override_fields);

const struct rule_override *rule_overrides_find(const struct rule_overrides *overrides,
                                                const char *rule)
{
    for (size_t i = 0; overrides != NULL && i < overrides->n; i++) {
        if (str_eq(overrides->items[i].rule, rule)) {
            return &overrides->items[i];
        }
    }
    return NULL;
}

bool rule_overrides_are_same(const struct rule_overrides *a, const struct rule_overrides *b)
{
    for (size_t i = 0; i < a->n; i++) {
        const struct rule_override *other = rule_overrides_find(b, a->items[i].rule);
        if (other == NULL || !str_eq(other->reason, a->items[i].reason)) {
            return false;
        }
    }
    return a->n == b->n;
}

json_t *rule_overrides_to_json(const struct rule_overrides *overrides)
{
    return overrides->n == 0 ? NULL
                             : schema_list_to_json(&rule_override_schema, overrides->items,
                                                   overrides->n, FACE_STORE);
}

void rule_overrides_read(struct reader *r, const char *key, struct rule_overrides *ret)
{
    *ret = (struct rule_overrides){0};
    json_t *list = reader_array_or_null(r, key, RULE_OVERRIDES_MAX);
    for (size_t i = 0; r->result == 0 && i < json_array_size(list); i++) {
        struct rule_override one = {.rule = ""};
        const struct schema_place place = {
            .key = key, .index = (int)i, .json = json_array_get(list, i)};
        schema_read_below(&rule_override_schema, r, &place, &one, FACE_USER);
        if (r->result != 0) {
            return;
        }
        if (one.rule[0] == '\0' || one.reason[0] == '\0') {
            reader_fail(r, key, "an override has the id of a rule, and a reason that is not empty");
        } else if (rule_overrides_find(ret, one.rule) != NULL) {
            reader_fail(r, key, "rule \"%s\" is there twice", one.rule);
        } else {
            ret->items[ret->n++] = one;
        }
    }
}
