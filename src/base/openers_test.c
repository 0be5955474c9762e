/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/openers.h"
#include "test.h"

static char root[] = "/tmp/cleave-openers-XXXXXX";
static char proc[64];

static void add_process(unsigned pid, const char *name, const char *open_file)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%u", proc, pid);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/%u/fd", proc, pid);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/%u/fd/3", proc, pid);
    assert_int_equal(symlink(open_file, path), 0);
    snprintf(path, sizeof(path), "%s/%u/comm", proc, pid);
    FILE *comm = fopen(path, "we");
    assert_non_null(comm);
    fprintf(comm, "%s\n", name);
    assert_int_equal(fclose(comm), 0);
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
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fprintf(file, "Model: \t\t NVIDIA A100\nDevice Minor: \t 0\n");
    assert_int_equal(fclose(file), 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_has_a_gpu_s_node_open_is_named),
        cmocka_unit_test(where_nothing_can_be_seen_none_is_named),
    };
    return cmocka_run_group_tests_name("openers", tests, setup, NULL);
}
