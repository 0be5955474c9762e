/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/state_dir.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
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
    assert_non_null(strstr(err.message, "replaced after that one started"));
    closep(&first_path);
    assert_int_equal(state_dir_lock_path(path, &second_path, &err), 0);
}

#define OTHER_USER 65534
#define MAX_QUEUED 8

/* Connects to the lock of the path's name until its queue is full. */
static void fill_queue(const struct sockaddr_un *address, socklen_t len, int queued[MAX_QUEUED])
{
    int full = 0;
    for (size_t i = 0; i < MAX_QUEUED; i++) {
        queued[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (connect(queued[i], (const struct sockaddr *)address, len) != 0) {
            full = errno;
        }
    }
    assert_int_equal(full, EAGAIN);
}

static socklen_t lock_name(struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    int n = snprintf(address->sun_path + 1, sizeof(address->sun_path) - 1, "cleaved:%s", root);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

static void a_full_queue_hides_no_lock(void **state)
{
    (void)state;
    CLEANUP_CLOSE int first = -1;
    CLEANUP_CLOSE int second = -1;
    struct sockaddr_un address;
    socklen_t len = lock_name(&address);
    int queued[MAX_QUEUED];
    assert_int_equal(state_dir_lock_path(root, &first, NULL), 0);
    fill_queue(&address, len, queued);
    assert_int_equal(state_dir_lock_path(root, &second, NULL), -REASON_CONFLICT);
    for (size_t i = 0; i < MAX_QUEUED; i++) {
        closep(&queued[i]);
    }
}

static void another_user_keeps_no_cleaved_from_starting(void **state)
{
    (void)state;
    struct sockaddr_un address;
    socklen_t len = lock_name(&address);
    int queued[MAX_QUEUED];
    if (geteuid() != 0) {
        print_message("# skipped: only root can be another user\n");
        return;
    }
    assert_int_equal(seteuid(OTHER_USER), 0);
    CLEANUP_CLOSE int theirs = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int r = bind(theirs, (const struct sockaddr *)&address, len);
    r = r == 0 ? listen(theirs, 1) : r;
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(r, 0);
    CLEANUP_CLOSE int before = -1;
    CLEANUP_CLOSE int after = -1;
    assert_int_equal(state_dir_lock_path(root, &before, NULL), 0);
    fill_queue(&address, len, queued);
    assert_int_equal(state_dir_lock_path(root, &after, NULL), 0);
    for (size_t i = 0; i < MAX_QUEUED; i++) {
        closep(&queued[i]);
    }
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

/* Of every file that cleaved opens there: opening a FIFO never returns, reading a device never
 * ends.
 */
static void what_is_no_file_is_not_opened(void **state)
{
    static const char *const names[] = {"cleave.used",       "cleave.db",     "cleave.db-count",
                                        "cleave.db-journal", "cleave.db-shm", "cleave.db-wal"};
    (void)state;
    char path[96];
    struct error err = {0};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", root, names[i]);
        for (int kind = 0; kind < 3; kind++) {
            assert_int_equal(kind == 0   ? mkfifo(path, 0600)
                             : kind == 1 ? mkdir(path, 0700)
                                         : symlink("/dev/zero", path),
                             0);
            assert_int_equal(state_dir_check_files(root, &err), -REASON_CONFLICT);
            assert_non_null(strstr(err.message, path));
            assert_int_equal(remove(path), 0);
        }
        assert_int_equal(fs_write_atomic(path, "x", 1), 0);
        assert_int_equal(state_dir_check_files(root, &err), 0);
    }
}

static void a_directory_that_others_can_change_is_refused(void **state)
{
    (void)state;
    struct error err = {0};
    static const mode_t refused[] = {01777, 0777, 0770, 02770, 0720, 0702};
    assert_int_equal(chmod(root, 0755), 0);
    assert_int_equal(state_dir_check_files(root, &err), 0);
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        assert_int_equal(chmod(root, refused[i]), 0);
        assert_int_equal(state_dir_check_files(root, &err), -REASON_PERMISSION);
    }
    assert_int_equal(chmod(root, 0700), 0);
}

/* Runs the check as the user, of a directory with a database that the owners given have. */
static int check_as(uid_t user, uid_t owner_of_dir, uid_t owner_of_file, struct error *err)
{
    char path[96];
    char file[128];
    CLEANUP_CLOSE int fd = -1;
    snprintf(path, sizeof(path), "%s/owned", root);
    snprintf(file, sizeof(file), "%s/cleave.db", path);
    assert_int_equal(chmod(root, 0755), 0);
    assert_int_equal(fs_mkdirs(path, 0755), 0);
    assert_int_equal(fs_write_atomic(file, "x", 1), 0);
    assert_int_equal(chown(path, owner_of_dir, (gid_t)-1), 0);
    assert_int_equal(chown(file, owner_of_file, (gid_t)-1), 0);
    assert_int_equal(seteuid(user), 0);
    int r = state_dir_lock(path, &fd, err);
    r = r != 0 ? r : state_dir_check_files(path, err);
    assert_int_equal(seteuid(0), 0);
    return r;
}

static void what_another_user_owns_is_refused(void **state)
{
    enum { ROOT = 0, US = 12345, OTHER = 12346 };
    (void)state;
    static const struct {
        uid_t us, dir, file;
        bool fine;
    } rows[] = {
        {ROOT, ROOT, ROOT, true},     {US, US, US, true},     {US, ROOT, US, true},
        {US, US, ROOT, true},         {ROOT, US, US, false},  {ROOT, ROOT, OTHER, false},
        {US, OTHER, OTHER, false},    {US, US, OTHER, false}, {US, OTHER, US, false},
        {ROOT, OTHER_USER, 0, false},
    };
    if (geteuid() != 0) {
        skip();
    }
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct error err = {0};
        int r = check_as(rows[i].us, rows[i].dir, rows[i].file, &err);
        if (r != (rows[i].fine ? 0 : -REASON_PERMISSION)) {
            fail_msg("row %zu: %d %s", i, r, err.message);
        }
        if (r != 0) {
            uid_t owner = rows[i].dir != rows[i].us ? rows[i].dir : rows[i].file;
            char wanted[32];
            snprintf(wanted, sizeof(wanted), "(%u), and", (unsigned)owner);
            assert_non_null(strstr(err.message, wanted));
            assert_non_null(strstr(err.hint, "chown -R"));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_process_at_a_time_owns_the_directory, setup, teardown),
        cmocka_unit_test_setup_teardown(a_directory_made_again_is_still_anothers, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_queue_hides_no_lock, setup, teardown),
        cmocka_unit_test_setup_teardown(another_user_keeps_no_cleaved_from_starting, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            a_directory_that_lost_its_database_is_not_taken_for_a_new_one, setup, teardown),
        cmocka_unit_test_setup_teardown(the_directory_is_private, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_in_the_way_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_not_opened, setup, teardown),
        cmocka_unit_test_setup_teardown(a_directory_that_others_can_change_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_another_user_owns_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
