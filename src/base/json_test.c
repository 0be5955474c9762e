/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

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
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
