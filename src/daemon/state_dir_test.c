/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/state_dir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "test.h"

static char root[64];

static int setup(void **state)
{
    (void)state;
    strncpy(root, "/tmp/cleave-state-XXXXXX", sizeof(root) - 1);
    return mkdtemp(root) == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    return fs_remove_tree(root);
}

static void one_process_at_a_time_owns_the_directory(void **state)
{
    (void)state;
    char path[96];
    snprintf(path, sizeof(path), "%s/a/b", root);
    CLEANUP_CLOSE int first = -1;
    CLEANUP_CLOSE int second = -1;
    struct error err = {0};
    assert_int_equal(state_dir_lock(path, &first, &err), 0);
    assert_int_equal(state_dir_lock(path, &second, &err), -REASON_CONFLICT);
    assert_non_null(strstr(err.message, path));
    closep(&first);
    assert_int_equal(state_dir_lock(path, &second, &err), 0);
}

static void a_directory_made_again_is_still_anothers(void **state)
{
    (void)state;
    char path[96];
    snprintf(path, sizeof(path), "%s/a", root);
    CLEANUP_CLOSE int first = -1;
    CLEANUP_CLOSE int second = -1;
    CLEANUP_CLOSE int first_path = -1;
    CLEANUP_CLOSE int second_path = -1;
    struct error err = {0};
    assert_int_equal(state_dir_lock(path, &first, &err), 0);
    assert_int_equal(state_dir_lock_path(path, &first_path, &err), 0);
    assert_int_equal(fs_remove_tree(path), 0);
    assert_int_equal(state_dir_lock(path, &second, &err), 0);
    assert_int_equal(state_dir_lock_path(path, &second_path, &err), -REASON_CONFLICT);
    assert_non_null(strstr(err.message, "replaced since"));
    closep(&first_path);
    assert_int_equal(state_dir_lock_path(path, &second_path, &err), 0);
}

static void a_directory_that_lost_its_database_is_not_taken_for_a_new_one(void **state)
{
    (void)state;
    char database[96];
    char mark[96];
    struct error err = {0};
    bool new = false;
    snprintf(database, sizeof(database), "%s/cleave.db", root);
    snprintf(mark, sizeof(mark), "%s/cleave.used", root);
    assert_int_equal(state_dir_check(root, &new, &err), 0);
    assert_true(new);
    assert_int_equal(fs_write_atomic(database, "", 0), 0); /* died before it was made */
    assert_int_equal(state_dir_check(root, &new, &err), 0);
    assert_true(new);
    assert_int_equal(state_dir_mark(root), 0);
    assert_int_equal(state_dir_check(root, &new, &err), -REASON_CONFLICT);
    assert_non_null(strstr(err.message, "is empty"));
    assert_non_null(strstr(err.hint, mark));
    assert_int_equal(unlink(database), 0);
    assert_int_equal(state_dir_check(root, &new, &err), -REASON_CONFLICT);
    assert_non_null(strstr(err.message, "is gone"));
    char bare[4096] = "SQLite format 3"; /* as SQLite leaves it whose -wal was taken away */
    assert_int_equal(fs_write_atomic(database, bare, sizeof(bare)), 0);
    assert_int_equal(state_dir_check(root, &new, &err), -REASON_CONFLICT);
    assert_non_null(strstr(err.message, "no tables"));
    bare[63] = 1;
    assert_int_equal(fs_write_atomic(database, bare, sizeof(bare)), 0);
    assert_int_equal(state_dir_check(root, &new, &err), 0);
    assert_int_equal(fs_write_atomic(database, "x", 1), 0);
    assert_int_equal(state_dir_check(root, &new, &err), 0);
    assert_false(new);
}

static void the_directory_is_private(void **state)
{
    (void)state;
    char path[96];
    struct stat st;
    CLEANUP_CLOSE int fd = -1;
    snprintf(path, sizeof(path), "%s/a", root);
    assert_int_equal(state_dir_lock(path, &fd, NULL), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void a_file_in_the_way_is_an_error(void **state)
{
    (void)state;
    char path[96];
    CLEANUP_CLOSE int fd = -1;
    snprintf(path, sizeof(path), "%s/file", root);
    assert_int_equal(fs_write_atomic(path, "x", 1), 0);
    assert_true(state_dir_lock(path, &fd, NULL) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_process_at_a_time_owns_the_directory, setup, teardown),
        cmocka_unit_test_setup_teardown(a_directory_made_again_is_still_anothers, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_directory_that_lost_its_database_is_not_taken_for_a_new_one, setup, teardown),
        cmocka_unit_test_setup_teardown(the_directory_is_private, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_in_the_way_is_an_error, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
