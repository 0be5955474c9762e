/* SPDX-License-Identifier: Apache-2.0 */
#include "token/private_file.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "test.h"

/* A directory of its own for each test. */
struct place {
    char dir[32];
    char *file;
};

static void place_done(struct place *place)
{
    free(place->file);
    assert_int_equal(fs_remove_tree(place->dir), 0);
}

#define PLACE(name)                                                                                \
    CLEANUP(place_done) struct place name = {.dir = "/tmp/cleave-private-XXXXXX"};                 \
    assert_non_null(mkdtemp((name).dir));                                                          \
    (name).file = xasprintf("%s/x.iso", (name).dir)

#define CONTENT(name, text)                                                                        \
    CLEANUP_SECRET struct secret name = {0};                                                       \
    secret_init(&(name), strlen(text) + 1);                                                        \
    secret_add_text(&(name), text)

static void assert_holds(const char *path, const char *text)
{
    CLEANUP_FREE char *got = NULL;
    size_t len = 0;
    struct stat stat;
    assert_int_equal(fs_read(path, 4096, &got, &len), 0);
    assert_string_equal(got, text);
    assert_int_equal(lstat(path, &stat), 0);
    assert_int_equal(stat.st_mode & 07777, 0600);
}

static void assert_has_files(const char *dir, size_t n)
{
    CLEANUP_STRLIST struct strlist names = {0};
    assert_int_equal(fs_list(dir, &names), 0);
    assert_int_equal(names.n, n);
}

static void a_file_is_its_owners_whatever_the_umask(void **state)
{
    (void)state;
    PLACE(place);
    CONTENT(secret, "one");
    mode_t before = umask(0);
    assert_int_equal(private_file_write(place.file, &secret, PRIVATE_FILE_NEW, NULL), 0);
    (void)umask(0777);
    assert_int_equal(private_file_write(place.file, &secret, PRIVATE_FILE_REPLACE, NULL), 0);
    (void)umask(before);
    assert_holds(place.file, "one");
    assert_has_files(place.dir, 1);
}

static void a_file_that_is_there_is_replaced_on_request_alone(void **state)
{
    (void)state;
    PLACE(place);
    CONTENT(one, "one");
    CONTENT(two, "two");
    struct error err = {0};
    assert_int_equal(private_file_write(place.file, &one, PRIVATE_FILE_NEW, &err), 0);
    assert_int_equal(private_file_write(place.file, &two, PRIVATE_FILE_NEW, &err),
                     -REASON_CONFLICT);
    assert_holds(place.file, "one");
    assert_int_equal(private_file_write(place.file, &two, PRIVATE_FILE_REPLACE, &err), 0);
    assert_holds(place.file, "two");
    assert_has_files(place.dir, 1);
}

/* Neither a link nor what it points to changes, nor is a pipe or a directory replaced. */
static void what_is_no_file_is_left_alone(void **state)
{
    (void)state;
    PLACE(place);
    CONTENT(secret, "secret");
    CLEANUP_FREE char *target = xasprintf("%s/target", place.dir);
    CLEANUP_FREE char *dangling = xasprintf("%s/dangling", place.dir);
    CLEANUP_FREE char *pipe = xasprintf("%s/pipe", place.dir);
    CLEANUP_FREE char *dir = xasprintf("%s/dir", place.dir);
    assert_int_equal(fs_write_atomic(target, "kept", 4), 0);
    assert_int_equal(symlink("target", place.file), 0);
    assert_int_equal(symlink("nothing", dangling), 0);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_int_equal(mkdir(dir, 0700), 0);
    const char *const names[] = {place.file, dangling, pipe, dir};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        for (int mode = PRIVATE_FILE_NEW; mode <= PRIVATE_FILE_REPLACE; mode++) {
            assert_int_equal(
                private_file_write(names[i], &secret, (enum private_file_mode)mode, NULL),
                -REASON_CONFLICT);
        }
    }
    CLEANUP_FREE char *got = NULL;
    size_t len = 0;
    assert_int_equal(fs_read(target, 100, &got, &len), 0);
    assert_string_equal(got, "kept");
    assert_has_files(place.dir, 5);
}

static void a_write_that_fails_leaves_nothing(void **state)
{
    (void)state;
    PLACE(place);
    CONTENT(small, "one");
    CLEANUP_SECRET struct secret big = {0};
    struct rlimit before;
    struct error err = {0};
    secret_init(&big, 8193);
    memset(big.bytes, 'x', 8192);
    big.len = 8192;
    assert_int_equal(private_file_write(place.file, &small, PRIVATE_FILE_NEW, &err), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit limit = {.rlim_cur = 4096, .rlim_max = before.rlim_max};
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    int r = private_file_write(place.file, &big, PRIVATE_FILE_REPLACE, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(r < 0);
    assert_holds(place.file, "one");
    assert_has_files(place.dir, 1);
}

static void a_name_that_is_none_is_refused(void **state)
{
    (void)state;
    CONTENT(secret, "x");
    static const char *const names[] = {"", "/", ".", "..", "/tmp/", "/tmp/.", "/nowhere/x"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        assert_true(private_file_write(names[i], &secret, PRIVATE_FILE_REPLACE, NULL) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_its_owners_whatever_the_umask),
        cmocka_unit_test(a_file_that_is_there_is_replaced_on_request_alone),
        cmocka_unit_test(what_is_no_file_is_left_alone),
        cmocka_unit_test(a_write_that_fails_leaves_nothing),
        cmocka_unit_test(a_name_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
