/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"

WORDS_DEFINE(rule_op_words, "operator", OP_COUNT, WORD(OP_IS, "is"), WORD(OP_IS_NOT, "is-not"),
             WORD(OP_IN, "in"), WORD(OP_NOT_IN, "not-in"), WORD(OP_STARTS, "starts"),
             WORD(OP_ENDS, "ends"), WORD(OP_ABOVE, "above"), WORD(OP_BELOW, "below"),
             WORD(OP_UNLESS, "unless"), WORD(OP_KNOWN, "known"), WORD(OP_DIFFERS, "differs-from"),
             WORD(OP_OLDER, "older-than"), WORD(OP_EXCEEDS, "exceeds"))

bool rule_is_of_migration(const struct rule *rule)
{
    return rule->scope == RULE_OF_MIGRATED_DEVICE || rule->scope == RULE_OF_MIGRATED_VM;
}

/* ---- is it broken? ---- */

static bool any_equal(const struct condition *condition, const char *value)
{
    for (size_t i = 0; i < condition->n_values; i++) {
        if (str_eq(condition->values[i], value)) {
            return true;
        }
    }
    return false;
}

static bool any_fits(const struct condition *condition, const char *value,
                     bool (*fits)(const char *text, const char *part))
{
    for (size_t i = 0; i < condition->n_values; i++) {
        if (fits(value, condition->values[i])) {
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
        return verdict(any_fits(condition, value, str_starts));
    case OP_ENDS:
        return verdict(any_fits(condition, value, str_ends));
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

enum tristate rule_broken(const struct rule *rule, const struct rule_facts *facts)
{
    enum tristate broken = verdict(rule->n_when > 0);
    for (size_t i = 0; i < rule->n_when; i++) {
        enum tristate holds = condition_holds(&rule->when[i], facts);
        if (holds == TRI_NO) {
            return TRI_NO;
        }
        broken = holds == TRI_UNKNOWN ? TRI_UNKNOWN : broken;
    }
    enum tristate in_range = version_range_holds(&rule->range, rule_is_of_migration(rule), facts);
    return in_range == TRI_YES ? broken : in_range;
}

/* ---- what it says ---- */

const char *rule_versions(const struct rule *rule, char out[RULE_VERSIONS_SIZE])
{
    char text[VERSION_RANGE_TEXT_SIZE];
    if (version_range_text(&rule->range, text)[0] == '\0') {
        out[0] = '\0';
    } else {
        (void)str_print(out, RULE_VERSIONS_SIZE, " (versions with this limit: %s)", text);
    }
    return out;
}

void rule_fill(const char *text, const struct rule_facts *facts, char *out, size_t size)
{
    size_t len = 0;
    for (const char *p = text; *p != '\0' && len + 1 < size;) {
        char value[FACT_SIZE] = {*p, '\0'};
        const char *said = value;
        size_t step = 1;
        if (*p == '{') {
            char name[64] = "";
            step = strcspn(p, "}") + 1;
            memcpy(name, p + 1, step - 2);
            int fact = fact_find(name);
            said = fact < 0 ? NULL : fact_text((size_t)fact, facts, value);
        }
        str_copy(out + len, size - len, said != NULL ? said : "unknown");
        len += strlen(out + len);
        p += step;
    }
    out[len] = '\0';
}

bool rule_is_about(const struct rule *rule, const char *subject)
{
    size_t len = strlen(subject);
    for (size_t i = 0; i < rule->n_when; i++) {
        const char *name = fact_name(rule->when[i].fact);
        if (strncmp(name, subject, len) == 0 && name[len] == '.') {
            return true;
        }
    }
    return false;
}

void rule_name_unknown(const struct rule *rule, const struct rule_facts *facts, char *out,
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
