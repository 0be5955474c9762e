/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "test.h"

static int read_text(const char *text, json_t **ret_json, struct error *err)
{
    return yaml_read(text, strlen(text), "f.yaml", ret_json, err);
}

static void becomes(const char *yaml, const char *json)
{
    struct error err = {0};
    CLEANUP_JSON json_t *tree = NULL;
    if (read_text(yaml, &tree, &err) != 0) {
        fail_msg("%s: %s: %s", yaml, err.subject, err.message);
    }
    CLEANUP_FREE char *text = json_text(tree);
    assert_string_equal(text, json);
}

static void refused(const char *yaml, const char *subject, const char *message)
{
    struct error err = {0};
    json_t *tree = NULL;
    assert_int_equal(read_text(yaml, &tree, &err), -REASON_INVALID);
    assert_null(tree);
    assert_string_equal(err.subject, subject);
    if (strstr(err.message, message) == NULL) {
        fail_msg("'%s' lacks '%s'", err.message, message);
    }
}

static void plain_scalars_get_the_types_of_the_core_schema(void **state)
{
    (void)state;
    becomes("[null, ~, Null, NULL]", "[null,null,null,null]");
    becomes("[true, False, TRUE]", "[true,false,true]");
    becomes("[yes, on, no, off, y]", "[\"yes\",\"on\",\"no\",\"off\",\"y\"]");
    becomes("[0, -7, +7, 0x20B0, 0o17, 007]", "[0,-7,7,8368,15,7]");
    becomes("[1.5, -0.5e3, .5, 2.]", "[1.5,-500.0,0.5,2.0]");
    becomes("[1g.5gb, 0x, 1e, e1, 1.2.3, -, 12:30:00]",
            "[\"1g.5gb\",\"0x\",\"1e\",\"e1\",\"1.2.3\",\"-\",\"12:30:00\"]");
}

static void quoted_scalars_are_strings(void **state)
{
    (void)state;
    becomes("['1', \"true\", '~', \"\\u00e4\"]", "[\"1\",\"true\",\"~\",\"\xc3\xa4\"]");
    becomes("a: |\n  x\n  y\n", "{\"a\":\"x\\ny\\n\"}");
}

static void a_key_is_taken_as_its_text(void **state)
{
    (void)state;
    becomes("{1: a, true: b, 0x10: c}", "{\"0x10\":\"c\",\"1\":\"a\",\"true\":\"b\"}");
    refused("{[1]: a}", "f.yaml:1:2", "key must be plain text");
}

static void an_empty_text_is_null(void **state)
{
    (void)state;
    becomes("", "null");
    becomes("# nothing\n", "null");
}

static void anchors_aliases_tags_and_merge_keys_are_refused(void **state)
{
    (void)state;
    refused("a: &x 1\n", "f.yaml:1:4", "anchors");
    refused("a: 1\nb: *x\n", "f.yaml:2:4", "aliases");
    refused("a: !!str 1\n", "f.yaml:1:4", "tags");
    refused("a: !mine {}\n", "f.yaml:1:4", "tags");
    refused("a:\n  <<: {b: 1}\n", "f.yaml:2:3", "merge keys");
    refused("&k a: 1\n", "f.yaml:1:1", "anchors");
    refused("%TAG ! !x\n---\na: 1\n", "f.yaml:1:1", "directives");
}

static void a_duplicate_key_names_its_place(void **state)
{
    (void)state;
    refused("a: 1\nb: 2\na: 3\n", "f.yaml:3:1", "duplicate key \"a\"");
    refused("x:\n  - {k: 1, k: 1}\n", "f.yaml:2:12", "duplicate key \"k\"");
}

static void a_syntax_error_names_line_and_column(void **state)
{
    (void)state;
    refused("a: [1, 2\nb: 3\n", "f.yaml:2:2", "not valid YAML");
    refused("a:\n\t- 1\n", "f.yaml:2:1", "cannot start any token");
    refused("a: \xff\n", "f.yaml:1:4", "UTF-8");
    refused("a: 1\nbc: \x01\n", "f.yaml:2:5", "control characters");
}

static void more_than_one_document_is_refused(void **state)
{
    (void)state;
    refused("a: 1\n---\nb: 2\n", "f.yaml:2:1", "more than one document");
}

static void numbers_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    becomes("[9223372036854775807, -9223372036854775808]",
            "[9223372036854775807,-9223372036854775808]");
    refused("9223372036854775808", "f.yaml:1:1", "64 bits");
    refused("0xffffffffffffffff", "f.yaml:1:1", "64 bits");
    refused("a: .inf", "f.yaml:1:4", "finite");
    refused("a: 1e999", "f.yaml:1:4", "finite");
}

