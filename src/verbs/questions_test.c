/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to those who only read. */
#include "base/str.h"
#include "mhost_fixture.h"
#include "test.h"
#include "verbs/questions.h"

/* -1: unknown. `gpu` NULL: on all of them. */
static int remaining_of(struct mhost *mhost, const char *gpu, const char *profile)
{
    struct answer answer = {0};
    int remaining = -2;
    mhost_ask(mhost, VERB_LIST_PROFILES, &answer, .gpu = gpu);
    assert_true(mhost_wait(mhost, &answer));
    const json_t *profiles = json_object_get(answer.body, "profiles");
    for (size_t i = 0; i < json_array_size(profiles); i++) {
        const json_t *it = json_array_get(profiles, i);
        const json_t *left = json_object_get(it, "remaining");
        if (str_eq(json_string_value(json_object_get(it, "name")), profile)) {
            remaining = json_is_null(left) ? -1 : (int)json_integer_value(left);
        }
    }
    answer_done(&answer);
    return remaining;
}

static void profiles_tell_how_many_more_fit(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    assert_int_equal(remaining_of(mhost, MHOST_A100, "2g.10gb"), 3); /* idle: MIG would be on */
    assert_int_equal(remaining_of(mhost, NULL, "2g.10gb"), 3);
    assert_int_equal(mhost_create(mhost, "{\"name\": \"a\", \"profile\": \"2g.10gb\"}", NULL), 0);
    assert_true(mhost_settle(mhost));
    assert_int_equal(remaining_of(mhost, MHOST_A100, "2g.10gb"), 2);
    assert_int_equal(remaining_of(mhost, NULL, "2g.10gb"), 2);
    assert_int_equal(mhost_delete(mhost, "a", NULL), 0);
    assert_true(mhost_settle(mhost));
    assert_int_equal(mhost_create(mhost, "{\"name\": \"b\", \"type\": \"A100-10C\"}", NULL), 0);
    assert_true(mhost_settle(mhost));
    assert_int_equal(remaining_of(mhost, MHOST_A100, "2g.10gb"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(profiles_tell_how_many_more_fit, mhost_fixture_setup,
                                        mhost_fixture_teardown),
    };
    return cmocka_run_group_tests_name("questions", tests, NULL, NULL);
}
