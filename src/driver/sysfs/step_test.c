/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals before anything is written. That steps work is tested on the simulated kernel,
 * test/sim/driver_test.c. */
#include "test.h"

#include "base/str.h"
#include "driver/sysfs/holder.h"
#include "driver/sysfs/sriov.h"
#include "driver/sysfs/sysfs_port.h"
#include "driver/sysfs/tree_fixture.h"

#define TREE() CLEANUP(tree_freep) struct tree_fixture *tree = tree_new()

static struct step step_of(enum step_kind kind, const char *bdf)
{
    struct pci_addr addr;
    assert_true(pci_addr_parse(bdf, &addr));
    return step_make(kind, &addr);
}

static int check(const struct tree_fixture *tree, const struct step *step, struct error *err)
{
    struct pci_port *port = sysfs_port_new(tree->sys.root, NULL);
    int r = port->ops->check(port, step, err);
    port->ops->free(port);
    return r;
}

static void put_gpu(const struct tree_fixture *tree)
{
    tree_function(tree, "0000:3b:00.0", "0x10de\n", "0x030200\n", "nvidia", 9);
    tree_put(tree, "sys/bus/pci/drivers/vfio-pci/bind", "");
    tree_put(tree, "sys/bus/pci/drivers/nvidia/bind", "");
}

static void a_group_member_with_a_host_driver_bars_passthrough(void **state)
{
    (void)state;
    TREE();
    put_gpu(tree);
    tree_function(tree, "0000:3b:00.1", "0x10de\n", "0x040300\n", "snd_hda_intel", 9);
    struct step step = step_of(STEP_BIND_VFIO, "0000:3b:00.0");
    struct error err = {0};
    assert_int_equal(check(tree, &step, &err), -REASON_CONFLICT);
    assert_non_null(strstr(err.message, "IOMMU group 9"));
    assert_non_null(strstr(err.message, "0000:3b:00.1"));
    assert_non_null(strstr(err.message, "snd_hda_intel"));
    assert_string_equal(err.subject, "gpu/0000:3b:00.0");
}

static void bridges_idle_functions_and_vfio_functions_may_share_the_group(void **state)
{
    (void)state;
    TREE();
    put_gpu(tree);
    tree_function(tree, "0000:3a:00.0", "0x8086\n", "0x060400\n", "pcieport", 9);
    tree_function(tree, "0000:3b:00.1", "0x10de\n", "0x040300\n", "vfio-pci", 9);
    tree_function(tree, "0000:3b:00.2", "0x10de\n", "0x0c0330\n", "", 9);
    struct step step = step_of(STEP_BIND_VFIO, "0000:3b:00.0");
    struct error err = {0};
    assert_int_equal(check(tree, &step, &err), 0);
}

static void a_member_of_unreadable_class_counts_as_a_device(void **state)
{
    (void)state;
    TREE();
    put_gpu(tree);
    tree_function(tree, "0000:3a:00.0", "0x8086\n", "garbage", "xhci_hcd", 9);
    struct step step = step_of(STEP_BIND_VFIO, "0000:3b:00.0");
    assert_int_equal(check(tree, &step, NULL), -REASON_CONFLICT);
}

static void passthrough_needs_an_iommu_and_the_driver(void **state)
{
    (void)state;
    TREE();
    tree_put_attr(tree, "0000:3b:00.0", "vendor", "0x10de\n");
    struct step step = step_of(STEP_BIND_VFIO, "0000:3b:00.0");
    struct error err = {0};
    assert_int_equal(check(tree, &step, &err), -REASON_UNAVAILABLE);
    assert_string_equal(err.hint, "modprobe vfio-pci");
    tree_put(tree, "sys/bus/pci/drivers/vfio-pci/bind", "");
    assert_int_equal(check(tree, &step, &err), -REASON_UNSUPPORTED);
    assert_non_null(strstr(err.hint, "intel_iommu=on"));
    step = step_of(STEP_BIND_VFIO, "0000:99:00.0");
    assert_int_equal(check(tree, &step, &err), -REASON_NOT_FOUND);
}

