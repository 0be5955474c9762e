/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <string.h>

#include "base/str.h"
#include "test.h"

WORDS_LOCAL(number_words, "number", 2, WORD(0, "one"), WORD(1, "two"))
WORDS_LOCAL(kind_words, "kind", 2, WORD(0, "passthrough"), WORD(1, "vgpu"))

struct fixture {
    json_t *json;
    struct error err;
    struct reader r;
};

static void start(struct fixture *f, const char *yaml)
{
    *f = (struct fixture){0};
    assert_int_equal(yaml_read(yaml, strlen(yaml), "site.yaml", &f->json, &f->err), 0);
    reader_init(&f->r, f->json, "site.yaml", "", &f->err);
}

static void ends_with_message(struct fixture *f, const char *message)
{
    assert_int_equal(reader_end(&f->r), -REASON_INVALID);
    assert_string_equal(f->err.message, message);
    assert_string_equal(f->err.subject, "site.yaml");
    json_decref(f->json);
}

static void every_form_reads_its_type(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "{s: text, i: 7, r: 2, b: true, a: [1], o: {}, c: two, none: null}");
    assert_string_equal(reader_str(&f.r, "s", 10), "text");
    assert_int_equal(reader_int(&f.r, "i", 0, 10), 7);
    assert_true(reader_real(&f.r, "r") == 2.0);
    assert_true(reader_bool(&f.r, "b"));
    assert_int_equal(json_array_size(reader_array(&f.r, "a", 4)), 1);
    assert_non_null(reader_object(&f.r, "o"));
    assert_int_equal(reader_word(&f.r, "c", &number_words), 1);
    assert_false(reader_has(&f.r, "none"));
    assert_int_equal(reader_end(&f.r), 0);
    json_decref(f.json);
}

static void absent_and_null_give_the_fallback(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "{s: null}");
    assert_string_equal(reader_str_or(&f.r, "s", 10, "else"), "else");
    assert_int_equal(reader_int_or(&f.r, "i", 0, 10, 42), 42);
    assert_true(reader_bool_or(&f.r, "b", true));
    assert_null(reader_array_or_null(&f.r, "a", 4));
    assert_null(reader_object_or_null(&f.r, "o"));
    assert_int_equal(reader_word_or(&f.r, "c", &number_words, 5), 5);
    assert_int_equal(reader_end(&f.r), 0);
    json_decref(f.json);
}

static void an_unknown_key_names_the_nearest(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "{tenent: a}");
    reader_str_or(&f.r, "tenant", 10, NULL);
    reader_str_or(&f.r, "vm", 10, NULL);
    ends_with_message(&f, "unknown key \"tenent\"; did you mean \"tenant\"?");
    assert_string_equal(f.err.hint, "known keys are \"tenant\", \"vm\"");
}

static void an_unknown_key_like_no_other_lists_the_known(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "{colour: a}");
    reader_str_or(&f.r, "vm", 10, NULL);
    ends_with_message(&f, "unknown key \"colour\"");
    assert_string_equal(f.err.hint, "known keys are \"vm\"");
}

static void the_first_error_stays(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "{a: x, b: y}");
    assert_int_equal(reader_int(&f.r, "a", 0, 9), 0);
    assert_int_equal(reader_int(&f.r, "b", 0, 9), 0);
    assert_null(reader_str(&f.r, "c", 9));
    ends_with_message(&f, "a: must be an integer, not a string");
}

static void types_ranges_and_lengths_are_checked(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "{i: 11}");
    reader_int(&f.r, "i", 0, 10);
    ends_with_message(&f, "i: is 11, must be from 0 to 10");
    start(&f, "{s: abcdef}");
    reader_str(&f.r, "s", 5);
    ends_with_message(&f, "s: has 6 bytes, at most 5 are allowed");
    start(&f, "{s: \"a\\nb\"}");
    reader_str(&f.r, "s", 5);
    ends_with_message(&f, "s: contains control characters");
    start(&f, "{a: [1, 2]}");
    reader_array(&f.r, "a", 1);
    ends_with_message(&f, "a: has 2 items, at most 1 are allowed");
    start(&f, "{b: 1}");
    reader_bool(&f.r, "b");
    ends_with_message(&f, "b: must be true or false, not an integer");
    start(&f, "{}");
    reader_str(&f.r, "s", 5);
    ends_with_message(&f, "s: is missing");
    start(&f, "{s: null}");
    reader_str(&f.r, "s", 5);
    ends_with_message(&f, "s: must not be null");
}

static void a_wrong_word_names_the_nearest_and_lists_all(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "{kind: passthrogh}");
    assert_int_equal(reader_word(&f.r, "kind", &kind_words), -1);
    assert_string_equal(f.err.hint, "use one of \"passthrough\", \"vgpu\"");
    ends_with_message(&f,
                      "kind: \"passthrogh\" is not a known value; did you mean \"passthrough\"?");
}

static void nested_readers_name_the_whole_path(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "{gpus: [{bdf: 1}]}");
    json_t *gpus = reader_array(&f.r, "gpus", 8);
    char path[160];
    reader_path(&f.r, "gpus", 0, path, sizeof(path));
    assert_string_equal(path, "gpus[0]");
    struct reader inner;
    reader_init(&inner, json_array_get(gpus, 0), "site.yaml", path, &f.err);
    reader_str(&inner, "bdf", 10);
    assert_int_equal(reader_end(&inner), -REASON_INVALID);
    assert_string_equal(f.err.message, "gpus[0].bdf: must be a string, not an integer");
    assert_string_equal(f.err.hint, "write it in quotes: bdf: \"1\"");
    json_decref(f.json);
}

static void what_is_not_an_object_is_refused_at_once(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "[1]");
    assert_false(reader_has(&f.r, "a"));
    ends_with_message(&f, "must be an object, not a list");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_reads_its_type),
        cmocka_unit_test(absent_and_null_give_the_fallback),
        cmocka_unit_test(an_unknown_key_names_the_nearest),
        cmocka_unit_test(an_unknown_key_like_no_other_lists_the_known),
        cmocka_unit_test(the_first_error_stays),
        cmocka_unit_test(types_ranges_and_lengths_are_checked),
        cmocka_unit_test(a_wrong_word_names_the_nearest_and_lists_all),
        cmocka_unit_test(nested_readers_name_the_whole_path),
        cmocka_unit_test(what_is_not_an_object_is_refused_at_once),
    };
    return cmocka_run_group_tests_name("json_reader", tests, NULL, NULL);
}
