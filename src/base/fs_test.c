/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "test.h"

static char dir[64];

static char *in_dir(const char *name)
{
    return xasprintf("%s/%s", dir, name);
}

static int set_up(void **state)
{
    (void)state;
    STR_SET(dir, "/tmp/cleave-fs-XXXXXX");
    return mkdtemp(dir) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return fs_exists(dir) ? fs_remove_tree(dir) : 0;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    CLEANUP_FREE char *path = in_dir("f");
    assert_int_equal(fs_write_atomic(path, "old", 3), 0);
    assert_int_equal(fs_write_atomic(path, "new\0text", 8), 0);
    CLEANUP_FREE char *text = NULL;
    size_t len = 0;
    assert_int_equal(fs_read(path, 8, &text, &len), 0);
    assert_int_equal(len, 8);
    assert_memory_equal(text, "new\0text", 9);
    struct strlist names = {0};
    assert_int_equal(fs_list(dir, &names), 0);
    assert_int_equal(names.n, 1); /* no temporary file is left */
    strlist_done(&names);
}

static void a_longer_file_than_allowed_is_refused(void **state)
{
    (void)state;
    CLEANUP_FREE char *path = in_dir("f");
    assert_int_equal(fs_write_atomic(path, "12345", 5), 0);
    CLEANUP_FREE char *text = NULL;
    assert_int_equal(fs_read(path, 4, &text, NULL), -EFBIG);
    assert_null(text);
    assert_int_equal(fs_read("/no/such/file", 4, &text, NULL), -ENOENT);
    assert_int_equal(fs_read(dir, 4, &text, NULL), -EISDIR);
}

static void a_failed_write_leaves_the_old_file_and_nothing_else(void **state)
{
    (void)state;
    CLEANUP_FREE char *path = in_dir("sub");
    CLEANUP_FREE char *inside = in_dir("sub/f");
    assert_int_equal(fs_mkdirs(path, 0755), 0);
    assert_int_equal(fs_write_atomic(inside, "x", 1), 0);
    assert_true(fs_write_atomic(path, "y", 1) < 0); /* a directory is in the way */
    struct strlist names = {0};
    assert_int_equal(fs_list(dir, &names), 0);
    assert_int_equal(names.n, 1);
    strlist_done(&names);
    CLEANUP_FREE char *nowhere = in_dir("none/f");
    assert_int_equal(fs_write_atomic(nowhere, "y", 1), -ENOENT);
}

static void an_attribute_is_never_created(void **state)
{
    (void)state;
    CLEANUP_FREE char *path = in_dir("attr");
    assert_int_equal(fs_write_attr(path, "1"), -ENOENT);
    assert_int_equal(fs_write_atomic(path, "0", 1), 0);
    assert_int_equal(fs_write_attr(path, "1"), 0);
    CLEANUP_FREE char *text = NULL;
    assert_int_equal(fs_read(path, 8, &text, NULL), 0);
    assert_string_equal(text, "1");
}

static void directories_are_made_down_to_the_last(void **state)
{
    (void)state;
    CLEANUP_FREE char *path = in_dir("a/b/c");
    CLEANUP_FREE char *slash = in_dir("a/b/d/");
    CLEANUP_FREE char *file = in_dir("f");
    CLEANUP_FREE char *below = in_dir("f/g");
    assert_int_equal(fs_mkdirs(path, 0755), 0);
    assert_int_equal(fs_mkdirs(path, 0755), 0);
    assert_int_equal(fs_mkdirs(slash, 0755), 0);
    assert_true(fs_exists(path));
    assert_true(fs_exists(slash));
    assert_int_equal(fs_write_atomic(file, "", 0), 0);
    assert_int_equal(fs_mkdirs(below, 0755), -ENOTDIR);
}

static void a_link_gives_the_last_part_of_its_target(void **state)
{
    (void)state;
    CLEANUP_FREE char *path = in_dir("driver");
    assert_int_equal(symlink("../../../bus/pci/drivers/vfio-pci", path), 0);
    char name[16];
    assert_int_equal(fs_link_name(path, name, sizeof(name)), 0);
    assert_string_equal(name, "vfio-pci");
    assert_int_equal(fs_link_name(path, name, 8), -ENAMETOOLONG);
    assert_int_equal(fs_link_name(dir, name, sizeof(name)), -EINVAL);
}

