/* SPDX-License-Identifier: Apache-2.0 */
#include "api/target.h"

#include <string.h>

#include "test.h"

static void path_and_query_are_decoded(void **state)
{
    (void)state;
    struct target target = {0};
    struct error err = {0};
    assert_int_equal(target_parse("/v1/gpus/0000%3A41:00.0?dryRun=true&gpu=a%20b&x", &target, &err),
                     0);
    assert_int_equal(target.n_segments, 3);
    assert_string_equal(target.segments[0], "v1");
    assert_string_equal(target.segments[2], "0000:41:00.0");
    assert_string_equal(target_query(&target, "dryRun"), "true");
    assert_string_equal(target_query(&target, "gpu"), "a b");
    assert_string_equal(target_query(&target, "x"), "");
    assert_null(target_query(&target, "y"));
    target_done(&target);
}

static void an_escaped_slash_stays_inside_its_segment(void **state)
{
    (void)state;
    struct target target = {0};
    assert_int_equal(target_parse("/v1/claims/a%2fb", &target, NULL), 0);
    assert_int_equal(target.n_segments, 3);
    assert_string_equal(target.segments[2], "a/b");
    target_done(&target);
}

static void refuses(const char *raw, const char *part)
{
    struct target target = {0};
    struct error err = {0};
    int result = target_parse(raw, &target, &err);
    if (result == 0) {
        target_done(&target);
        fail_msg("\"%s\" was accepted", raw);
    }
    if (strstr(err.message, part) == NULL) {
        fail_msg("\"%s\": \"%s\" does not say \"%s\"", raw, err.message, part);
    }
}

static void wrong_escapes_are_refused(void **state)
{
    (void)state;
    refuses("/v1/%", "hex digits");
    refuses("/v1/%4", "hex digits");
    refuses("/v1/%zz", "hex digits");
    refuses("/v1/a%00b", "hex digits");
    refuses("/v1?x=%1", "hex digits");
}

static void control_characters_and_broken_utf8_are_refused(void **state)
{
    (void)state;
    refuses("/v1/a%0ab", "control character");
    refuses("/v1/a%ffb", "UTF-8");
}

static void a_parameter_may_be_given_once(void **state)
{
    (void)state;
    refuses("/v1?dryRun=true&dryRun=false", "given twice");
}

static void limits_are_kept(void **state)
{
    (void)state;
    refuses("v1", "slash");
    refuses("/1/2/3/4/5/6/7/8/9", "parts");
    refuses("/v1?a&b&c&d&e&f&g&h&i", "query parameters");
    char text[TARGET_MAX_BYTES + 1];
    memset(text, 'a', sizeof(text));
    text[0] = '/';
    text[sizeof(text) - 1] = '\0';
    struct target target = {0};
    assert_int_equal(target_parse(text, &target, NULL), 0);
    target_done(&target);
    char longer[TARGET_MAX_BYTES + 2];
    memset(longer, 'a', sizeof(longer));
    longer[0] = '/';
    longer[sizeof(longer) - 1] = '\0';
    refuses(longer, "longer than");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_and_query_are_decoded),
        cmocka_unit_test(an_escaped_slash_stays_inside_its_segment),
        cmocka_unit_test(wrong_escapes_are_refused),
        cmocka_unit_test(control_characters_and_broken_utf8_are_refused),
        cmocka_unit_test(a_parameter_may_be_given_once),
        cmocka_unit_test(limits_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
