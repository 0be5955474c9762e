/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "test.h"

static void set_returns_the_reason_and_fills_every_field(void **state)
{
    (void)state;
    struct error err = {.rule = "old", .hint = "old", .sys_errno = 5};
    int r = error_set(&err, REASON_IN_USE, "gpu/0000:3b:00.0", "VM '%s' holds it", "web1");
    assert_int_equal(r, -REASON_IN_USE);
    assert_int_equal(err.reason, REASON_IN_USE);
    assert_int_equal(err.sys_errno, 0);
    assert_string_equal(err.subject, "gpu/0000:3b:00.0");
    assert_string_equal(err.message, "VM 'web1' holds it");
    assert_string_equal(err.rule, "");
    assert_string_equal(err.hint, "");
}

static void the_longest_names_leave_room_for_what_to_do(void **state)
{
    (void)state;
    char name[256];
    struct error err = {0};
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    error_set(&err, REASON_IN_USE, SUBJECT("vm", name),
              "claim \"a\" of VM \"%s\" can't have what VM \"%s\" runs with", name, name);
    error_hint(&err, "stop it first: `cleave vm stop %s`, or take another", SHELL_ARG(name));
    assert_string_equal(err.subject + strlen("vm/"), name);
    assert_true(str_ends(err.message, "\" runs with"));
    assert_true(str_ends(err.hint, ", or take another"));
}

static void a_null_error_is_fine_everywhere(void **state)
{
    (void)state;
    assert_int_equal(error_set(NULL, REASON_RULE, "x", "y"), -REASON_RULE);
    assert_int_equal(error_set_errno(NULL, EBUSY, "x", "y"), -REASON_IN_USE);
    error_wrap(NULL, "z");
    error_hint(NULL, "z");
}

static void an_error_may_be_built_from_itself(void **state)
{
    (void)state;
    struct error err = {0};
    error_set(&err, REASON_DRIVER, "gpu", "inner");
    error_set(&err, REASON_INTERNAL, err.subject, "outer of %s", err.message);
    assert_string_equal(err.message, "outer of inner");
    assert_string_equal(err.subject, "gpu");
}

static void errno_picks_the_reason_whatever_its_sign(void **state)
{
    (void)state;
    static const struct {
        int errnum;
        enum reason reason;
    } rows[] = {
        {EACCES, REASON_PERMISSION}, {-EPERM, REASON_PERMISSION}, {ENOENT, REASON_NOT_FOUND},
        {-EBUSY, REASON_IN_USE},     {EIO, REASON_DRIVER},        {EISDIR, REASON_INVALID},
        {EFBIG, REASON_INVALID},     {-ELOOP, REASON_INVALID},    {ENAMETOOLONG, REASON_INVALID},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct error err = {0};
        assert_int_equal(error_set_errno(&err, rows[i].errnum, "f", "cannot open"),
                         -(int)rows[i].reason);
        assert_true(err.sys_errno > 0);
    }
    struct error err = {0};
    error_set_errno(&err, ENOENT, "f", "cannot open '%s'", "f");
    assert_string_equal(err.message, "cannot open 'f': No such file or directory");
}

static void wrap_puts_context_in_front(void **state)
{
    (void)state;
    struct error err = {0};
    error_set(&err, REASON_DRIVER, "gpu", "timed out");
    error_hint(&err, "try %s", "again");
    error_wrap(&err, "creating slice %d", 3);
    assert_int_equal(err.reason, REASON_DRIVER);
    assert_string_equal(err.message, "creating slice 3: timed out");
    assert_string_equal(err.hint, "try again");
}

static void a_long_message_is_cut_between_characters(void **state)
{
    (void)state;
    char text[1200];
    for (size_t i = 0; i + 2 < sizeof(text); i += 2) {
        memcpy(text + i, "\xc3\xa4", 3);
    }
    struct error err = {0};
    error_set(&err, REASON_INVALID, text, "%s", text);
    assert_true(str_is_clean(err.message));
    assert_true(str_is_clean(err.subject));
    assert_int_equal(strlen(err.message), sizeof(err.message) - 2);
    error_wrap(&err, "x%s", "y");
    assert_true(str_is_clean(err.message));
    assert_true(str_starts(err.message, "xy: "));
    error_set_at(&err, text, 12, 7, "bad");
    assert_true(str_is_clean(err.subject));
    assert_true(str_ends(err.subject, ":12:7"));
}