static void passthrough_needs_the_virtual_functions_gone(void **state)
{
    (void)state;
    TREE();
    put_gpu(tree);
    tree_put_attr(tree, "0000:3b:00.0", "sriov_numvfs", "32\n");
    struct step step = step_of(STEP_BIND_VFIO, "0000:3b:00.0");
    assert_int_equal(check(tree, &step, NULL), -REASON_CONFLICT);
}

static void a_busy_unbind_lock_is_reported_and_nothing_is_unbound(void **state)
{
    (void)state;
    TREE();
    put_gpu(tree);
    /* A plain file that keeps what is written would grant the lock; a directory can't. */
    tree_put(tree, "proc/driver/nvidia/gpus/0000:3b:00.0/unbindLock/x", "");
    struct pci_port *port = sysfs_port_new(tree->sys.root, NULL);
    struct step step = step_of(STEP_BIND_VFIO, "0000:3b:00.0");
    struct error err = {0};
    tree_put(tree, "sys/bus/pci/drivers/nvidia/unbind", "");
    assert_true(port->ops->apply(port, &step, &err) < 0);
    assert_non_null(strstr(err.message, "unbindLock"));
    port->ops->free(port);
    CLEANUP_FREE char *path = xasprintf("%s/sys/bus/pci/drivers/nvidia/unbind", tree->sys.root);
    CLEANUP_FREE char *text = NULL;
    assert_int_equal(fs_read(path, 100, &text, NULL), 0);
    assert_string_equal(text, "");
}

static void put_tool(const struct tree_fixture *tree, const char *script)
{
    CLEANUP_FREE char *path = xasprintf("%s/usr/lib/nvidia/sriov-manage", tree->sys.root);
    tree_put(tree, "usr/lib/nvidia/sriov-manage", script);
    assert_int_equal(chmod(path, 0755), 0);
}

static void virtual_functions_need_sriov_the_driver_and_the_tool(void **state)
{
    (void)state;
    TREE();
    put_gpu(tree);
    struct step step = step_of(STEP_SRIOV_ENABLE, "0000:3b:00.0");
    struct error err = {0};
    assert_int_equal(check(tree, &step, &err), -REASON_UNSUPPORTED);
    tree_put_attr(tree, "0000:3b:00.0", "sriov_totalvfs", "32\n");
    tree_put_attr(tree, "0000:3b:00.0", "sriov_numvfs", "0\n");
    assert_int_equal(check(tree, &step, &err), -REASON_UNSUPPORTED);
    assert_non_null(strstr(err.message, "sriov-manage"));
    put_tool(tree, "#!/bin/sh\n");
    assert_int_equal(check(tree, &step, &err), 0);
    step = step_of(STEP_SRIOV_ENABLE, "0000:99:00.0");
    assert_int_equal(check(tree, &step, &err), -REASON_NOT_FOUND);
}

static void a_lasting_lock_and_a_failing_tool_are_distinguished(void **state)
{
    (void)state;
    TREE();
    put_gpu(tree);
    tree_put_attr(tree, "0000:3b:00.0", "sriov_totalvfs", "32\n");
    tree_put_attr(tree, "0000:3b:00.0", "sriov_numvfs", "0\n");
    struct step step = step_of(STEP_SRIOV_ENABLE, "0000:3b:00.0");
    struct error err = {0};
    put_tool(tree, "#!/bin/sh\necho \"Cannot obtain unbindLock for $2\" >&2\n");
    assert_int_equal(sriov_enable(&tree->sys, &step, &err), -REASON_IN_USE);
    assert_non_null(strstr(err.hint, "persistenced"));
    put_tool(tree, "#!/bin/sh\necho 'something else'\nexit 3\n");
    assert_int_equal(sriov_enable(&tree->sys, &step, &err), -REASON_DRIVER);
    assert_non_null(strstr(err.message, "status 3: something else"));
}