static void nesting_size_and_count_are_limited(void **state)
{
    (void)state;
    CLEANUP_STRBUF struct strbuf text = {0};
    for (int i = 0; i < INPUT_MAX_DEPTH + 1; i++) {
        strbuf_add(&text, "[");
    }
    refused(strbuf_str(&text), "f.yaml:1:33", "deeper than 32");

    CLEANUP_STRBUF struct strbuf wide = {0};
    strbuf_add(&wide, "[0");
    for (int i = 0; i < INPUT_MAX_ITEMS; i++) {
        strbuf_add(&wide, ",0");
    }
    strbuf_add(&wide, "]");
    struct error err = {0};
    json_t *tree = NULL;
    assert_int_equal(read_text(strbuf_str(&wide), &tree, &err), -REASON_INVALID);
    assert_non_null(strstr(err.message, "more than 65536 values"));

    CLEANUP_FREE char *big = xcalloc(INPUT_MAX_BYTES + 1, 1);
    memset(big, '#', INPUT_MAX_BYTES + 1);
    assert_int_equal(yaml_read(big, INPUT_MAX_BYTES + 1, "f.yaml", &tree, &err), -REASON_INVALID);
}

static void text_of_a_tree_reads_back_the_same(void **state)
{
    (void)state;
    static const char source[] =
        "{\"name\":\"web 1\",\"n\":[0,-5,2.5,3.0,1e300],\"empty\":{},\"none\":[],\"nil\":null,"
        "\"strings\":[\"\",\"null\",\"true\",\"12\",\"0x1f\",\"1.5\",\"<<\",\"- a\",\"a: "
        "b\",\"#c\","
        "\"\xc3\xa4\",\"two\\nlines\",\" pad \",\"*x\",\"&x\",\"!x\",\"yes\"],\"12\":\"k\","
        "\"deep\":{\"a\":[{\"b\":[[1],[2]]}]}}";
    struct error err = {0};
    CLEANUP_JSON json_t *tree = NULL;
    assert_int_equal(json_read(source, strlen(source), "x", &tree, &err), 0);
    CLEANUP_FREE char *yaml = yaml_text(tree);
    CLEANUP_JSON json_t *back = NULL;
    if (read_text(yaml, &back, &err) != 0) {
        fail_msg("%s: %s in\n%s", err.subject, err.message, yaml);
    }
    assert_true(json_equal(tree, back));
}

static void text_is_block_style_and_in_the_trees_order(void **state)
{
    (void)state;
    CLEANUP_JSON json_t *tree = NULL;
    assert_int_equal(read_text("{b: [1, {c: d}], a: '5'}", &tree, NULL), 0);
    CLEANUP_FREE char *yaml = yaml_text(tree);
    assert_string_equal(yaml, "b:\n- 1\n- c: d\na: \"5\"\n");
}

static void a_path_is_found_in_the_text(void **state)
{
    (void)state;
    static const char text[] = "name: x\ngpus:\n  - {bdf: a}\n  - bdf: b\n    vfs: {count: 3}\n";
    static const struct {
        const char *path;
        size_t line, column;
    } cases[] = {
        {"", 1, 1},
        {"gpus", 2, 1},
        {"gpus[0].bdf", 3, 6},
        {"gpus[1].vfs.count", 5, 11},
        {"gpus[1].board", 4, 5}, /* missing: where it belongs */
        {"gpus[7].bdf", 2, 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t line = 0;
        size_t column = 0;
        assert_true(yaml_locate(text, strlen(text), cases[i].path, &line, &column));
        assert_int_equal(line, cases[i].line);
        assert_int_equal(column, cases[i].column);
    }
    size_t line = 0;
    size_t column = 0;
    assert_false(yaml_locate("{", 1, "name", &line, &column));
    assert_false(yaml_locate("", 0, "name", &line, &column));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_scalars_get_the_types_of_the_core_schema),
        cmocka_unit_test(quoted_scalars_are_strings),
        cmocka_unit_test(a_key_is_taken_as_its_text),
        cmocka_unit_test(an_empty_text_is_null),
        cmocka_unit_test(anchors_aliases_tags_and_merge_keys_are_refused),
        cmocka_unit_test(a_duplicate_key_names_its_place),
        cmocka_unit_test(a_syntax_error_names_line_and_column),
        cmocka_unit_test(more_than_one_document_is_refused),
        cmocka_unit_test(numbers_that_do_not_fit_are_refused),
        cmocka_unit_test(nesting_size_and_count_are_limited),
        cmocka_unit_test(text_of_a_tree_reads_back_the_same),
        cmocka_unit_test(text_is_block_style_and_in_the_trees_order),
        cmocka_unit_test(a_path_is_found_in_the_text),
    };
    return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
