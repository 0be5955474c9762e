/* SPDX-License-Identifier: Apache-2.0 */
/* Properties of each rule of data/rules, over the cases of test/rules that break it: it is not
 * broken when one of its facts is unknown, and at the bounds of its versions it begins and ends. */
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/parse.h"
#include "base/str.h"
#include "rules/rule_reader.h"
#include "rules/rule_set.h"
#include "rules/rules.h"
#include "rules/vgpu_release.h"
#include "test.h"

static struct rules *rules;
static size_t n_asked;

static const struct rule *find(const char *id)
{
    for (vec_each(&rules->rules, rule)) {
        if (str_eq(rule->id, id)) {
            return rule;
        }
    }
    fail_msg("no rule %s", id);
    return NULL;
}

static enum tristate ask(const struct rule *rule, const struct given_facts *given)
{
    const struct rule_facts facts = {.given = given};
    return rule_broken(rule, &facts);
}

/* ---- the cases ---- */

typedef void check_fn(const struct rule *rule, const char *name, struct given_facts *given);

static void read_given(const json_t *facts, struct given_facts *ret_given)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)facts, name, value)
    {
        int fact = fact_find(name);
        assert_true(fact >= 0);
        struct given_fact *given = vec_push(ret_given);
        given->fact = (size_t)fact;
        assert_true(rule_reader_value(value, given->value));
    }
}

static void check_file(const char *path, check_fn *check)
{
    CLEANUP_JSON json_t *tree = NULL;
    assert_int_equal(json_read_file(path, &tree, NULL), 0);
    const json_t *cases = json_object_get(tree, "cases");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *one = json_array_get(cases, i);
        const char *name = json_string_value(json_object_get(one, "name"));
        const json_t *breaks = json_object_get(one, "breaks");
        for (size_t k = 0; k < json_array_size(breaks); k++) {
            const struct rule *rule = find(json_string_value(json_array_get(breaks, k)));
            struct given_facts given = {0};
            read_given(json_object_get(one, "facts"), &given);
            if (ask(rule, &given) == TRI_YES) { /* a rule may have several forms of one id */
                check(rule, name, &given);
                n_asked++;
            }
            vec_done(&given);
        }
    }
}

static void check_all(check_fn *check)
{
    CLEANUP_FREE char *dir = xasprintf("%s/test/rules", getenv("CLEAVE_SOURCE"));
    CLEANUP_STRLIST struct strlist names = {0};
    assert_int_equal(fs_list(dir, &names), 0);
    n_asked = 0;
    for (vec_each(&names, name)) {
        CLEANUP_FREE char *path = xasprintf("%s/%s", dir, *name);
        if (str_ends(path, ".yaml")) {
            check_file(path, check);
        }
    }
    assert_true(n_asked >= rules->rules.n);
}

/* ---- unknown facts ---- */

static bool may_be_unknown(enum rule_op op)
{
    return op == OP_UNLESS || op == OP_KNOWN;
}

static bool needs(const struct rule *rule, size_t fact)
{
    for (size_t i = 0; i < rule->n_when; i++) {
        const struct condition *condition = &rule->when[i];
        bool compares =
            condition->op == OP_DIFFERS || condition->op == OP_OLDER || condition->op == OP_EXCEEDS;
        if ((condition->fact == fact && !may_be_unknown(condition->op)) ||
            (compares && condition->other == fact)) {
            return true;
        }
    }
    return false;
}

static void check_without_each_fact(const struct rule *rule, const char *name,
                                    struct given_facts *given)
{
    for (size_t i = 0; i < given->n; i++) {
        if (!needs(rule, given->items[i].fact)) {
            continue;
        }
        struct given_fact left_out = given->items[i];
        given->items[i] = given->items[given->n - 1];
        given->n--;
        enum tristate broken = ask(rule, given);
        given->n++;
        given->items[given->n - 1] = given->items[i];
        given->items[i] = left_out;
        if (broken != TRI_UNKNOWN) {
            fail_msg("%s (%s): %s without %s", rule->id, name,
                     broken == TRI_YES ? "is broken" : "is kept", fact_name(left_out.fact));
        }
    }
}

static void a_rule_of_which_a_fact_is_unknown_is_not_answered(void **state)
{
    (void)state;
    check_all(check_without_each_fact);
}

/* ---- versions ---- */

static const struct {
    const char *fact, *side;
} kinds[] = {
#define KIND_ROW(sym, key, word, fact, side) [VERSION_##sym] = {fact, side},
    VERSION_KIND_MAP(KIND_ROW)
#undef KIND_ROW
};

