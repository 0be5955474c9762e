/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/vm_template.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "test.h"

static const struct {
    const char *text, *filled; /* NULL: refused */
    const char *named;         /* the placeholder that the refusal names */
} rows[] = {
    {"<name>@NAME@</name><source path='/log/@NAME@.log'/>",
     "<name>web1</name><source path='/log/web1.log'/>", NULL},
    {"@NAME@@NAME@", "web1web1", NULL},
    {"", "", NULL},
    {"no placeholder, and me@HOST.example", "no placeholder, and me@HOST.example", NULL},
    {"@@ @ @name@ @NAME", "@@ @ @name@ @NAME", NULL},
    {"<kernel>@KERNEL@</kernel>", NULL, "@KERNEL@"},
    {"@NAME@ @DISK_0@", NULL, "@DISK_0@"},
    {"@NAMES@", NULL, "@NAMES@"},
};

static void the_name_is_filled_and_other_placeholders_are_refused(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_FREE char *text = NULL;
        struct error err = {0};
        int result = vm_template_fill("vm.xml", rows[i].text, "web1", &text, &err);
        if (rows[i].filled != NULL) {
            assert_int_equal(result, 0);
            assert_string_equal(text, rows[i].filled);
        } else {
            assert_int_equal(result, -REASON_INVALID);
            assert_null(text);
            assert_non_null(strstr(err.message, rows[i].named));
            assert_non_null(strstr(err.message, "vm.xml"));
        }
    }
}

static void a_long_name_fits_each_time(void **state UNUSED)
{
    char name[200];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    CLEANUP_FREE char *text = NULL;
    assert_int_equal(vm_template_fill("f", "@NAME@@NAME@@NAME@", name, &text, NULL), 0);
    assert_int_equal(strlen(text), 3 * strlen(name));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_is_filled_and_other_placeholders_are_refused),
        cmocka_unit_test(a_long_name_fits_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
