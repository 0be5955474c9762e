/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <stdlib.h>

#include "base/mem.h"
#include "test.h"

static void comparison_takes_null_and_case(void **state)
{
    (void)state;
    assert_true(str_eq(NULL, NULL));
    assert_false(str_eq("a", NULL));
    assert_false(str_eq("a", "A"));
    assert_true(str_eq_case("MIG 1G.5gb", "mig 1g.5GB"));
    assert_false(str_eq_case("a", "ab"));
    assert_false(str_eq_case("ab", "a"));
    assert_true(str_starts("GRID A100", "GRID "));
    assert_false(str_starts("GR", "GRID"));
    assert_true(str_ends("a.yaml", ".yaml"));
    assert_false(str_ends("yaml", ".yaml"));
}

static void a_copy_is_cut_between_characters(void **state)
{
    (void)state;
    char out[6];
    assert_true(str_copy(out, sizeof(out), "12345"));
    assert_string_equal(out, "12345");
    assert_false(str_copy(out, sizeof(out), "123456"));
    assert_string_equal(out, "12345");
    assert_false(str_copy(out, sizeof(out), "1234\xc3\xa4"));
    assert_string_equal(out, "1234");
    assert_true(str_copy(out, sizeof(out), "123\xc3\xa4"));
    assert_string_equal(out, "123\xc3\xa4");
    assert_false(str_copy(out, sizeof(out), "12\xf0\x9f\x98\x80"));
    assert_string_equal(out, "12");
}

static void trim_takes_blanks_at_both_ends(void **state)
{
    (void)state;
    char text[] = " \t a b \r\n";
    assert_string_equal(str_trim(text), "a b");
    char blank[] = "  \n";
    assert_string_equal(str_trim(blank), "");
}

