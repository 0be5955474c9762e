/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "rules/facts.h"

#define RULES_MAX 256
#define CONDITIONS_MAX 8
#define VALUES_MAX 16

enum rule_op {
    OP_IS,
    OP_IS_NOT,
    OP_IN,
    OP_NOT_IN,
    OP_STARTS,
    OP_ABOVE,
    OP_BELOW,
    OP_UNLESS,
    OP_KNOWN,
    OP_DIFFERS,
    OP_OLDER,
    OP_EXCEEDS,
    OP_COUNT
};

WORDS_LOCAL(op_words, "operator", OP_COUNT, WORD(OP_IS, "is"), WORD(OP_IS_NOT, "is-not"),
            WORD(OP_IN, "in"), WORD(OP_NOT_IN, "not-in"), WORD(OP_STARTS, "starts"),
            WORD(OP_ABOVE, "above"), WORD(OP_BELOW, "below"), WORD(OP_UNLESS, "unless"),
            WORD(OP_KNOWN, "known"), WORD(OP_DIFFERS, "differs-from"), WORD(OP_OLDER, "older-than"),
            WORD(OP_EXCEEDS, "exceeds"))

struct condition {
    size_t fact;
    enum rule_op op;
    char values[VALUES_MAX][FACT_SIZE];
    size_t n_values;
    size_t other; /* OP_DIFFERS, OP_OLDER, OP_EXCEEDS: the fact to compare with */
};

enum rule_applies { APPLIES_CLAIM, APPLIES_DEVICE, APPLIES_VM };
WORDS_LOCAL(applies_words, "scope", APPLIES_VM + 1, WORD(APPLIES_CLAIM, "claim"),
            WORD(APPLIES_DEVICE, "migrated-device"), WORD(APPLIES_VM, "migrated-vm"))

struct rule {
    char id[48];
    enum rule_applies applies;
    int compares; /* index of the source's fact that is shown next to the target's; -1 none */
    bool warns;   /* broken, it is reported but blocks nothing */
    const char *statement, *source, *confidence, *message, *instead; /* borrowed from the tree */
    struct condition when[CONDITIONS_MAX];
    size_t n_when;
};

struct rules {
    json_t *tree;
    VEC(struct rule) rules;
};

/* Booleans and numbers in the file compare as the text a fact gives. */
static bool value_text(const json_t *json, char out[FACT_SIZE])
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
    if (n == 0 || n > VALUES_MAX) {
        reader_fail(r, key, "expected 1 to %d values", VALUES_MAX);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
        if (!value_text(item, condition->values[i])) {
            reader_fail(r, key, "expected text, a number or a boolean");
            return;
        }
    }
    condition->n_values = n;
}

static void read_other(struct reader *r, struct condition *condition)
{
    if (condition->op != OP_DIFFERS && condition->op != OP_OLDER && condition->op != OP_EXCEEDS) {
        return;
    }
    int other = fact_find(condition->values[0]);
    if (other < 0 || condition->n_values != 1) {
        reader_fail(r, words_name(&op_words, condition->op), "unknown fact \"%s\"",
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
    for (uint32_t op = 0; op < op_words.n; op++) {
        if (reader_has(r, words_name(&op_words, op))) {
            condition->op = (enum rule_op)op;
            read_values(r, words_name(&op_words, op), condition);
            read_other(r, condition);
            found++;
        }
    }
    if (found != 1) {
        reader_fail(r, NULL, "a condition needs exactly one operator");
    }
}

/* Every {placeholder} must be a fact, so that a typo shows at load and not in a refusal. */
static void check_placeholders(struct reader *r, const char *key, const char *text)
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
        if (fact_find(name) < 0) {
            reader_fail(r, key, "unknown fact \"%s\" in the text", name);
            return;
        }
    }
}

