/* SPDX-License-Identifier: Apache-2.0 */
#include "api/socket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "test.h"

struct fixture {
    char dir[64];
    struct sockaddr_un addr; /* in it */
};

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){.addr.sun_family = AF_UNIX};
    STR_SET(f.dir, "/tmp/cleave-socket-XXXXXX");
    assert_non_null(mkdtemp(f.dir));
    snprintf(f.addr.sun_path, sizeof(f.addr.sun_path), "%s/s", f.dir);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    return fs_remove_tree(f->dir);
}

static int bind_there(const struct fixture *f, int type)
{
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&f->addr, sizeof(f->addr)), 0);
    return fd;
}

static void the_socket_is_for_its_owner_and_group(void **state)
{
    const struct fixture *f = *state;
    CLEANUP_CLOSE int fd = -1;
    struct stat st;
    assert_int_equal(socket_listen_unix(f->addr.sun_path, NULL, &fd, NULL), 0);
    assert_int_equal(stat(f->addr.sun_path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
}

static void a_socket_left_by_a_crash_is_replaced(void **state)
{
    const struct fixture *f = *state;
    close(bind_there(f, SOCK_STREAM));
    CLEANUP_CLOSE int fd = -1;
    assert_int_equal(socket_listen_unix(f->addr.sun_path, NULL, &fd, NULL), 0);
}

static void a_socket_that_is_served_stays(void **state)
{
    const struct fixture *f = *state;
    CLEANUP_CLOSE int other = bind_there(f, SOCK_STREAM);
    assert_int_equal(listen(other, 0), 0);
    /* The second finds the queue full. */
    for (int i = 0; i < 3; i++) {
        struct error err = {0};
        int fd = -1;
        assert_int_equal(socket_listen_unix(f->addr.sun_path, NULL, &fd, &err), -REASON_CONFLICT);
        assert_non_null(strstr(err.message, f->addr.sun_path));
        assert_true(fs_exists(f->addr.sun_path));
    }
}

static void a_socket_of_another_type_stays(void **state)
{
    const struct fixture *f = *state;
    CLEANUP_CLOSE int other = bind_there(f, SOCK_DGRAM);
    int fd = -1;
    assert_int_equal(socket_listen_unix(f->addr.sun_path, NULL, &fd, NULL), -REASON_CONFLICT);
    assert_true(fs_exists(f->addr.sun_path));
}

static void a_file_that_is_no_socket_stays(void **state)
{
    const struct fixture *f = *state;
    assert_int_equal(fs_write_atomic(f->addr.sun_path, "x", 1), 0);
    struct error err = {0};
    int fd = -1;
    assert_int_equal(socket_listen_unix(f->addr.sun_path, NULL, &fd, &err), -REASON_CONFLICT);
    assert_non_null(strstr(err.hint, "another socket"));
    assert_true(fs_exists(f->addr.sun_path));
}

static void only_the_kernel_says_who_is_root(void **state)
{
    const struct fixture *f = *state;
    CLEANUP_CLOSE int listening = -1;
    assert_int_equal(socket_listen_unix(f->addr.sun_path, NULL, &listening, NULL), 0);
    CLEANUP_CLOSE int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (const struct sockaddr *)&f->addr, sizeof(f->addr)), 0);
    CLEANUP_CLOSE int served = accept(listening, NULL, NULL);
    assert_int_equal(socket_user(served), geteuid());
    assert_int_equal(socket_user(-1), -1);
    CLEANUP_CLOSE int tcp = -1;
    assert_int_equal(socket_listen_tcp("127.0.0.1:0", &tcp, NULL), 0);
    assert_int_equal(socket_user(tcp), -1);
}

static void where_a_socket_listens_can_be_connected_to(void **state)
{
    (void)state;
    char served[SOCKET_ADDRESS_SIZE] = "";
    CLEANUP_CLOSE int first = -1;
    assert_int_equal(socket_listen_tcp("127.0.0.1:0", &first, NULL), 0);
    socket_address(first, served);
    assert_ptr_equal(strstr(served, "127.0.0.1:"), served);
    assert_string_not_equal(served, "127.0.0.1:0");
    struct error err = {0};
    int second = -1; /* the port is taken: it is the one that was named */
    assert_true(socket_listen_tcp(served, &second, &err) < 0);
    assert_non_null(strstr(err.message, served));
    close(TAKE_FD(first));
    assert_int_equal(socket_listen_tcp(served, &first, NULL), 0);
    assert_string_equal(socket_address(-1, served), "?:?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_socket_is_for_its_owner_and_group, setup, teardown),
        cmocka_unit_test_setup_teardown(a_socket_left_by_a_crash_is_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(a_socket_that_is_served_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(a_socket_of_another_type_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_no_socket_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(only_the_kernel_says_who_is_root, setup, teardown),
        cmocka_unit_test(where_a_socket_listens_can_be_connected_to),
    };
    return cmocka_run_group_tests_name("socket", tests, NULL, NULL);
}
