/* SPDX-License-Identifier: Apache-2.0 */
/* The rules engine over hand-made models and small rule files. */
#include "rules/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"
#include "rules/facts.h"
#include "rules/rules_json.h"
#include "test.h"

static const struct gpu_model board = {.key = "test-board",
                                       .name = "Test Board",
                                       .arch = ARCH_HOPPER,
                                       .mig_backed = CAT_YES,
                                       .mig_timesliced = CAT_NO,
                                       .time_sliced = CAT_YES,
                                       .mixed_size = CAT_MAYBE};

/* Loads rules from text; the subject of an error is the file. */
static int load(const char *text, struct rules **ret_rules, struct error *err)
{
    char path[] = "/tmp/rules-XXXXXX.yaml";
    int fd = mkstemps(path, 5);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    int result = rules_load(path, ret_rules, err);
    unlink(path);
    return result;
}

#define HEAD                                                                                       \
    "rules:\n- id: r\n  statement: s\n  source: x\n  confidence: inferred\n"                       \
    "  message: \"{model.name} says {claim.mode} to {gpu.address}\"\n  instead: nothing\n  "       \
    "when:\n"

static int check(const char *conditions, struct error *err)
{
    CLEANUP(rules_freep) struct rules *rules = NULL;
    char text[1024];
    snprintf(text, sizeof(text), HEAD "%s", conditions);
    if (load(text, &rules, err) != 0) {
        fail_msg("%s: %s", err->subject, err->message);
    }
    struct claim_spec spec = {.mode = CLAIM_MIG_BACKED, .guest = GUEST_WINDOWS};
    struct rule_facts facts = {.spec = &spec, .model = &board};
    return rules_check(rules, &facts, err);
}

static void every_condition_must_hold(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(check("  - {fact: claim.guest, is: windows}\n"
                           "  - {fact: model.key, starts: test}\n",
                           &err),
                     -REASON_RULE);
    assert_string_equal(err.rule, "r");
    assert_string_equal(err.message, "Test Board says mig-backed to unknown");
    assert_string_equal(err.hint, "nothing");
    assert_int_equal(check("  - {fact: claim.guest, is: windows}\n"
                           "  - {fact: model.key, starts: h100}\n",
                           &err),
                     0);
}

static void operators_compare_as_they_say(void **state)
{
    (void)state;
    static const struct {
        const char *condition;
        bool broken;
    } rows[] = {
        {"  - {fact: claim.mode, in: [passthrough, mig-backed]}\n", true},
        {"  - {fact: claim.mode, not-in: [passthrough, mig-backed]}\n", false},
        {"  - {fact: claim.mode, is-not: passthrough}\n", true},
        {"  - {fact: gpu.mig-time-slicing-supported, is: false}\n", true},
        {"  - {fact: claim.mixed, is: true}\n", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct error err = {0};
        if ((check(rows[i].condition, &err) == -REASON_RULE) != rows[i].broken) {
            fail_msg("row %zu: %s", i, rows[i].condition);
        }
    }
}

static void an_unknown_fact_breaks_no_rule_but_unless(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(check("  - {fact: model.mixed-sizes, is: false}\n", &err), 0);
    assert_int_equal(check("  - {fact: model.mixed-sizes, is-not: true}\n", &err), 0);
    assert_int_equal(check("  - {fact: model.mixed-sizes, unless: true}\n", &err), -REASON_RULE);
}

static void mistakes_in_a_rule_file_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        HEAD "  - {fact: no.such, is: 1}\n",
        HEAD "  - {fact: claim.mode}\n",
        HEAD "  - {fact: claim.mode, is: a, in: [b]}\n",
        "rules:\n- id: r\n  statement: s\n  source: x\n  confidence: inferred\n"
        "  message: \"{no.such}\"\n  instead: i\n  when: []\n",
        "rules:\n- id: r\n  statement: s\n  source: x\n  confidence: inferred\n"
        "  message: \"m {claim.mode\"\n  instead: i\n  when: []\n",
        "rules:\n- id: r\n  statement: s\n  source: x\n  confidence: rumour\n"
        "  message: m\n  instead: i\n  when: []\n",
        "rules: []\nextra: 1\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        CLEANUP(rules_freep) struct rules *rules = NULL;
        struct error err = {0};
        if (load(bad[i], &rules, &err) == 0 || err.message[0] == '\0') {
            fail_msg("row %zu was accepted", i);
        }
    }
}

static void the_shipped_rules_load_and_list_themselves(void **state)
{
    (void)state;
    CLEANUP(rules_freep) struct rules *rules = NULL;
    struct error err = {0};
    if (rules_load_default(&rules, &err) != 0) {
        fail_msg("%s: %s", err.subject, err.message);
    }
    CLEANUP_JSON json_t *list = NULL;
    assert_int_equal(rules_to_json(rules, NULL, &list, &err), 0);
    assert_true(json_array_size(list) >= 10);
}

/* vGPU 16, whose drivers are 535, knows equal sizes only. */
static void mixed_sizes_need_a_driver_of_branch_550(void **state)
{
    (void)state;
    static const struct {
        const char *driver;
        bool broken;
    } rows[] = {{"535.183.04", true},  {"470.82", true}, {"550.54.10", false},
                {"580.105.08", false}, {"", false},      {NULL, false}};
    CLEANUP(rules_freep) struct rules *rules = NULL;
    struct error err = {0};
    assert_int_equal(rules_load_default(&rules, &err), 0);
    struct gpu_model able = board;
    able.mixed_size = CAT_YES;
    struct claim_spec spec = {.mode = CLAIM_TIME_SLICED, .mixed = true};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct rule_facts facts = {.spec = &spec, .model = &able, .driver = rows[i].driver};
        err = (struct error){0};
        int result = rules_check(rules, &facts, &err);
        if (result != (rows[i].broken ? -REASON_RULE : 0)) {
            fail_msg("row %zu: %d %s", i, result, err.message);
        }
        if (rows[i].broken) {
            assert_string_equal(err.rule, "mixed-sizes-need-driver");
        }
    }
    spec.mixed = false;
    struct rule_facts facts = {.spec = &spec, .model = &able, .driver = "535.183.04"};
    assert_int_equal(rules_check(rules, &facts, &err), 0);
}

static void facts_are_sorted_by_name(void **state)
{
    (void)state;
    for (size_t i = 1; i < fact_count(); i++) {
        assert_true(strcmp(fact_name(i - 1), fact_name(i)) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_condition_must_hold),
        cmocka_unit_test(operators_compare_as_they_say),
        cmocka_unit_test(an_unknown_fact_breaks_no_rule_but_unless),
        cmocka_unit_test(mistakes_in_a_rule_file_are_refused),
        cmocka_unit_test(the_shipped_rules_load_and_list_themselves),
        cmocka_unit_test(mixed_sizes_need_a_driver_of_branch_550),
        cmocka_unit_test(facts_are_sorted_by_name),
    };
    return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
