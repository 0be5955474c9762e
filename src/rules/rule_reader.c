/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_reader.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "catalog/catalog.h"

/* Booleans and numbers in the file compare as the text a fact gives. */
bool rule_reader_value(const json_t *json, char out[FACT_SIZE])
{
    if (json_is_string(json)) {
        return str_copy(out, FACT_SIZE, json_string_value(json));
    }
    if (json_is_boolean(json)) {
        return str_copy(out, FACT_SIZE, json_is_true(json) ? "true" : "false");
    }
    if (json_is_integer(json)) {
        snprintf(out, FACT_SIZE, "%lld", (long long)json_integer_value(json));
        return true;
    }
    return false;
}

static void read_values(struct reader *r, const char *key, struct condition *condition)
{
    const json_t *value = json_object_get(r->object, key);
    size_t n = json_is_array(value) ? json_array_size(value) : 1;
    if (n == 0 || n > RULE_MAX_VALUES) {
        reader_fail(r, key, "expected 1 to %d values", RULE_MAX_VALUES);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
        if (!rule_reader_value(item, condition->values[i])) {
            reader_fail(r, key, "expected text, a number or a boolean");
            return;
        }
    }
    condition->n_values = n;
}

static bool compares_facts(const struct condition *condition)
{
    return condition->op == OP_DIFFERS || condition->op == OP_OLDER || condition->op == OP_EXCEEDS;
}

static void read_other(struct reader *r, struct condition *condition)
{
    if (!compares_facts(condition)) {
        return;
    }
    int other = fact_find(condition->values[0]);
    if (other < 0 || condition->n_values != 1) {
        reader_fail(r, words_name(&rule_op_words, condition->op), "unknown fact \"%s\"",
                    condition->values[0]);
        return;
    }
    condition->other = (size_t)other;
}

static void read_condition(struct reader *r, struct condition *condition)
{
    const char *name = reader_str(r, "fact", 64);
    int fact = name != NULL ? fact_find(name) : -1;
    if (name != NULL && fact < 0) {
        reader_fail(r, "fact", "unknown fact \"%s\"", name);
        return;
    }
    condition->fact = fact < 0 ? 0 : (size_t)fact;
    size_t found = 0;
    for (uint32_t op = 0; op < rule_op_words.n; op++) {
        if (reader_has(r, words_name(&rule_op_words, op))) {
            condition->op = (enum rule_op)op;
            read_values(r, words_name(&rule_op_words, op), condition);
            read_other(r, condition);
            found++;
        }
    }
    if (found != 1) {
        reader_fail(r, NULL, "a condition needs exactly one operator");
    }
}

static void read_conditions(struct reader *r, struct rule *rule)
{
    json_t *when = reader_array(r, "when", RULE_MAX_CONDITIONS);
    for (size_t i = 0; when != NULL && i < json_array_size(when); i++) {
        char path[160];
        struct reader item;
        reader_init(&item, json_array_get(when, i), r->origin,
                    reader_path(r, "when", (int)i, path, sizeof(path)), r->err);
        read_condition(&item, &rule->when[i]);
        int result = reader_end(&item);
        r->result = r->result != 0 ? r->result : result;
        rule->n_when = i + 1;
    }
}

/* "soft" of a rule that refuses nothing would say that there is something to override. */
static void read_weight(struct reader *r, struct rule *rule)
{
    bool warns = reader_bool_or(r, "warns", false);
    bool notes = reader_bool_or(r, "notes", false);
    rule->soft = reader_bool_or(r, "soft", false);
    rule->weight = warns ? RULE_WARNS : notes ? RULE_NOTES : RULE_REFUSES;
    if (warns && notes) {
        reader_fail(r, "notes", "a rule warns or notes, not both");
    } else if (rule->soft && rule->weight != RULE_REFUSES) {
        reader_fail(r, "soft", "the rule refuses nothing, so there is nothing to override");
    } else if (rule->soft && rule->scope != RULE_OF_CLAIM) {
        reader_fail(r, "soft", "only a rule of claims can be overridden, by the claim");
    } else if (rule->scope == RULE_OF_HOST && rule->weight == RULE_REFUSES) {
        reader_fail(r, "applies", "a rule of hosts has `warns: true` or `notes: true`");
    }
}