static void a_vf_with_a_vgpu_is_not_disabled(void **state)
{
    (void)state;
    TREE();
    put_gpu(tree);
    put_tool(tree, "#!/bin/sh\n");
    tree_put_attr(tree, "0000:3b:00.0", "sriov_totalvfs", "32\n");
    tree_put_attr(tree, "0000:3b:00.0", "sriov_numvfs", "1\n");
    tree_link(tree, "sys/bus/pci/devices/0000:3b:00.0/virtfn0", "../0000:3b:00.4");
    tree_put_attr(tree, "0000:3b:00.4", "nvidia/current_vgpu_type", "1152\n");
    struct step step = step_of(STEP_SRIOV_DISABLE, "0000:3b:00.0");
    struct error err = {0};
    assert_int_equal(check(tree, &step, &err), -REASON_IN_USE);
    assert_non_null(strstr(err.message, "0000:3b:00.4"));
    tree_put_attr(tree, "0000:3b:00.4", "nvidia/current_vgpu_type", "0\n");
    assert_int_equal(check(tree, &step, &err), 0);
    CLEANUP_FREE char *path =
        xasprintf("%s/sys/bus/pci/devices/0000:3b:00.4/nvidia/current_vgpu_type", tree->sys.root);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(fs_mkdirs(path, 0755), 0);
    assert_true(check(tree, &step, &err) < 0); /* what can't be read may be a vGPU */
    assert_non_null(strstr(err.message, "cannot read which vGPUs 0000:3b:00.4 carries"));
}

static struct step vgpu_step(enum step_kind kind, const char *type)
{
    struct step step = step_of(kind, "0000:3b:00.0");
    assert_true(pci_addr_parse("0000:3b:00.4", &step.device));
    STR_SET(step.type, type);
    return step;
}

static void a_vgpu_needs_a_vf_that_offers_its_type(void **state)
{
    (void)state;
    TREE();
    put_gpu(tree);
    struct step step = vgpu_step(STEP_VGPU_CREATE, "L40S-8Q");
    struct error err = {0};
    assert_int_equal(check(tree, &step, &err), -REASON_NOT_FOUND);
    tree_function(tree, "0000:3b:00.4", "0x10de\n", "0x030200\n", "nouveau", 50);
    assert_int_equal(check(tree, &step, &err), -REASON_UNSUPPORTED);
    assert_non_null(strstr(err.message, "nouveau"));
    tree_put_attr(tree, "0000:3b:00.4", "nvidia/current_vgpu_type", "0\n");
    tree_put_attr(tree, "0000:3b:00.4", "nvidia/creatable_vgpu_types", "1154 : NVIDIA L40S-16Q\n");
    assert_int_equal(check(tree, &step, &err), -REASON_NO_CAPACITY);
    assert_non_null(strstr(err.hint, "L40S-16Q"));
    tree_put_attr(tree, "0000:3b:00.4", "nvidia/creatable_vgpu_types", "");
    assert_int_equal(check(tree, &step, &err), -REASON_NO_CAPACITY);
    tree_put_attr(tree, "0000:3b:00.4", "nvidia/creatable_vgpu_types", "NVIDIA L40S-8Q 1152\n");
    assert_int_equal(check(tree, &step, &err), 0);
    tree_put_attr(tree, "0000:3b:00.4", "nvidia/current_vgpu_type", "1154\n");
    assert_int_equal(check(tree, &step, &err), -REASON_CONFLICT);
}

static void a_vf_in_other_hands_is_not_cleared(void **state)
{
    (void)state;
    TREE();
    put_gpu(tree);
    struct step step = vgpu_step(STEP_VGPU_DELETE, "L40S-8Q");
    step.type_id = 1152;
    assert_int_equal(check(tree, &step, NULL), 0); /* gone with its VF */
    tree_function(tree, "0000:3b:00.4", "0x10de\n", "0x030200\n", "nvidia", 50);
    assert_int_equal(check(tree, &step, NULL), 0); /* no vGPU interface, no vGPU */
    tree_put_attr(tree, "0000:3b:00.4", "nvidia/current_vgpu_type", "1154\n");
    assert_int_equal(check(tree, &step, NULL), -REASON_CONFLICT);
    tree_put_attr(tree, "0000:3b:00.4", "nvidia/current_vgpu_type", "1152\n");
    tree_put(tree, "proc/77/comm", "qemu-system-x86\n");
    assert_int_equal(check(tree, &step, NULL), 0);
    tree_link(tree, "proc/77/fd/12", "/dev/vfio/50");
    struct error err = {0};
    assert_int_equal(check(tree, &step, &err), -REASON_IN_USE);
    assert_non_null(strstr(err.message, "process 77 (qemu-system-x86) has 0000:3b:00.4 open"));
}

