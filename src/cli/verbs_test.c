/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants of the table of commands. */
#include "cli/verbs.h"

#include <string.h>

#include "base/str.h"
#include "test.h"

static void every_verb_can_run(void **state)
{
    (void)state;
    size_t n = 0;
    const struct verb *verbs = verbs_all(&n);
    for (size_t i = 0; i < n; i++) {
        if ((verbs[i].run == NULL) == (verbs[i].run_raw == NULL) || verbs[i].help == NULL) {
            fail_msg("%s %s", verbs[i].object, verbs[i].name);
        }
        assert_true(verbs[i].n_args <= VERB_MAX_ARGS);
        assert_true(verbs[i].n_options <= VERB_MAX_OPTIONS);
        assert_true(verbs[i].changes || !verbs[i].waits);
    }
}

static void verbs_of_an_object_stand_together(void **state)
{
    (void)state;
    size_t n = 0;
    const struct verb *verbs = verbs_all(&n);
    for (size_t i = 1; i < n; i++) {
        for (size_t j = 0; j + 1 < i; j++) {
            if (str_eq(verbs[j].object, verbs[i].object) &&
                !str_eq(verbs[i - 1].object, verbs[i].object)) {
                fail_msg("%s", verbs[i].object);
            }
        }
    }
}

static void no_verb_is_there_twice(void **state)
{
    (void)state;
    size_t n = 0;
    const struct verb *verbs = verbs_all(&n);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (str_eq(verbs[i].object, verbs[j].object) && str_eq(verbs[i].name, verbs[j].name)) {
                fail_msg("%s %s", verbs[i].object, verbs[i].name);
            }
        }
    }
}

static void options_have_names_of_their_own(void **state)
{
    (void)state;
    size_t n = 0;
    size_t n_global = 0;
    const struct verb *verbs = verbs_all(&n);
    const struct verb_option *global = verbs_global_options(&n_global);
    for (size_t i = 0; i < n; i++) {
        for (size_t o = 0; o < verbs[i].n_options; o++) {
            const struct verb_option *option = &verbs[i].options[o];
            assert_non_null(option->name);
            for (size_t g = 0; g < n_global; g++) {
                if (str_eq(option->name, global[g].name) ||
                    (option->letter != 0 && option->letter == global[g].letter)) {
                    fail_msg("%s %s --%s", verbs[i].object, verbs[i].name, option->name);
                }
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verb_can_run),
        cmocka_unit_test(verbs_of_an_object_stand_together),
        cmocka_unit_test(no_verb_is_there_twice),
        cmocka_unit_test(options_have_names_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