static void a_message_is_one_clean_line_whatever_it_quotes(void **state)
{
    (void)state;
    struct error err = {0};
    error_set(&err, REASON_INVALID, "f\x1b[2J", "bad '%s'", "a\nb\x1b[31m\xff");
    assert_string_equal(err.subject, "f?[2J");
    assert_string_equal(err.message, "bad 'a b?[31m?'");
    error_hint(&err, "try %s", "\t\x7f");
    assert_string_equal(err.hint, "try  ?");
}

static void every_reason_has_a_name_a_status_and_comes_back_from_its_name(void **state)
{
    (void)state;
    for (int i = REASON_NONE + 1; i < REASON_COUNT; i++) {
        enum reason reason = (enum reason)i;
        assert_int_equal(reason_from_name(reason_name(reason)), reason);
        assert_true(strlen(reason_text(reason)) > 0);
        assert_in_range(reason_http_status(reason), 400, 599);
        assert_in_range(reason_exit_status(reason), 2, 125);
        for (int j = REASON_NONE + 1; j < i; j++) {
            assert_int_not_equal(reason_exit_status(reason), reason_exit_status((enum reason)j));
        }
    }
    assert_int_equal(reason_from_name("no-such"), REASON_NONE);
    assert_string_equal(reason_name(REASON_NO_CAPACITY), "no-capacity");
    assert_string_equal(reason_name((enum reason)99), "internal");
}

static void of_several_refusals_room_is_said_first(void **state)
{
    (void)state;
    static const enum reason order[] = {REASON_NO_CAPACITY, REASON_IN_USE,  REASON_RULE,
                                        REASON_CONFLICT,    REASON_INVALID, REASON_UNSUPPORTED,
                                        REASON_NOT_FOUND};
    for (size_t i = 1; i < ARRAY_SIZE(order); i++) {
        if (reason_rank(order[i - 1]) <= reason_rank(order[i])) {
            fail_msg("%s is not before %s", reason_name(order[i - 1]), reason_name(order[i]));
        }
    }
}

static void each_caller_says_how_likely_a_refusal_must_pass(void **state)
{
    (void)state;
    static const struct {
        enum reason reason;
        enum passes most; /* that it still passes for */
    } rows[] = {
        {REASON_NONE, PASSES_UNCLEAR},        {REASON_INVALID, PASSES_NEVER},
        {REASON_NOT_FOUND, PASSES_UNCLEAR},   {REASON_CONFLICT, PASSES_OFTEN},
        {REASON_NO_CAPACITY, PASSES_UNCLEAR}, {REASON_IN_USE, PASSES_SOON},
        {REASON_UNSUPPORTED, PASSES_NEVER},   {REASON_DRIVER, PASSES_SOON},
        {REASON_RULE, PASSES_NEVER},          {REASON_PERMISSION, PASSES_NEVER},
        {REASON_UNAVAILABLE, PASSES_SOON},    {REASON_UNKNOWN, PASSES_UNCLEAR},
        {REASON_INTERNAL, PASSES_SOON},       {REASON_NO_LICENCE, PASSES_UNCLEAR},
    };
    assert_int_equal(ARRAY_SIZE(rows), REASON_COUNT);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        bool kept = reason_passes(rows[i].reason, rows[i].most) &&
                    (rows[i].most == PASSES_SOON ||
                     !reason_passes(rows[i].reason, (enum passes)(rows[i].most + 1)));
        if (!kept) {
            fail_msg("%s", reason_name(rows[i].reason));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_returns_the_reason_and_fills_every_field),
        cmocka_unit_test(the_longest_names_leave_room_for_what_to_do),
        cmocka_unit_test(a_null_error_is_fine_everywhere),
        cmocka_unit_test(an_error_may_be_built_from_itself),
        cmocka_unit_test(errno_picks_the_reason_whatever_its_sign),
        cmocka_unit_test(wrap_puts_context_in_front),
        cmocka_unit_test(a_long_message_is_cut_between_characters),
        cmocka_unit_test(a_message_is_one_clean_line_whatever_it_quotes),
        cmocka_unit_test(every_reason_has_a_name_a_status_and_comes_back_from_its_name),
        cmocka_unit_test(of_several_refusals_room_is_said_first),
        cmocka_unit_test(each_caller_says_how_likely_a_refusal_must_pass),
    };
    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