/* A virtual function, and a process with more files open than there is time for. */
static void add_function_and_hoarder(const struct tree_fixture *tree)
{
    tree_function(tree, "0000:3b:00.4", "0x10de\n", "0x030200\n", "nvidia", 50);
    tree_put(tree, "proc/77/comm", "hoarder\n");
    tree_link(tree, "proc/77/fd/12", "/dev/null");
}

/* The program that it might be could not be looked at in time. */
static void what_is_not_known_to_be_free_is_not_taken_away(void **state)
{
    (void)state;
    TREE();
    put_gpu(tree);
    struct pci_addr vf;
    assert_true(pci_addr_parse("0000:3b:00.4", &vf));
    add_function_and_hoarder(tree);
    struct error err = {0};
    assert_int_equal(holder_check(&tree->sys, &vf, "function/0000:3b:00.4", &err), 0);
    tree->sys.holder_budget_us = 0;
    assert_int_equal(holder_check(&tree->sys, &vf, "function/0000:3b:00.4", &err),
                     -REASON_UNAVAILABLE);
    assert_non_null(strstr(err.message, "is unknown"));
    assert_non_null(strstr(err.message, "hoarder (PID 77)"));
}

/* However many files any process has open: the group's node can be opened. */
static void what_the_kernel_says_to_be_free_is(void **state)
{
    (void)state;
    TREE();
    struct pci_addr vf;
    assert_true(pci_addr_parse("0000:3b:00.4", &vf));
    add_function_and_hoarder(tree);
    tree->sys.holder_budget_us = 0;
    struct error err = {0};
    const char *subject = "function/0000:3b:00.4";
    tree_put(tree, "dev/vfio/50", "");
    assert_int_equal(holder_check(&tree->sys, &vf, subject, &err), 0);
    /* Its own node, which more than one process may open, changes nothing. */
    tree_put_attr(tree, "0000:3b:00.4", "vfio-dev/vfio3/dev", "511:3\n");
    tree_put(tree, "dev/vfio/devices/vfio3", "");
    assert_int_equal(holder_check(&tree->sys, &vf, subject, &err), 0);
    /* But one that has it open is found. */
    tree->sys.holder_budget_us = SYSFS_HOLDER_BUDGET_US;
    tree_link(tree, "proc/77/fd/13", "/dev/vfio/devices/vfio3");
    assert_int_equal(holder_check(&tree->sys, &vf, subject, &err), -REASON_IN_USE);
    assert_non_null(strstr(err.message, "process 77 (hoarder)"));
}

/* No function of the group is on VFIO, or the kernel has no groups. */
static void a_group_without_a_node_is_free_unless_its_functions_have_their_own(void **state)
{
    (void)state;
    TREE();
    struct pci_addr vf;
    assert_true(pci_addr_parse("0000:3b:00.4", &vf));
    add_function_and_hoarder(tree);
    tree_put(tree, "dev/vfio/vfio", "");
    tree->sys.holder_budget_us = 0;
    struct error err = {0};
    const char *subject = "function/0000:3b:00.4";
    assert_int_equal(holder_check(&tree->sys, &vf, subject, &err), 0);
    tree_put(tree, "dev/vfio/noiommu-50", "");
    assert_int_equal(holder_check(&tree->sys, &vf, subject, &err), 0);
    tree_put_attr(tree, "0000:3b:00.4", "vfio-dev/vfio3/dev", "511:3\n");
    assert_int_equal(holder_check(&tree->sys, &vf, subject, &err), 0);
    CLEANUP_FREE char *node = xasprintf("%s/dev/vfio/noiommu-50", tree->sys.root);
    assert_int_equal(unlink(node), 0);
    assert_int_equal(holder_check(&tree->sys, &vf, subject, &err), -REASON_UNAVAILABLE);
    assert_non_null(strstr(err.message, "the kernel can't say"));
}

