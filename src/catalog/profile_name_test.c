/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "catalog/profile_name.h"

static struct profile_name parse(const char *text)
{
    struct profile_name name = {.ci_slices = 0};
    struct error err = {.message = ""};
    if (profile_name_parse(text, &name, &err) != 0) {
        fail_msg("%s: %s", text, err.message);
    }
    return name;
}

static void assert_refused(const char *text, const char *message)
{
    struct profile_name name;
    struct error err = {.message = ""};
    if (profile_name_parse(text, &name, &err) == 0) {
        fail_msg("%s is accepted", text);
    }
    assert_string_equal(err.message, message);
}

static void a_gpu_instance_is_read(void **state)
{
    (void)state;
    struct profile_name name = parse("3g.20gb");
    assert_int_equal(name.ci_slices, 0);
    assert_int_equal(name.gi_slices, 3);
    assert_int_equal(name.memory_gb, 20);
    assert_string_equal(name.gi, "3g.20gb");
}

static void a_compute_instance_names_its_gpu_instance(void **state)
{
    (void)state;
    struct profile_name name = parse("1c.3g.20gb");
    assert_int_equal(name.ci_slices, 1);
    assert_int_equal(name.gi_slices, 3);
    assert_string_equal(name.gi, "3g.20gb");
    assert_string_equal(parse("2c.2g.48gb+gfx").gi, "2g.48gb+gfx");
    assert_string_equal(parse("1C.3G.20GB+ME").gi, "3g.20gb+me");
}

static void attributes_are_known_words(void **state)
{
    (void)state;
    assert_string_equal(parse("1g.24gb+me.all").gi, "1g.24gb+me.all");
    assert_string_equal(parse("1g.24gb-me").gi, "1g.24gb-me");
    assert_string_equal(parse("1g.24gb+me,gfx").gi, "1g.24gb+me,gfx");
    assert_refused("1g.24gb+mee", "profile \"1g.24gb+mee\": \"+mee\" is not an attribute; known "
                                  "are +gfx, +me, +me.all and -me");
    assert_refused("1g.24gb-gfx", "profile \"1g.24gb-gfx\": \"-gfx\" is not an attribute; known "
                                  "are +gfx, +me, +me.all and -me");
    assert_refused(
        "1g.24gb+",
        "profile \"1g.24gb+\": \"+\" is not an attribute; known are +gfx, +me, +me.all and -me");
    assert_refused("1g.24gb-me,me", "profile \"1g.24gb-me,me\": unexpected \",me\" at its end");
}

static void what_is_no_profile_is_refused(void **state)
{
    (void)state;
    static const char *const words[] = {"",        "g.5gb",      "1g",      "1g.5",
                                        "1g5gb",   "1g.5gbx",    "x1g.5gb", "0g.5gb",
                                        "99g.5gb", "1g.99999gb", "-1g.5gb", "1c.1c.1g.5gb"};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        struct profile_name name;
        if (profile_name_parse(words[i], &name, NULL) == 0) {
            fail_msg("\"%s\" is accepted", words[i]);
        }
    }
    assert_refused("4c.3g.20gb",
                   "profile \"4c.3g.20gb\": a compute instance has from 1 to all of the 3 slices");
    assert_refused("0c.3g.20gb",
                   "profile \"0c.3g.20gb\": a compute instance has from 1 to all of the 3 slices");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gpu_instance_is_read),
        cmocka_unit_test(a_compute_instance_names_its_gpu_instance),
        cmocka_unit_test(attributes_are_known_words),
        cmocka_unit_test(what_is_no_profile_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