static void read_scope(struct reader *r, struct rule *rule)
{
    int scope = reader_word_or(r, "applies", &rule_scope_words, RULE_OF_CLAIM);
    rule->scope = scope < 0 ? RULE_OF_CLAIM : (enum rule_scope)scope;
    rule->compares = -1;
    int element = reader_word_or(r, "element", &rule_element_words, ELEMENT_DOMAIN);
    rule->element = element < 0 ? ELEMENT_DOMAIN : (enum rule_element)element;
    if (rule->element != ELEMENT_DOMAIN && rule->scope != RULE_OF_DEFINITION) {
        reader_fail(r, "element", "only a rule of definitions is about an element");
    }
    const char *stem = reader_str_or(r, "compares", 48, NULL);
    if (stem != NULL && !rule_is_of_migration(rule)) {
        reader_fail(r, "compares", "only a rule of migrations compares two sides");
    } else if (stem != NULL) {
        char name[64];
        snprintf(name, sizeof(name), "source.%s", stem);
        rule->compares = fact_find(name);
        if (rule->compares < 0) {
            reader_fail(r, "compares", "unknown migration fact \"%s\"", stem);
        }
    }
}

/* Of what the facts are that a rule may speak of: the words before the dot. */
static const char *const subjects_of[RULE_SCOPE_COUNT] = {
    [RULE_OF_CLAIM] = "claim gpu host licence mode model need other profile type vm",
    [RULE_OF_MIGRATED_DEVICE] = "source target",
    [RULE_OF_MIGRATED_VM] = "source target",
    [RULE_OF_DEFINITION] = "claim definition device fault gpu host",
    [RULE_OF_HOST] = "gpu guest host model",
};

/* A claim has no target, a migration's sides are no claims, and a host has no need. */
static void check_fact(struct reader *r, const char *key, enum rule_scope scope, size_t fact)
{
    const char *name = fact_name(fact);
    size_t len = strcspn(name, ".");
    const char *words = subjects_of[scope];
    for (const char *at = words; *at != '\0'; at += strspn(at, " ")) {
        size_t n = strcspn(at, " ");
        if (n == len && strncmp(at, name, n) == 0) {
            return;
        }
        at += n;
    }
    reader_fail(r, key,
                "fact \"%s\" does not exist for what the rule applies to (%s): its facts are of %s",
                name, rule_scope_name(scope), words);
}

/* Every {placeholder} must be a fact, so that a typo shows at load and not in a refusal. */
static void check_placeholders(struct reader *r, const char *key, enum rule_scope scope,
                               const char *text)
{
    for (const char *p = text == NULL ? NULL : strchr(text, '{'); p != NULL;
         p = strchr(p + 1, '{')) {
        char name[64] = "";
        size_t len = strcspn(p + 1, "}");
        if (p[1 + len] != '}' || len >= sizeof(name)) {
            reader_fail(r, key, "unclosed placeholder");
            return;
        }
        memcpy(name, p + 1, len);
        int fact = fact_find(name);
        if (fact < 0) {
            reader_fail(r, key, "unknown fact \"%s\" in the text", name);
            return;
        }
        check_fact(r, key, scope, (size_t)fact);
    }
}

static void check_facts(struct reader *r, const struct rule *rule)
{
    for (size_t i = 0; r->result == 0 && i < rule->n_when; i++) {
        check_fact(r, "when", rule->scope, rule->when[i].fact);
        if (compares_facts(&rule->when[i])) {
            check_fact(r, "when", rule->scope, rule->when[i].other);
        }
    }
}

static void read_id(struct reader *r, struct rule *rule)
{
    const char *id = reader_str(r, "id", sizeof(rule->id) - 1);
    if (id == NULL) {
        return;
    }
    if (id[0] == '\0' || strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(id)) {
        reader_fail(r, "id", "an id has small letters, digits and hyphens");
    }
    STR_SET(rule->id, id);
}

int rule_reader_read(const json_t *json, const char *origin, size_t index, struct rule *rule,
                     struct error *err)
{
    char path[32];
    snprintf(path, sizeof(path), "rules[%zu]", index);
    struct reader r;
    reader_init(&r, json, origin, path, err);
    read_id(&r, rule);
    rule->file = origin;
    rule->statement = reader_str(&r, "statement", 400);
    rule->source = reader_str(&r, "source", 400);
    int confidence = reader_word(&r, "confidence", &cat_confidence_words);
    rule->confidence = confidence < 0 ? "" : cat_confidence_name((enum cat_confidence)confidence);
    rule->message = reader_str(&r, "message", 400);
    rule->instead = reader_str(&r, "instead", 400);
    read_scope(&r, rule);
    read_weight(&r, rule);
    version_range_read(&r, rule_is_of_migration(rule), &rule->range);
    check_placeholders(&r, "message", rule->scope, rule->message);
    check_placeholders(&r, "instead", rule->scope, rule->instead);
    read_conditions(&r, rule);
    check_facts(&r, rule);
    return reader_end(&r);
}
