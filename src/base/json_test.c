/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "test.h"

static int read_text(const char *text, json_t **ret_json, struct error *err)
{
    return json_read(text, strlen(text), "body", ret_json, err);
}

static void refused(const char *text, const char *subject, const char *message)
{
    struct error err = {0};
    json_t *json = NULL;
    assert_int_equal(read_text(text, &json, &err), -REASON_INVALID);
    assert_null(json);
    assert_string_equal(err.subject, subject);
    assert_non_null(strstr(err.message, message));
}

static void good_text_becomes_a_tree(void **state)
{
    (void)state;
    CLEANUP_JSON json_t *json = NULL;
    assert_int_equal(read_text("{\"b\": [1, 2.5, true, null], \"a\": \"x\"}", &json, NULL), 0);
    CLEANUP_FREE char *text = json_text(json);
    assert_string_equal(text, "{\"a\":\"x\",\"b\":[1,2.5,true,null]}");
}

static void a_syntax_error_names_line_and_column(void **state)
{
    (void)state;
    refused("{\n  \"a\": 1,\n  \"b\" 2\n}", "body:3:7", "':' expected");
    refused("", "body:1:1", "not valid JSON");
    refused("{} {}", "body:1:4", "end of file expected");
    refused("{\"a\": \"\\u0000\"}", "body:1:14", "\\u0000");
}

static void a_duplicate_key_is_refused(void **state)
{
    (void)state;
    refused("{\"a\": 1,\n \"a\": 2}", "body:2:4", "duplicate");
}

static char *nested(size_t depth)
{
    char *text = xcalloc(2 * depth + 1, 1);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    return text;
}

static void nesting_stops_at_32_levels(void **state)
{
    (void)state;
    CLEANUP_FREE char *fits = nested(INPUT_MAX_DEPTH);
    CLEANUP_JSON json_t *json = NULL;
    assert_int_equal(read_text(fits, &json, NULL), 0);

    CLEANUP_FREE char *deep = nested(INPUT_MAX_DEPTH + 1);
    refused(deep, "body:1:33", "deeper than 32");
}

static void brackets_inside_strings_do_not_count_as_nesting(void **state)
{
    (void)state;
    CLEANUP_JSON json_t *json = NULL;
    assert_int_equal(read_text("\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"", &json, NULL),
                     0);
}

static void more_than_a_mebibyte_is_refused(void **state)
{
    (void)state;
    size_t len = INPUT_MAX_BYTES + 1;
    CLEANUP_FREE char *text = xcalloc(len + 1, 1);
    memset(text, ' ', len);
    text[0] = '1';
    struct error err = {0};
    json_t *json = NULL;
    assert_int_equal(json_read(text, len, "body", &json, &err), -REASON_INVALID);
    assert_non_null(strstr(err.message, "1048577 bytes"));
    assert_int_equal(json_read(text, len - 1, "body", &json, &err), 0);
    json_decref(json);
}

static void more_than_65536_values_are_refused(void **state)
{
    (void)state;
    CLEANUP_STRBUF struct strbuf text = {0};
    strbuf_add(&text, "[0");
    for (int i = 0; i < INPUT_MAX_ITEMS; i++) {
        strbuf_add(&text, ",0");
    }
    strbuf_add(&text, "]");
    refused(strbuf_str(&text), "body", "more than 65536 values");
}

static void a_missing_file_is_reported_by_name(void **state)
{
    (void)state;
    struct error err = {0};
    json_t *json = NULL;
    assert_int_equal(json_read_file("/no/such/site.yaml", &json, &err), -REASON_NOT_FOUND);
    assert_string_equal(err.subject, "/no/such/site.yaml");
}

static uint32_t draw(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525U + 1013904223U;
    return (*seed >> 8) % below;
}

static json_t *random_string(uint32_t *seed)
{
    static const char *const parts[] = {"a",    "Key",  "\"",   "\\", "\n", "\t", "\b", "\f", "\r",
                                        "\x01", "\x1f", "\x7f", "/",  "é",  "→",  "𝄞",  ""};
    CLEANUP_STRBUF struct strbuf text = {0};
    for (uint32_t n = draw(seed, 6); n > 0; n--) {
        strbuf_add(&text, parts[draw(seed, ARRAY_SIZE(parts))]);
        if (draw(seed, 9) == 0) {
            strbuf_addn(&text, "", 1); /* a NUL */
        }
    }
    return json_stringn(strbuf_str(&text), text.len);
}

static json_t *random_tree(uint32_t *seed, unsigned depth)
{
    uint32_t kind = draw(seed, depth == 0 ? 6 : 9);
    if (kind < 2) {
        return random_string(seed);
    }
    if (kind < 6) {
        return kind == 2   ? json_integer((json_int_t)draw(seed, 1000) - 500)
               : kind == 3 ? json_real((double)draw(seed, 1000) / 7)
               : kind == 4 ? json_boolean(draw(seed, 2))
                           : json_null();
    }
    json_t *tree = kind == 6 ? json_array() : json_object();
    for (uint32_t n = draw(seed, kind == 8 && draw(seed, 20) == 0 ? 200 : 8); n > 0; n--) {
        json_t *value = random_tree(seed, depth - 1);
        char key[16];
        (void)snprintf(key, sizeof(key), "%s%u", draw(seed, 2) == 0 ? "k" : "é\"", draw(seed, 300));
        assert_int_equal(kind == 6 ? json_array_append_new(tree, value)
                                   : json_object_set_new(tree, key, value),
                         0);
    }
    return tree;
}

/* json_text() writes it in a quicker way. */
static void text_is_as_jansson_writes_it(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (int i = 0; i < 3000; i++) {
        CLEANUP_JSON json_t *tree = random_tree(&seed, 5);
        CLEANUP_FREE char *text = json_text(tree);
        CLEANUP_FREE char *expected =
            json_dumps(tree, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
        assert_string_equal(text, expected);
    }
    CLEANUP_FREE char *none = json_text(NULL);
    assert_string_equal(none, "null");
    const json_int_t big[] = {INT64_MAX, INT64_MIN, 0};
    for (size_t i = 0; i < ARRAY_SIZE(big); i++) {
        CLEANUP_JSON json_t *number = json_integer(big[i]);
        CLEANUP_FREE char *text = json_text(number);
        CLEANUP_FREE char *expected = json_dumps(number, JSON_ENCODE_ANY);
        assert_string_equal(text, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_text_becomes_a_tree),
        cmocka_unit_test(a_syntax_error_names_line_and_column),
        cmocka_unit_test(a_duplicate_key_is_refused),
        cmocka_unit_test(nesting_stops_at_32_levels),
        cmocka_unit_test(brackets_inside_strings_do_not_count_as_nesting),
        cmocka_unit_test(more_than_a_mebibyte_is_refused),
        cmocka_unit_test(more_than_65536_values_are_refused),
        cmocka_unit_test(a_missing_file_is_reported_by_name),
        cmocka_unit_test(text_is_as_jansson_writes_it),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
