/* SPDX-License-Identifier: Apache-2.0 */
#include "base/exit_status.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

#include "base/error.h"
#include "base/fs.h"
#include "base/str.h"

#define MAX_FILE 100000

static void statuses_rise_and_none_is_there_twice(void **state)
{
    (void)state;
    struct exit_status_row row;
    int before = -1;
    size_t n = 0;
    for (; exit_status_row(n, &row); n++) {
        assert_true(row.status > before);
        assert_true(strlen(row.text) > 0);
        before = row.status;
    }
    assert_int_equal(n, REASON_COUNT - 1 + 4);
}

static void every_reason_has_its_row(void **state)
{
    (void)state;
    for (int reason = REASON_NONE + 1; reason < REASON_COUNT; reason++) {
        struct exit_status_row row = {.status = -1};
        size_t i = 0;
        while (exit_status_row(i, &row) && row.status != reason_exit_status((enum reason)reason)) {
            i++;
        }
        assert_string_equal(row.text, reason_text((enum reason)reason));
    }
}

/* README's table, row by row. */
static void readme_lists_every_status(void **state)
{
    (void)state;
    CLEANUP_FREE char *path = xasprintf("%s/README.md", getenv("CLEAVE_SOURCE"));
    CLEANUP_FREE char *text = NULL;
    assert_int_equal(fs_read(path, MAX_FILE, &text, NULL), 0);
    CLEANUP_STRBUF struct strbuf wanted = {0};
    strbuf_add(&wanted, "| exit status | meaning |\n|---|---|\n");
    struct exit_status_row row;
    for (size_t i = 0; exit_status_row(i, &row); i++) {
        strbuf_addf(&wanted, "| %d | %s |\n", row.status, row.text);
    }
    strbuf_add(&wanted, "\n");
    if (strstr(text, strbuf_str(&wanted)) == NULL) {
        fail_msg("README.md lacks this table:\n%s", strbuf_str(&wanted));
    }
}

/* What a program with that status ends with whose output goes to a full disk. */
static int status_on_full_disk(int status)
{
    int before = dup(STDOUT_FILENO);
    fflush(stdout);
    FILE *full = fopen("/dev/full", "we");
    assert_non_null(full);
    assert_int_equal(dup2(fileno(full), STDOUT_FILENO), STDOUT_FILENO);
    fputs("lost", stdout);
    int written = exit_status_written("test", status);
    clearerr(stdout);
    assert_int_equal(dup2(before, STDOUT_FILENO), STDOUT_FILENO);
    close(before);
    fclose(full);
    return written;
}

static void lost_output_is_no_success_and_hides_no_failure(void **state)
{
    (void)state;
    assert_int_equal(status_on_full_disk(EXIT_STATUS_DONE), EXIT_STATUS_OUTPUT);
    assert_int_equal(status_on_full_disk(EXIT_STATUS_NO), EXIT_STATUS_NO);
    assert_int_equal(status_on_full_disk(3), 3);
    assert_int_equal(exit_status_written("test", EXIT_STATUS_DONE), EXIT_STATUS_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses_rise_and_none_is_there_twice),
        cmocka_unit_test(every_reason_has_its_row),
        cmocka_unit_test(readme_lists_every_status),
        cmocka_unit_test(lost_output_is_no_success_and_hides_no_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