static void an_mdev_that_a_process_has_open_is_not_deleted(void **state)
{
    (void)state;
    static const char uuid[] = "c2177883-f1bb-47f0-914d-32a22e3a8804";
    TREE();
    put_gpu(tree);
    struct step step = vgpu_step(STEP_VGPU_DELETE, "A2-4A");
    STR_SET(step.mdev_uuid, uuid);
    step.device = step.gpu;
    tree_put(tree,
             "sys/bus/pci/devices/0000:3b:00.0/c2177883-f1bb-47f0-914d-32a22e3a8804/"
             "nvidia/vgpu_params",
             "");
    tree_link(tree,
              "sys/bus/pci/devices/0000:3b:00.0/c2177883-f1bb-47f0-914d-32a22e3a8804/"
              "mdev_type",
              "../mdev_supported_types/nvidia-742");
    tree_link(tree,
              "sys/bus/pci/devices/0000:3b:00.0/c2177883-f1bb-47f0-914d-32a22e3a8804/"
              "iommu_group",
              "../../../../kernel/iommu_groups/51");
    tree_put_attr(tree, "0000:3b:00.0", "mdev_supported_types/nvidia-742/name", "NVIDIA A2-4A\n");
    tree_link(tree, "sys/bus/mdev/devices/c2177883-f1bb-47f0-914d-32a22e3a8804",
              "../../pci/devices/0000:3b:00.0/c2177883-f1bb-47f0-914d-32a22e3a8804");
    tree_put(tree, "proc/77/comm", "qemu-system-x86\n");
    tree_link(tree, "proc/77/fd/11", "/dev/vfio/9"); /* another's group */
    assert_int_equal(check(tree, &step, NULL), 0);
    tree_link(tree, "proc/77/fd/12", "/dev/vfio/51");
    struct error err = {0};
    assert_int_equal(check(tree, &step, &err), -REASON_IN_USE);
    assert_non_null(strstr(err.message, "process 77 (qemu-system-x86) has c2177883-"));
}

static void an_mdev_needs_a_proper_uuid(void **state)
{
    (void)state;
    TREE();
    put_gpu(tree);
    struct step step = vgpu_step(STEP_VGPU_CREATE, "A2-4A");
    STR_SET(step.mdev_uuid, "../../remove");
    assert_int_equal(check(tree, &step, NULL), -REASON_INVALID);
    step.kind = STEP_VGPU_DELETE;
    assert_int_equal(check(tree, &step, NULL), -REASON_INVALID);
}

static void steps_of_other_ports_are_a_bug(void **state)
{
    (void)state;
    TREE();
    struct step step = step_of(STEP_GI_CREATE, "0000:3b:00.0");
    assert_int_equal(check(tree, &step, NULL), -REASON_INTERNAL);
}

static void a_failed_write_names_file_value_and_reason(void **state)
{
    (void)state;
    TREE();
    put_gpu(tree);
    struct pci_port *port = sysfs_port_new(tree->sys.root, NULL);
    struct step step = step_of(STEP_BIND_VFIO, "0000:3b:00.0");
    struct error err = {0};
    /* no drivers/nvidia/unbind in this tree */
    assert_int_equal(port->ops->apply(port, &step, &err), -REASON_NOT_FOUND);
    port->ops->free(port);
    assert_non_null(strstr(err.message, "0000:3b:00.0"));
    assert_non_null(strstr(err.message, "/sys/bus/pci/drivers/nvidia/unbind"));
    assert_non_null(strstr(err.message, "No such file"));
}

