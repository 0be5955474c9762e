/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules_json.h"

#include "base/str.h"
#include "rules/rule_set.h"

static json_t *value_to_json(const struct condition *condition, size_t i)
{
    return json_string(condition->values[i]);
}

static json_t *condition_to_json(const struct condition *condition)
{
    json_t *json = json_pack("{s:s}", "fact", fact_name(condition->fact));
    json_t *value = json_array();
    for (size_t i = 0; i < condition->n_values; i++) {
        json_array_append_new(value, value_to_json(condition, i));
    }
    json_object_set_new(json, "operator", json_string(words_name(&rule_op_words, condition->op)));
    json_object_set_new(json, "values", value);
    return json;
}

/* `change`: since the release that was asked for; "" none was. */
static json_t *rule_to_json(const struct rule *rule, const char *change)
{
    char versions[VERSION_RANGE_TEXT_SIZE];
    json_t *when = json_array();
    for (size_t i = 0; i < rule->n_when; i++) {
        json_array_append_new(when, condition_to_json(&rule->when[i]));
    }
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:s, s:o, s:o, s:s, s:o, s:o}", "id",
        rule->id, "applies", rule_scope_name(rule->scope), "statement", rule->statement, "source",
        rule->source, "confidence", rule->confidence, "message", rule->message, "instead",
        rule->instead, "weight", rule_weight_name(rule->weight), "soft", rule->soft, "own",
        rule->own, "file", rule->file, "from", version_range_bound(rule->range.from), "to",
        version_range_bound(rule->range.to), "versions", version_range_text(&rule->range, versions),
        "change", change[0] != '\0' ? json_string(change) : json_null(), "when", when);
}

int rules_to_json(const struct rules *rules, const char *since, json_t **ret_list,
                  struct error *err)
{
    enum version_kind kind = VERSION_VGPU;
    char version[VERSION_SIZE] = "";
    if (since != NULL && !version_range_parse_since(since, &kind, version, err)) {
        return -REASON_INVALID;
    }
    json_t *list = json_array();
    for (vec_each(&rules->rules, rule)) {
        char change[VERSION_RANGE_TEXT_SIZE] = "";
        if (since == NULL || version_range_changes_since(&rule->range, kind, version, change)) {
            json_array_append_new(list, rule_to_json(rule, change));
        }
    }
    *ret_list = list;
    return 0;
}

json_t *rules_find_json(const struct rules *rules, const char *id)
{
    json_t *list = json_array();
    for (vec_each(&rules->rules, rule)) {
        if (str_eq(rule->id, id)) {
            json_array_append_new(list, rule_to_json(rule, ""));
        }
    }
    return list;
}
