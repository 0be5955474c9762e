/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of data/rules against the cases of test/rules. */
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"
#include "rules/cases.h"
#include "rules/rules.h"
#include "rules/rules_json.h"
#include "test.h"

struct fixture {
    struct rules *rules;
    struct case_results results;
};

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    struct error err = {0};
    *state = f;
    if (rules_load_default(&f->rules, &err) != 0) {
        fail_msg("%s: %s", err.subject, err.message);
    }
    CLEANUP_FREE char *dir = xasprintf("%s/test/rules", getenv("CLEAVE_SOURCE"));
    CLEANUP_STRLIST struct strlist names = {0};
    assert_int_equal(fs_list(dir, &names), 0);
    for (size_t i = 0; i < names.n; i++) {
        CLEANUP_FREE char *path = xasprintf("%s/%s", dir, names.items[i]);
        if (str_ends(path, ".yaml") && cases_run(f->rules, path, &f->results, &err) != 0) {
            fail_msg("%s: %s", err.subject, err.message);
        }
    }
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    vec_done(&f->results);
    rules_free(f->rules);
    free(f);
    return 0;
}

static void each_case_comes_out_as_it_says(void **state)
{
    const struct fixture *f = *state;
    assert_true(f->results.n > 0);
    for (vec_each(&f->results, result)) {
        if (result->expected != result->found) {
            print_error("%s: %s: %s: expected %s, found %s\n", result->file, result->name,
                        result->rule, case_answer_name(result->expected),
                        case_answer_name(result->found));
        }
    }
    assert_int_equal(case_results_failed(&f->results), 0);
}

static void each_rule_has_a_case_that_breaks_it_and_one_that_keeps_it(void **state)
{
    const struct fixture *f = *state;
    CLEANUP_JSON json_t *list = NULL;
    struct error err = {0};
    size_t missing = 0;
    assert_int_equal(rules_to_json(f->rules, NULL, &list, &err), 0);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *id = json_string_value(json_object_get(json_array_get(list, i), "id"));
        if (!case_results_cover(&f->results, id)) {
            print_error("%s: test/rules has no case that breaks it, or none that keeps it\n", id);
            missing++;
        }
    }
    assert_int_equal(missing, 0);
}

static bool is_arch(const char *word)
{
    for (uint32_t arch = 0; arch < ARCH_UNKNOWN; arch++) {
        if (str_eq(cat_arch_key((enum cat_arch)arch), word)) {
            return true;
        }
    }
    return false;
}

static bool is_of(const struct words *words, const char *word)
{
    for (uint32_t i = 0; i < words->n; i++) {
        if (str_eq(words_name(words, i), word)) {
            return true;
        }
    }
    return false;
}

/* Facts whose values are words of a list: another word would never be true. */
static void check_word(const char *fact, const char *word)
{
    static const struct {
        const char *fact;
        const struct words *words; /* NULL: architectures */
    } lists[] = {
        {"claim.mode", &claim_mode_words},
        {"source.mode", &claim_mode_words},
        {"claim.guest", &guest_os_words},
        {"source.guest", &guest_os_words},
        {"gpu.vgpu-interface", &vgpu_interface_words},
        {"source.interface", &vgpu_interface_words},
        {"model.arch", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        if (str_eq(lists[i].fact, fact) &&
            !(lists[i].words == NULL ? is_arch(word) : is_of(lists[i].words, word))) {
            fail_msg("%s is never \"%s\"", fact, word);
        }
    }
}

static void check_condition(const json_t *condition)
{
    const char *fact = json_string_value(json_object_get(condition, "fact"));
    static const char *const operators[] = {"is", "is-not", "in", "not-in", "unless"};
    for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
        const json_t *value = json_object_get(condition, operators[i]);
        if (json_is_string(value)) {
            check_word(fact, json_string_value(value));
        }
        for (size_t k = 0; k < json_array_size(value); k++) {
            check_word(fact, json_string_value(json_array_get(value, k)));
        }
    }
}

static void conditions_compare_with_words_that_facts_have(void **state)
{
    (void)state;
    CLEANUP_FREE char *dir = xasprintf("%s/rules", getenv("CLEAVE_DATADIR"));
    CLEANUP_STRLIST struct strlist names = {0};
    size_t n = 0;
    assert_int_equal(fs_list(dir, &names), 0);
    for (vec_each(&names, name)) {
        CLEANUP_FREE char *path = xasprintf("%s/%s", dir, *name);
        CLEANUP_JSON json_t *tree = NULL;
        if (!str_ends(path, ".yaml")) {
            continue;
        }
        assert_int_equal(json_read_file(path, &tree, NULL), 0);
        const json_t *list = json_object_get(tree, "rules");
        for (size_t i = 0; i < json_array_size(list); i++) {
            const json_t *when = json_object_get(json_array_get(list, i), "when");
            for (size_t k = 0; k < json_array_size(when); k++, n++) {
                check_condition(json_array_get(when, k));
            }
        }
    }
    assert_true(n > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case_comes_out_as_it_says),
        cmocka_unit_test(conditions_compare_with_words_that_facts_have),
        cmocka_unit_test(each_rule_has_a_case_that_breaks_it_and_one_that_keeps_it),
    };
    return cmocka_run_group_tests_name("rules of data", tests, set_up, tear_down);
}