/* The kernel would wait for its user, and have the device pulled out of the VM. */
static void a_gpu_that_a_process_has_open_is_not_unbound(void **state)
{
    (void)state;
    static const char *const nodes[] = {"/dev/vfio/9", "/dev/vfio/devices/vfio3",
                                        "/dev/vfio/noiommu-9"};
    for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
        TREE();
        tree_function(tree, "0000:3b:00.0", "0x10de\n", "0x030200\n", "vfio-pci", 9);
        tree_put_attr(tree, "0000:3b:00.0", "vfio-dev/vfio3/dev", "511:3\n");
        tree_put(tree, "sys/bus/pci/drivers/nvidia/bind", "");
        tree_put(tree, "sys/bus/pci/drivers/vfio-pci/unbind", "");
        tree_put(tree, "proc/7/comm", "bash\n");
        tree_link(tree, "proc/7/fd/0", "/dev/vfio/99");
        tree_put(tree, "proc/77/comm", "qemu-system-x86\n");
        struct step step = step_of(STEP_BIND_NVIDIA, "0000:3b:00.0");
        assert_int_equal(check(tree, &step, NULL), 0);
        tree_link(tree, "proc/77/fd/12", nodes[i]);
        struct error err = {0};
        assert_int_equal(check(tree, &step, &err), -REASON_IN_USE);
        assert_non_null(strstr(err.message, "process 77 (qemu-system-x86) has 0000:3b:00.0 open"));
    }
}

static void another_vendors_virtual_functions_are_written_to_the_kernel(void **state)
{
    (void)state;
    TREE();
    tree_function(tree, "0000:03:00.0", "0x1002\n", "0x030000\n", "amdgpu", 9);
    tree_put_attr(tree, "0000:03:00.0", "sriov_totalvfs", "4\n");
    tree_put_attr(tree, "0000:03:00.0", "sriov_numvfs", "4\n");
    struct pci_port *port = sysfs_port_new(tree->sys.root, NULL);
    struct step step = step_of(STEP_SRIOV_DISABLE, "0000:03:00.0");
    struct error err = {0};
    assert_int_equal(port->ops->check(port, &step, &err), 0);
    assert_int_equal(port->ops->apply(port, &step, &err), 0);
    port->ops->free(port);
    struct sysfs_path file =
        sysfs_path(&tree->sys, "/sys/bus/pci/devices/0000:03:00.0/sriov_numvfs");
    uint32_t count = 1;
    assert_int_equal(sysfs_read_u32(&file, &count), 0);
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_member_with_a_host_driver_bars_passthrough),
        cmocka_unit_test(bridges_idle_functions_and_vfio_functions_may_share_the_group),
        cmocka_unit_test(a_member_of_unreadable_class_counts_as_a_device),
        cmocka_unit_test(passthrough_needs_an_iommu_and_the_driver),
        cmocka_unit_test(passthrough_needs_the_virtual_functions_gone),
        cmocka_unit_test(a_busy_unbind_lock_is_reported_and_nothing_is_unbound),
        cmocka_unit_test(virtual_functions_need_sriov_the_driver_and_the_tool),
        cmocka_unit_test(a_lasting_lock_and_a_failing_tool_are_distinguished),
        cmocka_unit_test(a_vf_with_a_vgpu_is_not_disabled),
        cmocka_unit_test(a_vgpu_needs_a_vf_that_offers_its_type),
        cmocka_unit_test(a_vf_in_other_hands_is_not_cleared),
        cmocka_unit_test(an_mdev_needs_a_proper_uuid),
        cmocka_unit_test(what_is_not_known_to_be_free_is_not_taken_away),
        cmocka_unit_test(what_the_kernel_says_to_be_free_is),
        cmocka_unit_test(a_group_without_a_node_is_free_unless_its_functions_have_their_own),
        cmocka_unit_test(an_mdev_that_a_process_has_open_is_not_deleted),
        cmocka_unit_test(a_gpu_that_a_process_has_open_is_not_unbound),
        cmocka_unit_test(another_vendors_virtual_functions_are_written_to_the_kernel),
        cmocka_unit_test(steps_of_other_ports_are_a_bug),
        cmocka_unit_test(a_failed_write_names_file_value_and_reason),
    };
    return cmocka_run_group_tests_name("sysfs step", tests, NULL, NULL);
}