/* "8.6.999" of "8.7", "9.999" of "10.0": later than all before, earlier than that. */
static void just_before(const char *version, char out[FACT_SIZE])
{
    char text[FACT_SIZE];
    STR_SET(text, version);
    for (;;) {
        char *dot = strrchr(text, '.');
        uint32_t last = 0;
        assert_true(parse_u32(dot != NULL ? dot + 1 : text, &last));
        if (last > 0) {
            size_t len = dot != NULL ? (size_t)(dot + 1 - text) : 0;
            snprintf(out, FACT_SIZE, "%.*s%u.999", (int)len, text, last - 1);
            return;
        }
        assert_non_null(dot);
        *dot = '\0';
    }
}

static void set_fact(struct given_facts *given, const char *name, const char *value)
{
    int fact = fact_find(name);
    for (vec_each(given, one)) {
        if (fact >= 0 && one->fact == (size_t)fact) {
            STR_SET(one->value, value);
            return;
        }
    }
    if (fact >= 0) {
        struct given_fact *one = vec_push(given);
        one->fact = (size_t)fact;
        STR_SET(one->value, value);
    }
}

static void set_version(const struct rule *rule, struct given_facts *given, size_t kind,
                        const char *value)
{
    static const char *const sides[] = {"source", "target"};
    if (!rule_is_of_migration(rule)) {
        set_fact(given, kinds[kind].fact, value);
    }
    for (size_t i = 0; rule_is_of_migration(rule) && i < ARRAY_SIZE(sides); i++) {
        char name[64];
        snprintf(name, sizeof(name), "%s.%s", sides[i], kinds[kind].side);
        set_fact(given, name, value);
    }
}

static void expect(const struct rule *rule, const char *name, struct given_facts *given,
                   size_t kind, const char *value, enum tristate expected)
{
    set_version(rule, given, kind, value);
    if (ask(rule, given) != expected) {
        fail_msg("%s (%s): %s at %s %s", rule->id, name,
                 expected == TRI_YES ? "is kept" : "is broken", kinds[kind].fact, value);
    }
}

static void check_bound(const struct rule *rule, const char *name, struct given_facts *given,
                        size_t kind, const char *bound, bool begins)
{
    const char *at = kind == VERSION_VGPU ? vgpu_release_driver(bound) : bound;
    char before[FACT_SIZE];
    char after[FACT_SIZE];
    just_before(at, before);
    snprintf(after, sizeof(after), "%s.1", at);
    expect(rule, name, given, kind, before, begins ? TRI_NO : TRI_YES);
    expect(rule, name, given, kind, at, begins ? TRI_YES : TRI_NO);
    expect(rule, name, given, kind, after, begins ? TRI_YES : TRI_NO);
}

static void check_bounds(const struct rule *rule, const char *name, struct given_facts *given)
{
    for (size_t kind = 0; kind < VERSION_KIND_COUNT; kind++) {
        struct given_facts copy = {0};
        for (vec_each(given, one)) {
            *vec_push(&copy) = *one;
        }
        if (rule->range.from[kind][0] != '\0') {
            check_bound(rule, name, &copy, kind, rule->range.from[kind], true);
        }
        if (rule->range.to[kind][0] != '\0') {
            check_bound(rule, name, &copy, kind, rule->range.to[kind], false);
        }
        vec_done(&copy);
    }
}

static void a_rule_begins_and_ends_with_its_versions(void **state)
{
    (void)state;
    check_all(check_bounds);
}

/* ---- overrides ---- */

static void soft_rules_are_overridden_and_no_others(void **state)
{
    (void)state;
    size_t n_soft = 0;
    for (vec_each(&rules->rules, rule)) {
        struct rule_overrides overrides = {.n = 1};
        STR_SET(overrides.items[0].rule, rule->id);
        STR_SET(overrides.items[0].reason, "tried");
        struct error err = {0};
        int result = rules_check_overrides(rules, &overrides, &err);
        if (result != (rule->soft ? 0 : -REASON_RULE)) {
            fail_msg("%s: %d %s", rule->id, result, err.message);
        }
        n_soft += rule->soft;
    }
    assert_true(n_soft > 0);
}

static int load(void **state)
{
    (void)state;
    struct error err = {0};
    return rules_load_default(&rules, &err);
}

static int unload(void **state)
{
    (void)state;
    rules_free(rules);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_of_which_a_fact_is_unknown_is_not_answered),
        cmocka_unit_test(a_rule_begins_and_ends_with_its_versions),
        cmocka_unit_test(soft_rules_are_overridden_and_no_others),
    };
    return cmocka_run_group_tests_name("rules over their cases", tests, load, unload);
}
