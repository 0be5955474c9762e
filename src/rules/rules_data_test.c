/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of data/rules against the cases of test/rules. */
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case_comes_out_as_it_says),
        cmocka_unit_test(each_rule_has_a_case_that_breaks_it_and_one_that_keeps_it),
    };
    return cmocka_run_group_tests_name("rules of data", tests, set_up, tear_down);
}