static void a_listing_is_sorted(void **state)
{
    (void)state;
    static const char *const made[] = {"c", "a", "b10", "b2"};
    for (size_t i = 0; i < ARRAY_SIZE(made); i++) {
        CLEANUP_FREE char *path = in_dir(made[i]);
        assert_int_equal(fs_write_atomic(path, "", 0), 0);
    }
    CLEANUP_STRLIST struct strlist names = {0};
    assert_int_equal(fs_list(dir, &names), 0);
    assert_int_equal(names.n, 4);
    assert_string_equal(names.items[0], "a");
    assert_string_equal(names.items[1], "b10");
    assert_string_equal(names.items[3], "c");
    struct strlist none = {0};
    assert_int_equal(fs_list("/no/such/dir", &none), -ENOENT);
    assert_null(none.items);
}

static void removing_a_tree_does_not_follow_links(void **state)
{
    (void)state;
    CLEANUP_FREE char *kept = in_dir("kept");
    CLEANUP_FREE char *kept_file = in_dir("kept/f");
    CLEANUP_FREE char *tree = in_dir("tree");
    CLEANUP_FREE char *deep = in_dir("tree/a/b");
    CLEANUP_FREE char *deep_file = in_dir("tree/a/b/f");
    CLEANUP_FREE char *link = in_dir("tree/a/link");
    assert_int_equal(fs_mkdirs(kept, 0755), 0);
    assert_int_equal(fs_write_atomic(kept_file, "x", 1), 0);
    assert_int_equal(fs_mkdirs(deep, 0755), 0);
    assert_int_equal(fs_write_atomic(deep_file, "x", 1), 0);
    assert_int_equal(symlink(kept, link), 0);

    assert_int_equal(fs_remove_tree(tree), 0);
    assert_false(fs_exists(tree));
    assert_true(fs_exists(kept_file));
    assert_int_equal(fs_remove_tree(tree), -ENOENT);
    assert_int_equal(symlink(kept, tree), 0);
    assert_true(fs_remove_tree(tree) < 0); /* a link is no tree */
    assert_true(fs_exists(kept_file));
}

/* A FIFO, a device or a directory is read to its end, or given up; it never hangs. */
static void what_is_no_regular_file_is_read_within_bounds(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 1;
    int ends[2];
    char path[64];
    CLEANUP_FREE char *fifo = in_dir("fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(fs_read_input(fifo, 100, 1, &text, &len), 0); /* no program writes it */
    assert_int_equal(len, 0);
    free(text);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
    assert_int_equal(fs_read_input(path, 100, 1, &text, &len), -ETIMEDOUT);
    assert_int_equal(write(ends[1], "a: 1\n", 5), 5);
    close(ends[1]);
    assert_int_equal(fs_read_input(path, 100, 1, &text, &len), 0);
    assert_string_equal(text, "a: 1\n");
    free(text);
    close(ends[0]);
    assert_int_equal(fs_read_input(".", 100, 1, &text, &len), -EISDIR);
    assert_int_equal(fs_read_input("/dev/zero", 10000, 1, &text, &len), -EFBIG);
}

#define TEST_IN_DIR(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

static void directories_get_their_mode_whatever_the_umask(void **state)
{
    (void)state;
    CLEANUP_FREE char *outer = in_dir("a");
    CLEANUP_FREE char *inner = in_dir("a/b");
    mode_t before = umask(077);
    int r = fs_mkdirs(inner, 0755);
    umask(before);
    struct stat st;
    assert_int_equal(r, 0);
    assert_int_equal(stat(outer, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0755);
    assert_int_equal(stat(inner, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0755);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_DIR(what_is_no_regular_file_is_read_within_bounds),
        TEST_IN_DIR(what_is_written_is_read),
        TEST_IN_DIR(a_longer_file_than_allowed_is_refused),
        TEST_IN_DIR(a_failed_write_leaves_the_old_file_and_nothing_else),
        TEST_IN_DIR(an_attribute_is_never_created),
        TEST_IN_DIR(directories_are_made_down_to_the_last),
        TEST_IN_DIR(directories_get_their_mode_whatever_the_umask),
        TEST_IN_DIR(a_link_gives_the_last_part_of_its_target),
        TEST_IN_DIR(a_listing_is_sorted),
        TEST_IN_DIR(removing_a_tree_does_not_follow_links),
    };
    return cmocka_run_group_tests_name("fs", tests, NULL, NULL);
}
