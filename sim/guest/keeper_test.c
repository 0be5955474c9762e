/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/guest/keeper.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "await.h"
#include "base/mem.h"
#include "base/str.h"
#include "test.h"

static struct kept_page device(const char *uuid)
{
    struct kept_page kept = {.fd = memfd_create("page", 0), .page = {.magic = GUEST_PAGE_MAGIC}};
    STR_SET(kept.page.uuid, uuid);
    assert_int_equal(ftruncate(kept.fd, GUEST_PAGE_BYTES), 0);
    return kept;
}

/* What a migration brings along: another device's page, and a guest that has lived a while. */
static void bring(const struct kept_page *kept)
{
    struct guest_page other = {.magic = GUEST_PAGE_MAGIC, .heartbeat = 42, .uuid = "other"};
    assert_int_equal(pwrite(kept->fd, &other, sizeof(other), 0), sizeof(other));
}

static struct guest_page read_page(const struct kept_page *kept)
{
    struct guest_page there = {0};
    assert_int_equal(pread(kept->fd, &there, sizeof(there), 0), sizeof(there));
    return there;
}

static void a_page_of_another_device_is_mended_and_the_heartbeat_stays(void **state)
{
    (void)state;
    struct kept_page kept = device("mine");
    bring(&kept);
    assert_true(keeper_mend(&kept));
    struct guest_page there = read_page(&kept);
    assert_string_equal(there.uuid, "mine");
    assert_int_equal(there.heartbeat, 42);
    assert_false(keeper_mend(&kept));
    close(kept.fd);
}

static bool is_mended(void *kept)
{
    return str_eq(read_page(kept).uuid, "mine");
}

static bool no_child_lives(void *data)
{
    (void)data;
    return waitpid(-1, NULL, WNOHANG) < 0;
}

static bool has_no_writer(void *fd)
{
    struct pollfd look = {.fd = *(const int *)fd};
    return poll(&look, 1, 0) == 1 && (look.revents & POLLHUP) != 0;
}

/* Of a pipe that its parent has closed; and once the parent is dead, this process inherits it. */
static void the_keeper_ends_with_its_parent_and_holds_none_of_its_pipes(void **state)
{
    (void)state;
    struct kept_page kept = device("mine");
    int pipe_fds[2];
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t parent = fork();
    if (parent == 0) {
        struct error err = {0};
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int r = keeper_start(&kept, 1, &err);
        close(pipe_fds[1]);
        _exit(r == 0 && pause() < 0 ? 0 : 1);
    }
    close(pipe_fds[1]);
    bring(&kept);
    assert_true(await(is_mended, &kept));
    assert_true(await(has_no_writer, &pipe_fds[0]));
    close(pipe_fds[0]);
    kill(parent, SIGKILL);
    waitpid(parent, NULL, 0);
    assert_true(await(no_child_lives, NULL));
    close(kept.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_of_another_device_is_mended_and_the_heartbeat_stays),
        cmocka_unit_test(the_keeper_ends_with_its_parent_and_holds_none_of_its_pipes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
