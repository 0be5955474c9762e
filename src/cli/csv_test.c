/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/csv.h"

#include "base/attr.h"
#include "test.h"

static const struct {
    const char *field, *written;
} rows[] = {
    {"", "\r\n"},
    {"web1", "web1\r\n"},
    {"a,b", "\"a,b\"\r\n"},
    {"say \"no\"", "\"say \"\"no\"\"\"\r\n"},
    {"two\nlines", "\"two\nlines\"\r\n"},
    {"cr\r", "\"cr\r\"\r\n"},
    {"=1+1", "'=1+1\r\n"},
    {"+1", "'+1\r\n"},
    {"-1", "'-1\r\n"},
    {"@SUM(A1)", "'@SUM(A1)\r\n"},
    {"\tx", "'\tx\r\n"},
    {"=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"\r\n"},
    {"a=b", "a=b\r\n"},
};

static void a_field_is_text_and_never_a_formula(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_STRBUF struct strbuf out = {0};
        csv_add_record(&out, &rows[i].field, 1);
        if (!str_eq(strbuf_str(&out), rows[i].written)) {
            fail_msg("\"%s\": %s", rows[i].field, strbuf_str(&out));
        }
    }
}

static void fields_have_commas_between(void **state)
{
    (void)state;
    CLEANUP_STRBUF struct strbuf out = {0};
    csv_add_record(&out, (const char *const[]){"a", "", "c"}, 3);
    assert_string_equal(strbuf_str(&out), "a,,c\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_field_is_text_and_never_a_formula),
        cmocka_unit_test(fields_have_commas_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