static void read_conditions(struct reader *r, struct rule *rule)
{
    json_t *when = reader_array(r, "when", CONDITIONS_MAX);
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

static void read_scope(struct reader *r, struct rule *rule)
{
    int applies = reader_word_or(r, "applies", &applies_words, APPLIES_CLAIM);
    rule->applies = applies < 0 ? APPLIES_CLAIM : (enum rule_applies)applies;
    rule->warns = reader_bool_or(r, "warns", false);
    rule->compares = -1;
    const char *stem = reader_str_or(r, "compares", 48, NULL);
    if (stem != NULL) {
        char name[64];
        snprintf(name, sizeof(name), "source.%s", stem);
        rule->compares = fact_find(name);
        if (rule->compares < 0) {
            reader_fail(r, "compares", "unknown migration fact \"%s\"", stem);
        }
    }
}

/* A claim has no target, and a migration's sides are no claims. */
static void check_scope(struct reader *r, const struct rule *rule)
{
    for (size_t i = 0; i < rule->n_when; i++) {
        if (fact_is_of_migration(rule->when[i].fact) != (rule->applies != APPLIES_CLAIM)) {
            reader_fail(r, "when", "fact \"%s\" does not exist for what the rule applies to",
                        fact_name(rule->when[i].fact));
        }
    }
}

static int read_rule(const json_t *json, const char *origin, size_t index, struct rule *rule,
                     struct error *err)
{
    char path[32];
    snprintf(path, sizeof(path), "rules[%zu]", index);
    struct reader r;
    reader_init(&r, json, origin, path, err);
    const char *id = reader_str(&r, "id", sizeof(rule->id) - 1);
    if (id != NULL) {
        STR_SET(rule->id, id);
    }
    rule->statement = reader_str(&r, "statement", 400);
    rule->source = reader_str(&r, "source", 400);
    int confidence = reader_word(&r, "confidence", &cat_confidence_words);
    rule->confidence = confidence < 0 ? "" : cat_confidence_name((enum cat_confidence)confidence);
    rule->message = reader_str(&r, "message", 400);
    rule->instead = reader_str(&r, "instead", 400);
    read_scope(&r, rule);
    check_placeholders(&r, "message", rule->message);
    check_placeholders(&r, "instead", rule->instead);
    read_conditions(&r, rule);
    check_scope(&r, rule);
    return reader_end(&r);
}

/* One limit may have a rule for each occasion on which it is met: of one id, and of two scopes. */
static bool is_same(const struct rule *a, const struct rule *b)
{
    return str_eq(a->id, b->id) && a->applies == b->applies;
}

static int rules_read(struct rules *rules, const char *origin, struct error *err)
{
    struct reader r;
    reader_init(&r, rules->tree, origin, "", err);
    json_t *list = reader_array(&r, "rules", RULES_MAX);
    int result = reader_end(&r);
    for (size_t i = 0; result == 0 && i < json_array_size(list); i++) {
        struct rule *rule = vec_push(&rules->rules);
        result = read_rule(json_array_get(list, i), origin, i, rule, err);
        for (size_t k = 0; result == 0 && k < i; k++) {
            if (is_same(&rules->rules.items[k], rule)) {
                result =
                    error_set(err, REASON_INVALID, origin, "two rules are called \"%s\"", rule->id);
            }
        }
    }
    return result;
}

int rules_load(const char *path, struct rules **ret_rules, struct error *err)
{
    struct error local = {0};
    err = err != NULL ? err : &local;
    CLEANUP(rules_freep) struct rules *rules = xcalloc(1, sizeof(*rules));
    int result = json_read_file(path, &rules->tree, err);
    if (result == 0) {
        result = rules_read(rules, path, err);
    }
    if (result == 0) {
        *ret_rules = TAKE_PTR(rules);
    }
    return result;
}

int rules_load_default(struct rules **ret_rules, struct error *err)
{
    const char *dir = getenv("CLEAVE_DATADIR");
    CLEANUP_FREE char *path = xasprintf("%s/rules.yaml", dir != NULL ? dir : CLEAVE_DATADIR);
    return rules_load(path, ret_rules, err);
}

void rules_free(struct rules *rules)
{
    if (rules == NULL) {
        return;
    }
    vec_done(&rules->rules);
    json_decref(rules->tree);
    free(rules);
}

static bool any_equal(const struct condition *condition, const char *value)
{
    for (size_t i = 0; i < condition->n_values; i++) {
        if (str_eq(condition->values[i], value)) {
            return true;
        }
    }
    return false;
}

static bool number_above(const char *a, const char *b)
{
    uint64_t x = 0;
    uint64_t y = 0;
    return parse_u64(a, &x) && parse_u64(b, &y) && x > y;
}

/* "11.3.0" is older than "11.10": numbers between the dots. */
static bool version_older(const char *a, const char *b)
{
    while (*a != '\0' || *b != '\0') {
        size_t len_a = strspn(a, "0123456789");
        size_t len_b = strspn(b, "0123456789");
        char part_a[16] = "0";
        char part_b[16] = "0";
        if (len_a >= sizeof(part_a) || len_b >= sizeof(part_b)) {
            return false;
        }
        snprintf(part_a, sizeof(part_a), "0%.*s", (int)len_a, a);
        snprintf(part_b, sizeof(part_b), "0%.*s", (int)len_b, b);
        uint64_t x = 0;
        uint64_t y = 0;
        if (!parse_u64(part_a, &x) || !parse_u64(part_b, &y) || x != y) {
            return x < y;
        }
        a += len_a + (a[len_a] == '.' ? 1 : strlen(a + len_a));
        b += len_b + (b[len_b] == '.' ? 1 : strlen(b + len_b));
    }
    return false;
}

static enum tristate verdict(bool holds)
{
    return holds ? TRI_YES : TRI_NO;
}

static enum tristate compare_facts(const struct condition *condition, const char *value,
                                   const struct rule_facts *facts)
{
    char other[FACT_SIZE];
    if (!fact_value(condition->other, facts, other)) {
        return TRI_UNKNOWN;
    }
    return verdict(condition->op == OP_OLDER     ? version_older(value, other)
                   : condition->op == OP_EXCEEDS ? number_above(value, other)
                                                 : !str_eq(value, other));
}

static enum tristate condition_holds(const struct condition *condition,
                                     const struct rule_facts *facts)
{
    char value[FACT_SIZE];
    bool known = fact_value(condition->fact, facts, value);
    if (condition->op == OP_KNOWN) {
        return verdict(any_equal(condition, known ? "true" : "false"));
    }
    if (!known) {
        return condition->op == OP_UNLESS ? TRI_YES : TRI_UNKNOWN;
    }
    switch (condition->op) {
    case OP_IS:
    case OP_IN:
        return verdict(any_equal(condition, value));
    case OP_IS_NOT:
    case OP_NOT_IN:
    case OP_UNLESS:
        return verdict(!any_equal(condition, value));
    case OP_STARTS:
        return verdict(str_starts(value, condition->values[0]));
    case OP_ABOVE:
        return verdict(number_above(value, condition->values[0]));
    case OP_BELOW:
        return verdict(number_above(condition->values[0], value));
    case OP_DIFFERS:
    case OP_OLDER:
    case OP_EXCEEDS:
        return compare_facts(condition, value, facts);
    case OP_KNOWN:
    case OP_COUNT:
        break;
    }
    return TRI_UNKNOWN;
}

/* Broken when every condition holds; no matter what is unknown, it isn't when one does not. */
static enum tristate rule_broken(const struct rule *rule, const struct rule_facts *facts)
{
    enum tristate broken = verdict(rule->n_when > 0);
    for (size_t i = 0; i < rule->n_when; i++) {
        enum tristate holds = condition_holds(&rule->when[i], facts);
        if (holds == TRI_NO) {
            return TRI_NO;
        }
        broken = holds == TRI_UNKNOWN ? TRI_UNKNOWN : broken;
    }
    return broken;
}

/* Copies a text with each {fact} replaced by its value, "unknown" if it has none. */
static void fill(const char *text, const struct rule_facts *facts, char *out, size_t size)
{
    size_t len = 0;
    for (const char *p = text; *p != '\0' && len + 1 < size;) {
        char value[FACT_SIZE] = {*p, '\0'};
        size_t step = 1;
        if (*p == '{') {
            char name[64] = "";
            step = strcspn(p, "}") + 1;
            memcpy(name, p + 1, step - 2);
            int fact = fact_find(name);
            if (fact < 0 || !fact_value((size_t)fact, facts, value)) {
                STR_SET(value, "unknown");
            }
        }
        str_copy(out + len, size - len, value);
        len += strlen(out + len);
        p += step;
    }
    out[len] = '\0';
}

static int refuse(const struct rule *rule, const struct rule_facts *facts, struct error *err)
{
    char message[ERROR_TEXT_SIZE];
    char instead[ERROR_TEXT_SIZE];
    fill(rule->message, facts, message, sizeof(message));
    fill(rule->instead, facts, instead, sizeof(instead));
    error_set(err, REASON_RULE, NULL, "%s", message);
    error_hint(err, "%s", instead);
    if (err != NULL) {
        STR_SET(err->rule, rule->id);
    }
    return -REASON_RULE;
}

int rules_check(const struct rules *rules, const struct rule_facts *facts, struct error *err)
{
    for (vec_each(&rules->rules, rule)) {
        if (rule->applies == APPLIES_CLAIM && rule_broken(rule, facts) == TRI_YES) {
            return refuse(rule, facts, err);
        }
    }
    return 0;
}

/* ---- migrations ---- */

/* The facts that the answer waits for. */
static void name_unknown(const struct rule *rule, const struct rule_facts *facts, char *out,
                         size_t size)
{
    size_t len = 0;
    str_copy(out, size, "not known:");
    for (size_t i = 0; i < rule->n_when; i++) {
        const struct condition *condition = &rule->when[i];
        if (condition_holds(condition, facts) != TRI_UNKNOWN) {
            continue;
        }
        char value[FACT_SIZE];
        bool other = fact_value(condition->fact, facts, value);
        len = strlen(out);
        snprintf(out + len, size - len, "%s %s", len > strlen("not known:") ? "," : "",
                 fact_name(other ? condition->other : condition->fact));
    }
}

static enum check_result result_of(const struct rule *rule, enum tristate broken)
{
    if (broken == TRI_YES) {
        return rule->warns ? CHECK_WARNING : CHECK_FAILED;
    }
    return broken == TRI_UNKNOWN ? CHECK_UNKNOWN : CHECK_OK;
}

static void check_rule(const struct rule *rule, const char *claim, const struct rule_facts *facts,
                       struct check *check)
{
    STR_SET(check->rule, rule->id);
    STR_SET(check->claim, claim == NULL ? "" : claim);
    STR_SET(check->document, rule->source);
    check->result = result_of(rule, rule_broken(rule, facts));
    if (rule->compares >= 0) {
        size_t source = (size_t)rule->compares;
        char value[FACT_SIZE];
        STR_SET(check->source, fact_value(source, facts, value) ? value : "");
        STR_SET(check->target,
                fact_value(source + MIGRATION_FACT_COUNT, facts, value) ? value : "");
    }
    if (check->result == CHECK_UNKNOWN) {
        name_unknown(rule, facts, check->message, sizeof(check->message));
    } else if (check->result != CHECK_OK) {
        fill(rule->message, facts, check->message, sizeof(check->message));
        fill(rule->instead, facts, check->hint, sizeof(check->hint));
    }
}

void rules_judge(const struct rules *rules, const struct rule_facts *facts,
                 struct checks *ret_broken)
{
    for (vec_each(&rules->rules, rule)) {
        if (rule->applies == APPLIES_CLAIM && rule_broken(rule, facts) == TRI_YES) {
            check_rule(rule, facts->claim, facts, vec_push(ret_broken));
        }
    }
}

void rules_check_migration(const struct rules *rules, enum migration_scope scope, const char *claim,
                           const struct migration_facts *source,
                           const struct migration_facts *target, struct checks *ret_checks)
{
    const struct rule_facts facts = {.source = source, .target = target};
    enum rule_applies applies = scope == MIGRATION_OF_VM ? APPLIES_VM : APPLIES_DEVICE;
    for (vec_each(&rules->rules, rule)) {
        if (rule->applies == applies) {
            check_rule(rule, claim, &facts, vec_push(ret_checks));
        }
    }
}

json_t *rules_to_json(const struct rules *rules)
{
    json_t *list = json_array();
    for (vec_each(&rules->rules, rule)) {
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "id", rule->id,
                                              "statement", rule->statement, "source", rule->source,
                                              "confidence", rule->confidence, "message",
                                              rule->message, "instead", rule->instead));
    }
    return list;
}