static void clean_text_has_no_controls_and_no_broken_utf8(void **state)
{
    (void)state;
    static const char *const clean[] = {"", "a b~", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    static const char *const dirty[] = {
        "a\n",
        "\x1b[31m",
        "\x7f",
        "\xc2\x85", /* a C1 control */
        "\xff",
        "\xc3",
        "\xc0\xaf",
        "\xe0\x80\xaf",
        "\xed\xa0\x80",
        "\xf4\x90\x80\x80",
        "\xf0\x9f\x98",
        "a\x80",
        "a\xe2\x80\x8b"
        "b",
        "\xe2\x80\xae"
        "txt",
        "\xef\xbb\xbf",
    };
    for (size_t i = 0; i < ARRAY_SIZE(clean); i++) {
        assert_true(str_is_clean(clean[i]));
    }
    for (size_t i = 0; i < ARRAY_SIZE(dirty); i++) {
        char text[16];
        STR_SET(text, dirty[i]);
        if (str_is_clean(dirty[i])) {
            fail_msg("row %zu is not clean", i);
        }
        str_make_clean(text);
        assert_true(str_is_clean(text));
    }
}

static void what_is_not_clean_is_named_and_replaced_by_one_sign(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why, *clean;
        bool is_text;
    } rows[] = {
        {"a\xe2\x80\xae"
         "b",
         "contains the character U+202E, which can't be seen", "a?b", true},
        {"\xe2\x80\x8b\xe2\x81\xa6", "contains the character U+200B, which can't be seen", "??",
         true},
        {"x\xf3\xa0\x81\x81", "contains the character U+E0041, which can't be seen", "x?", true},
        {"\xe2\x80\x8b\x1b[m", "contains control characters", "??[m", false},
        {"\xe2\x80\x8b\xff", "is not UTF-8", "??", false},
        {"\xc2\x85", "contains control characters", "?", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char why[STR_WHY_SIZE];
        char text[32];
        STR_SET(text, rows[i].text);
        assert_string_equal(str_unclean_why(text, why), rows[i].why);
        assert_int_equal(str_is_text(text), rows[i].is_text);
        str_make_clean(text);
        assert_string_equal(text, rows[i].clean);
    }
}

static void the_nearest_is_close_and_unique(void **state)
{
    (void)state;
    static const char *const names[] = {"1g.5gb", "1g.10gb", "2g.10gb", "1g.24gb+gfx",
                                        "passthrough"};
    static const struct {
        const char *word;
        const char *nearest;
    } rows[] = {
        {"1g.5", "1g.5gb"},
        {"1G.5GB", "1g.5gb"},
        {"2g.11gb", "2g.10gb"},
        {"1g.24gb", "1g.24gb+gfx"}, /* a beginning is close, however much follows */
        {"passthru", NULL},         /* three edits of eight letters */
        {"passthrogh", "passthrough"},
        {"quite different", NULL},
        {"x", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const char *nearest = str_nearest(rows[i].word, names, ARRAY_SIZE(names));
        if (!str_eq(nearest, rows[i].nearest)) {
            fail_msg("'%s': got '%s'", rows[i].word, nearest != NULL ? nearest : "nothing");
        }
    }
    assert_null(str_nearest("a", NULL, 0));
}

static void very_long_words_have_no_nearest(void **state)
{
    (void)state;
    char word[200];
    memset(word, 'a', sizeof(word) - 1);
    word[sizeof(word) - 1] = '\0';
    const char *const names[] = {word, "aaaa"};
    assert_null(str_nearest(word, names, 2));
    assert_string_equal(str_nearest("aaaa", names, 2), "aaaa");
}

static void text_for_people_is_one_clean_line_however_it_is_cut(void **state)
{
    (void)state;
    char out[8];
    assert_true(str_print(out, sizeof(out), "%s\n%d", "a", 1));
    assert_string_equal(out, "a 1");
    assert_false(str_print(out, sizeof(out), "123456\xc3\xa4"));
    assert_string_equal(out, "123456");
    assert_false(str_print(out, sizeof(out), "%.2s-23456", "a\xc3\xa4"));
    assert_string_equal(out, "a?-2345");
}

static void words_are_what_a_shell_reads_back(void **state)
{
    (void)state;
    static const struct {
        const char *text, *word, *arg;
    } rows[] = {
        {"web-1.example", "web-1.example", "web-1.example"},
        {"my vm", "'my vm'", "'my vm'"},
        {"it's", "'it'\\''s'", "'it'\\''s'"},
        {"$(id)", "'$(id)'", "'$(id)'"},
        {"\xc3\xa4", "'\xc3\xa4'", "'\xc3\xa4'"},
        {"", "''", "''"},
        {"~", "'~'", "'~'"},
        {"-x", "-x", "-- -x"},
        {"-x y", "'-x y'", "-- '-x y'"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_string_equal(SHELL_WORD(rows[i].text), rows[i].word);
        assert_string_equal(SHELL_ARG(rows[i].text), rows[i].arg);
    }
    char longest[256];
    memset(longest, '\'', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(strlen(SHELL_ARG(longest)), 4 * 255 + 2);
}

static void a_buffer_grows_and_gives_its_text_away(void **state)
{
    (void)state;
    struct strbuf buf = {0};
    assert_string_equal(strbuf_str(&buf), "");
    for (int i = 0; i < 1000; i++) {
        strbuf_addf(&buf, "%d,", i);
    }
    strbuf_add(&buf, "end");
    strbuf_addn(&buf, "xyz", 1);
    assert_true(str_ends(strbuf_str(&buf), "999,endx"));
    assert_int_equal(buf.len, strlen(buf.text));
    CLEANUP_FREE char *text = strbuf_take(&buf);
    assert_true(str_starts(text, "0,1,2,"));
    assert_null(buf.text);
    CLEANUP_FREE char *empty = strbuf_take(&buf);
    assert_string_equal(empty, "");
    strbuf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparison_takes_null_and_case),
        cmocka_unit_test(a_copy_is_cut_between_characters),
        cmocka_unit_test(trim_takes_blanks_at_both_ends),
        cmocka_unit_test(clean_text_has_no_controls_and_no_broken_utf8),
        cmocka_unit_test(what_is_not_clean_is_named_and_replaced_by_one_sign),
        cmocka_unit_test(the_nearest_is_close_and_unique),
        cmocka_unit_test(very_long_words_have_no_nearest),
        cmocka_unit_test(text_for_people_is_one_clean_line_however_it_is_cut),
        cmocka_unit_test(words_are_what_a_shell_reads_back),
        cmocka_unit_test(a_buffer_grows_and_gives_its_text_away),
    };
    return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
