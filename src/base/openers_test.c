/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/openers.h"
#include "test.h"

static char root[] = "/tmp/cleave-openers-XXXXXX";
static char proc[64];

static void put_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void add_process(unsigned pid, const char *name, const char *open_file)
{
    char line[64];
    char path[256];
    snprintf(path, sizeof(path), "%s/%u", proc, pid);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/%u/fd", proc, pid);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/%u/fd/3", proc, pid);
    assert_int_equal(symlink(open_file, path), 0);
    snprintf(path, sizeof(path), "%s/%u/comm", proc, pid);
    snprintf(line, sizeof(line), "%s\n", name);
    put_file(path, line);
}

static void add_information(const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", proc, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static int setup(void **state)
{
    (void)state;
    if (mkdtemp(root) == NULL) {
        return -1;
    }
    snprintf(proc, sizeof(proc), "%s/proc", root);
    if (mkdir(proc, 0700) != 0) {
        return -1;
    }
    add_information("driver");
    add_information("driver/nvidia");
    add_information("driver/nvidia/gpus");
    add_information("driver/nvidia/gpus/0000:41:00.0");
    char path[256];
    snprintf(path, sizeof(path), "%s/driver/nvidia/gpus/0000:41:00.0/information", proc);
    put_file(path, "Model: \t\t NVIDIA A100\nDevice Minor: \t 0\n");
    add_process(812, "nvidia-persistenced", "/dev/nvidia0");
    add_process(900, "agent\x1b[2J", "/dev/nvidia1");
    add_process(901, "ctl", "/dev/nvidiactl");
    add_process(902, "uvm", "/dev/nvidia-uvm");
    add_process(903, "file", "/home/nvidia0");
    add_process((unsigned)getpid(), "we", "/dev/nvidia0");
    return 0;
}

static void who_has_a_gpu_s_node_open_is_named(void **state)
{
    (void)state;
    CLEANUP_STRBUF struct strbuf names = {0};
    assert_int_equal(openers_of_gpu(root, "0000:41:00.0", 8, &names), 1);
    assert_string_equal(strbuf_str(&names), "nvidia-persistenced (PID 812)");
    CLEANUP_STRBUF struct strbuf any = {0};
    assert_int_equal(openers_of_gpu(root, "0000:42:00.0", 8, &any), 2);
    assert_null(strchr(strbuf_str(&any), '\x1b'));
    CLEANUP_STRBUF struct strbuf few = {0};
    assert_int_equal(openers_of_gpu(root, "0000:42:00.0", 1, &few), 2);
    assert_non_null(strstr(strbuf_str(&few), " and 1 more"));
}

static void where_nothing_can_be_seen_none_is_named(void **state)
{
    (void)state;
    CLEANUP_STRBUF struct strbuf names = {0};
    assert_int_equal(openers_of_gpu("/nonexistent", "0000:41:00.0", 8, &names), 0);
    assert_int_equal(names.len, 0);
}

/* ---- searches ---- */

static bool is_wanted(const char *path, const void *data)
{
    return strcmp(path, data) == 0;
}

static struct openers_search search_for(const char *path)
{
    return (struct openers_search){
        .proc = proc, .fits = is_wanted, .data = path, .budget_us = 10000000};
}

/* Behind `n` others, whatever the order of the directory. */
static void add_crowd(unsigned pid, const char *name, unsigned n, const char *open_file)
{
    char path[256];
    add_process(pid, name, open_file);
    for (unsigned i = 0; i < n; i++) {
        snprintf(path, sizeof(path), "%s/%u/fd/%u", proc, pid, 10 + i);
        assert_int_equal(symlink("/dev/null", path), 0);
    }
}

static void one_with_many_descriptors_is_looked_through_too(void **state)
{
    (void)state;
    add_crowd(2000, "crowd", 5 * OPENERS_SHARE, "/dev/vfio/7");
    CLEANUP_OPENERS struct openers_search search = search_for("/dev/vfio/7");
    assert_int_equal(openers_search(&search), 0);
    assert_int_equal(search.found.n, 1);
    assert_int_equal(search.found.items[0].pid, 2000);
    assert_string_equal(search.found.items[0].name, "crowd");
    assert_int_equal(search.n_unfinished, 0);
    CLEANUP_OPENERS struct openers_search none = search_for("/dev/vfio/8");
    assert_int_equal(openers_search(&none), 0);
    assert_int_equal(none.found.n, 0);
    assert_int_equal(none.n_unfinished, 0);
}

static void without_time_nothing_is_known(void **state)
{
    (void)state;
    CLEANUP_OPENERS struct openers_search search = search_for("/dev/vfio/8");
    search.budget_us = 0;
    assert_int_equal(openers_search(&search), 0);
    assert_int_equal(search.found.n, 0);
    assert_true(search.n_unfinished > 0);
    assert_true(search.unfinished.pid != 0);
}

static unsigned n_asked;
static unsigned at_wanted;

static bool count_asked(const char *path, const void *data)
{
    n_asked++;
    at_wanted = strcmp(path, data) == 0 ? n_asked : at_wanted;
    return false;
}

/* A user's, wherever it says it is; and what it is called says nothing. */
static void give_to_user(unsigned pid, const char *cgroup)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%u", proc, pid);
    assert_int_equal(chown(path, 1000, 1000), 0);
    snprintf(path, sizeof(path), "%s/%u/cgroup", proc, pid);
    put_file(path, cgroup);
}

