/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals before a reset, and how a dead function is recognised. That resets work is tested
 * on the simulated host, test/e2e/test_health.py. */
#include "test.h"

#include "base/str.h"
#include "driver/sysfs/reset.h"
#include "driver/sysfs/tree_fixture.h"

#define TREE() CLEANUP(tree_freep) struct tree_fixture *tree = tree_new()
#define GPU "0000:3b:00.0"

static struct pci_addr gpu(void)
{
    struct pci_addr addr;
    assert_true(pci_addr_parse(GPU, &addr));
    return addr;
}

static struct step step_of(enum step_kind kind)
{
    struct pci_addr addr = gpu();
    return step_make(kind, &addr);
}

static void put_config(const struct tree_fixture *tree, uint8_t vendor, uint8_t type, size_t len)
{
    char config[256] = {0};
    config[0] = config[1] = (char)vendor;
    config[0x0e] = (char)type;
    tree_put_bytes(tree, "sys/bus/pci/devices/" GPU "/config", config, len);
}

static void a_function_that_reads_as_ones_is_dead(void **state)
{
    (void)state;
    TREE();
    struct pci_addr addr = gpu();
    assert_false(reset_is_dead(&tree->sys, &addr)); /* no file: not known to be */
    put_config(tree, 0xff, 0xff, 256);
    assert_true(reset_is_dead(&tree->sys, &addr));
    put_config(tree, 0xff, 0x7f, 64); /* what an ordinary user may read */
    assert_true(reset_is_dead(&tree->sys, &addr));
    put_config(tree, 0xde, 0x80, 256);
    assert_false(reset_is_dead(&tree->sys, &addr));
    put_config(tree, 0xff, 0x00, 256);
    assert_false(reset_is_dead(&tree->sys, &addr));
    put_config(tree, 0xff, 0xff, 16);
    assert_false(reset_is_dead(&tree->sys, &addr));
}

static void the_kernel_s_ways_to_reset_are_read(void **state)
{
    (void)state;
    TREE();
    struct pci_addr addr = gpu();
    char methods[16];
    reset_read_methods(&tree->sys, &addr, methods, sizeof(methods));
    assert_string_equal(methods, "");
    tree_put_attr(tree, GPU, "reset", "");
    reset_read_methods(&tree->sys, &addr, methods, sizeof(methods));
    assert_string_equal(methods, "unknown");
    tree_put_attr(tree, GPU, "reset_method", "flr bus\n");
    reset_read_methods(&tree->sys, &addr, methods, sizeof(methods));
    assert_string_equal(methods, "flr bus");
}

static void a_gpu_without_a_reset_is_refused_and_a_reboot_named(void **state)
{
    (void)state;
    TREE();
    struct error err = {0};
    struct step step = step_of(STEP_GPU_RESET);
    assert_int_equal(reset_check_gpu(&tree->sys, &step, &err), -REASON_NOT_FOUND);
    tree_function(tree, GPU, "0x10de\n", "0x030200\n", "nvidia", 9);
    tree_put(tree, "proc/1/comm", "init\n");
    assert_int_equal(reset_check_gpu(&tree->sys, &step, &err), -REASON_UNSUPPORTED);
    assert_non_null(strstr(err.hint, "reboot the host"));
    tree_put_attr(tree, GPU, "reset", "");
    assert_int_equal(reset_check_gpu(&tree->sys, &step, &err), 0);
}

static void a_part_that_a_process_has_open_bars_reset_and_rescan(void **state)
{
    (void)state;
    TREE();
    struct error err = {0};
    tree_function(tree, GPU, "0x10de\n", "0x030200\n", "nvidia", 9);
    tree_function(tree, "0000:3b:00.4", "0x10de\n", "0x030200\n", "nvidia", 40);
    tree_link(tree, "sys/bus/pci/devices/" GPU "/virtfn0", "../0000:3b:00.4");
    tree_put_attr(tree, GPU, "sriov_numvfs", "1\n");
    tree_put_attr(tree, GPU, "reset", "");
    tree_put(tree, "proc/4711/comm", "qemu-system-x86\n");
    tree_link(tree, "proc/4711/fd/12", "/dev/vfio/40");
    static const enum step_kind kinds[] = {STEP_GPU_RESET, STEP_PCI_RESCAN};
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct step step = step_of(kinds[i]);
        err = (struct error){0};
        assert_int_equal(kinds[i] == STEP_GPU_RESET ? reset_check_gpu(&tree->sys, &step, &err)
                                                    : reset_check_rescan(&tree->sys, &step, &err),
                         -REASON_IN_USE);
        assert_non_null(strstr(err.message, "4711"));
    }
}

static void a_gpu_that_is_not_there_may_be_looked_for(void **state)
{
    (void)state;
    TREE();
    struct step step = step_of(STEP_PCI_RESCAN);
    assert_int_equal(reset_check_rescan(&tree->sys, &step, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_function_that_reads_as_ones_is_dead),
        cmocka_unit_test(the_kernel_s_ways_to_reset_are_read),
        cmocka_unit_test(a_gpu_without_a_reset_is_refused_and_a_reboot_named),
        cmocka_unit_test(a_part_that_a_process_has_open_bars_reset_and_rescan),
        cmocka_unit_test(a_gpu_that_is_not_there_may_be_looked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