static void count_for(const char *path)
{
    CLEANUP_OPENERS struct openers_search search = search_for(path);
    n_asked = 0;
    at_wanted = 0;
    search.fits = count_asked;
    assert_int_equal(openers_search(&search), 0);
    assert_int_equal(search.n_unfinished, 0);
    assert_true(n_asked > 20 * OPENERS_SHARE);
}

/* A VM's process, and a service's, is looked at whole before a user's; of the users' each gets a
 * share before one gets more. */
static void a_crowd_does_not_keep_the_others_from_being_seen(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("# skipped: only root can give a process to another user\n");
        return;
    }
    add_crowd(100, "qemu-system-x86", 20 * OPENERS_SHARE, "/dev/null"); /* the first of the list */
    give_to_user(100, "0::/user.slice/a:/machine.slice/b\n1:name=systemd:/user.slice\n");
    add_process(2999, "friend", "/dev/vfio/10");
    give_to_user(2999, "0::/user.slice/user-1000.slice\n");
    add_crowd(3000, "vm", 3 * OPENERS_SHARE, "/dev/vfio/9");
    give_to_user(3000, "0::/machine.slice/machine-qemu.scope\n");
    /* At most a share and then the whole of each of root's and the VM's, 2000 and 3000. */
    count_for("/dev/vfio/9");
    assert_true(at_wanted > 0 && at_wanted < 11 * OPENERS_SHARE);
    count_for("/dev/vfio/10");
    assert_true(at_wanted > 0 && at_wanted < 12 * OPENERS_SHARE);
}

static void a_process_with_all_the_descriptors_it_may_have_is_looked_at(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    int last = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int wanted = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    assert_true(last >= 0 && wanted >= 0);
    size_t n = 0;
    while (n < limit.rlim_cur && fcntl(last, F_DUPFD_CLOEXEC, 0) >= 0) {
        n++;
    }
    for (int fd = wanted + 1; fd < wanted + 16; fd++) { /* room for the search's own */
        (void)close(fd);
    }
    CLEANUP_OPENERS struct openers_search search = search_for("/dev/zero");
    search.proc = "/proc";
    search.max = 1;
    int r = openers_search(&search);
    bool found = search.found.n == 1;
    for (int fd = wanted + 16; (size_t)fd <= n + 16; fd++) {
        (void)close(fd);
    }
    (void)close(wanted);
    (void)close(last);
    assert_int_equal(r, 0);
    assert_true(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_has_a_gpu_s_node_open_is_named),
        cmocka_unit_test(where_nothing_can_be_seen_none_is_named),
        cmocka_unit_test(one_with_many_descriptors_is_looked_through_too),
        cmocka_unit_test(without_time_nothing_is_known),
        cmocka_unit_test(a_crowd_does_not_keep_the_others_from_being_seen),
        cmocka_unit_test(a_process_with_all_the_descriptors_it_may_have_is_looked_at),
    };
    return cmocka_run_group_tests_name("openers", tests, setup, NULL);
}
