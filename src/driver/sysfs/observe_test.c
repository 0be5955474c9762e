/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/str.h"
#include "driver/sysfs/sysfs_port.h"
#include "driver/sysfs/tree_fixture.h"

#define TREE() CLEANUP(tree_freep) struct tree_fixture *tree = tree_new()

static struct host *observe(const struct tree_fixture *tree)
{
    struct pci_port *port = sysfs_port_new(tree->sys.root, NULL);
    struct host *host = host_new();
    struct error err = {0};
    assert_int_equal(port->ops->observe(port, host, &err), 0);
    port->ops->free(port);
    return host;
}
#define OBSERVE(tree) CLEANUP(host_freep) struct host *host = observe(tree)

static void put_pf(const struct tree_fixture *tree, const char *bdf, const char *driver,
                   unsigned group)
{
    tree_function(tree, bdf, "0x10de\n", "0x030200\n", driver, group);
    tree_put_attr(tree, bdf, "device", "0x26b9\n");
    tree_put_attr(tree, bdf, "subsystem_device", "0x1851\n");
    tree_put_attr(tree, bdf, "numa_node", "1\n");
}

/* An L40S with two of 32 VFs as a vendor-VFIO host shows them. */
static void put_l40s(const struct tree_fixture *tree)
{
    put_pf(tree, "0000:26:00.0", "nvidia", 40);
    tree_put_attr(tree, "0000:26:00.0", "sriov_totalvfs", "32\n");
    tree_put_attr(tree, "0000:26:00.0", "sriov_numvfs", "2\n");
    tree_put_attr(tree, "0000:26:00.0", "sriov_offset", "4\n");
    tree_put_attr(tree, "0000:26:00.0", "sriov_stride", "1\n");
    for (int i = 0; i < 2; i++) {
        CLEANUP_FREE char *vf = xasprintf("0000:26:00.%d", 4 + i);
        CLEANUP_FREE char *link = xasprintf("sys/bus/pci/devices/0000:26:00.0/virtfn%d", i);
        CLEANUP_FREE char *target = xasprintf("../%s", vf);
        tree_function(tree, vf, "0x10de\n", "0x030200\n", "nvidia", 50 + (unsigned)i);
        tree_link(tree, link, target);
        CLEANUP_FREE char *physfn = xasprintf("sys/bus/pci/devices/%s/physfn", vf);
        tree_link(tree, physfn, "../0000:26:00.0");
        tree_put_attr(tree, vf, "nvidia/creatable_vgpu_types",
                      i == 0 ? "ID    : vGPU Name\n1145  : NVIDIA L40S-1B\n1152  : NVIDIA L40S-8Q\n"
                             : "");
        tree_put_attr(tree, vf, "nvidia/current_vgpu_type", i == 0 ? "0\n" : "1152\n");
        tree_put_attr(tree, vf, "nvidia/gpu_instance_id", i == 0 ? "" : "Not Applicable\n");
        tree_put_attr(tree, vf, "nvidia/placement_id", i == 0 ? "" : "16\n");
        tree_put_attr(tree, vf, "nvidia/vgpu_params", "");
    }
}

static void the_large_bars_of_a_gpu_are_summed(void **state)
{
    (void)state;
    static const char bar0[] = "0x00000000d2000000 0x00000000d2ffffff 0x0000000000040200\n";
    static const char bar1[] = "0x0000380000000000 0x0000380fffffffff 0x000000000014220c\n";
    static const char bar3[] = "0x0000381000000000 0x0000381001ffffff 0x000000000014220c\n";
    static const char none[] = "0x0000000000000000 0x0000000000000000 0x0000000000000000\n";
    static const struct {
        const char *lines[8];
        uint64_t sum;
    } rows[] = {
        /* The seventh line is the ROM's, then come the VFs'. */
        {{bar0, bar1, none, bar3, none, none, none, bar1}, (64ULL << 30) + (32 << 20)},
        {{bar0, none, none, none, none, none, "", ""}, 0},
        {{bar0, bar1, none, "", "", "", "", ""}, 0}, /* cut off */
        {{"0x0 0x1\n", bar1, none, bar3, none, none, none, none}, 0},
        {{"12 0x1 0x2\n", bar1, none, bar3, none, none, none, none}, 0},
        {{"0x0 0xffffffffffffffff 0x100000\n", none, none, none, none, none, "", ""}, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        TREE();
        struct strbuf text = {0};
        put_pf(tree, "0000:26:00.0", "nvidia", 40);
        for (size_t line = 0; line < ARRAY_SIZE(rows[i].lines); line++) {
            strbuf_add(&text, rows[i].lines[line]);
        }
        tree_put_attr(tree, "0000:26:00.0", "resource", strbuf_str(&text));
        strbuf_done(&text);
        OBSERVE(tree);
        if (host->gpus.items[0].mmio_bytes != rows[i].sum) {
            fail_msg("row %zu: %llu", i, (unsigned long long)host->gpus.items[0].mmio_bytes);
        }
    }
}

static void a_vendor_vfio_gpu_is_observed(void **state)
{
    (void)state;
    TREE();
    put_l40s(tree);
    OBSERVE(tree);
    assert_string_equal(host->pci_problem, "");
    assert_int_equal(host->gpus.n, 1);
    const struct gpu *gpu = &host->gpus.items[0];
    assert_int_equal(gpu->pci_id, 0x26b9);
    assert_int_equal(gpu->pci_subsystem_id, 0x1851);
    assert_int_equal(gpu->numa_node, 1);
    assert_string_equal(gpu->driver, "nvidia");
    assert_int_equal(gpu->iommu_group, 40);
    assert_int_equal(gpu->group_members.n, 0);
    assert_int_equal(gpu->vfs_total, 32);
    assert_int_equal(gpu->vfs_enabled, 2);
    assert_int_equal(gpu->vf_offset, 4);
    assert_int_equal(gpu->vf_stride, 1);
    assert_int_equal(gpu->iface, VGPU_IFACE_VENDOR_VFIO);
    assert_int_equal(gpu->vfs.n, 2);
    assert_int_equal(gpu->vfs.items[0].offers.n, 2);
    assert_int_equal(gpu->vfs.items[1].offers.n, 0);
    assert_int_equal(gpu->vfs.items[1].iommu_group, 51);
    assert_int_equal(gpu->vgpus.n, 1);
    assert_int_equal(gpu->vgpus.items[0].type_id, 1152);
    assert_string_equal(gpu->vgpus.items[0].type, "L40S-8Q");
    assert_int_equal(gpu->vgpus.items[0].gi_id, NO_ID);
    assert_int_equal(gpu->vgpus.items[0].placement_id, 16);
    assert_int_equal(gpu->vgpus.items[0].vf.function, 5);
}

static void a_type_keeps_its_name_when_nothing_is_offered_any_more(void **state)
{
    (void)state;
    TREE();
    put_l40s(tree);
    struct pci_port *port = sysfs_port_new(tree->sys.root, NULL);
    CLEANUP(host_freep) struct host *first = host_new();
    CLEANUP(host_freep) struct host *second = host_new();
    assert_int_equal(port->ops->observe(port, first, NULL), 0);
    tree_put_attr(tree, "0000:26:00.4", "nvidia/creatable_vgpu_types", "");
    assert_int_equal(port->ops->observe(port, second, NULL), 0);
    port->ops->free(port);
    assert_string_equal(second->gpus.items[0].vgpus.items[0].type, "L40S-8Q");
}

/* An A2 VF with mdev types, one in use. */
static void put_a2(const struct tree_fixture *tree)
{
    put_pf(tree, "0000:08:00.0", "nvidia", 20);
    tree_put_attr(tree, "0000:08:00.0", "sriov_totalvfs", "16\n");
    tree_put_attr(tree, "0000:08:00.0", "sriov_numvfs", "1\n");
    tree_link(tree, "sys/bus/pci/devices/0000:08:00.0/virtfn0", "../0000:08:01.7");
    tree_function(tree, "0000:08:01.7", "0x10de\n", "0x030200\n", "nvidia", 21);
    tree_link(tree, "sys/bus/pci/devices/0000:08:01.7/physfn", "../0000:08:00.0");
    static const struct {
        const char *file, *text;
    } files[] = {
        {"nvidia-750/name", "NVIDIA A2-2A\n"}, {"nvidia-750/available_instances", "0\n"},
        {"nvidia-751/name", "NVIDIA A2-4A\n"}, {"nvidia-751/available_instances", "1\n"},
        {"i915-GVTg_V5_4/name", "other\n"},    {"nvidia-xyz/name", "other\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        CLEANUP_FREE char *file = xasprintf("mdev_supported_types/%s", files[i].file);
        tree_put_attr(tree, "0000:08:01.7", file, files[i].text);
    }
    tree_put_attr(tree, "0000:08:01.7", "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001/nvidia/placement_id",
                  "Not Applicable\n");
    tree_link(tree,
              "sys/bus/pci/devices/0000:08:01.7/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001/mdev_type",
              "../mdev_supported_types/nvidia-751");
    tree_link(tree, "sys/bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001",
              "../../pci/devices/0000:08:01.7/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001");
}

static void an_mdev_gpu_is_observed(void **state)
{
    (void)state;
    TREE();
    put_a2(tree);
    OBSERVE(tree);
    assert_int_equal(host->gpus.n, 1);
    const struct gpu *gpu = &host->gpus.items[0];
    assert_int_equal(gpu->iface, VGPU_IFACE_MDEV);
    assert_int_equal(gpu->vfs.n, 1);
    assert_int_equal(gpu->vfs.items[0].offers.n, 2);
    assert_int_equal(gpu->vfs.items[0].offers.items[0].available, 0);
    assert_string_equal(gpu->vfs.items[0].offers.items[1].name, "A2-4A");
    assert_int_equal(gpu->vgpus.n, 1);
    const struct vgpu *vgpu = &gpu->vgpus.items[0];
    assert_int_equal(vgpu->type_id, 751);
    assert_string_equal(vgpu->type, "A2-4A");
    assert_string_equal(vgpu->mdev_uuid, "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001");
    assert_int_equal(vgpu->vf.device, 1);
    assert_int_equal(vgpu->placement_id, NO_ID);
}

static void only_nvidia_gpus_are_observed(void **state)
{
    (void)state;
    TREE();
    tree_function(tree, "0000:00:02.0", "0x8086\n", "0x030000\n", "i915", 1);
    tree_function(tree, "0000:01:00.1", "0x10de\n", "0x040300\n", "snd_hda_intel", 2);
    tree_function(tree, "0000:02:00.0", "0x10de\n", "0x068000\n", "", 3); /* NVSwitch */
    put_pf(tree, "0000:01:00.0", "nvidia", 2);
    put_pf(tree, "0001:41:00.0", "vfio-pci", 4);
    put_pf(tree, "10000:e1:00.0", "", 5);
    OBSERVE(tree);
    assert_int_equal(host->gpus.n, 3);
    assert_int_equal(host->nvswitches, 1);
    struct pci_addr addr;
    assert_true(pci_addr_parse("0000:01:00.0", &addr));
    const struct gpu *gpu = host_find_gpu_addr(host, &addr);
    assert_int_equal(gpu->group_members.n, 1);
    assert_int_equal(gpu->group_members.items[0].addr.function, 1);
    assert_true(pci_addr_parse("0001:41:00.0", &addr));
    assert_string_equal(host_find_gpu_addr(host, &addr)->driver, "vfio-pci");
    assert_true(pci_addr_parse("10000:e1:00.0", &addr));
    gpu = host_find_gpu_addr(host, &addr);
    assert_string_equal(gpu->driver, "");
    assert_int_equal(gpu->vfs_total, 0);
    assert_int_equal(gpu->iface, VGPU_IFACE_NONE);
}

static void hostile_content_is_unknown_not_believed(void **state)
{
    (void)state;
    TREE();
    put_l40s(tree);
    CLEANUP_FREE char *huge = xcalloc(1, 200000);
    memset(huge, '7', 200000);
    tree_put_bytes(tree, "sys/bus/pci/devices/0000:26:00.4/nvidia/creatable_vgpu_types", huge,
                   200000);
    tree_put_bytes(tree, "sys/bus/pci/devices/0000:26:00.0/device", huge, 5000);
    tree_put_bytes(tree, "sys/bus/pci/devices/0000:26:00.0/subsystem_device", "0x12\0004", 6);
    tree_put_attr(tree, "0000:26:00.0", "numa_node", "-1\n");
    tree_put_attr(tree, "0000:26:00.0", "sriov_totalvfs", "-32\n");
    tree_put_attr(tree, "0000:26:00.5", "nvidia/current_vgpu_type", "\001\002\377\n");
    OBSERVE(tree);
    assert_int_equal(host->gpus.n, 1);
    const struct gpu *gpu = &host->gpus.items[0];
    assert_int_equal(gpu->pci_id, 0);
    assert_int_equal(gpu->pci_subsystem_id, NO_ID);
    assert_int_equal(gpu->numa_node, -1);
    assert_int_equal(gpu->vfs_total, 0);
    assert_int_equal(gpu->vfs.items[0].offers.n, 0);
    assert_int_equal(gpu->vgpus.n, 0);
}

static void a_machine_without_pci_is_a_problem_not_an_error(void **state)
{
    (void)state;
    TREE();
    OBSERVE(tree);
    assert_int_equal(host->gpus.n, 0);
    assert_non_null(strstr(host->pci_problem, "/sys/bus/pci/devices"));
    assert_false(host->functions_known);
}

static bool has_function(const struct host *host, const char *bdf)
{
    struct pci_addr wanted;
    assert_true(pci_addr_parse(bdf, &wanted));
    for (vec_each(&host->functions, addr)) {
        if (pci_addr_cmp(addr, &wanted) == 0) {
            return true;
        }
    }
    return false;
}

static void every_function_and_mediated_device_is_known_of(void **state)
{
    (void)state;
    static const char uuid[] = "c2177883-f1bb-47f0-914d-32a22e3a8801";
    TREE();
    put_l40s(tree);
    tree_function(tree, "0000:05:00.0", "0x15b3\n", "0x020000\n", "mlx5_core", 9);
    tree_put(tree, "sys/bus/pci/devices/no-address/class", "0x030000\n");
    OBSERVE(tree);
    assert_true(host->functions_known);
    assert_true(host->mdevs_known); /* there is no bus of them */
    assert_int_equal(host->functions.n, 4);
    assert_int_equal(host->other_mdevs.n, 0);
    assert_true(has_function(host, "0000:05:00.0"));
    assert_true(has_function(host, "0000:26:00.0"));
    assert_true(has_function(host, "0000:26:00.5"));
    assert_false(has_function(host, "0001:05:00.0"));
    CLEANUP_FREE char *link = xasprintf("sys/bus/mdev/devices/%s", uuid);
    tree_link(tree, link, "../../../devices/virtual/mtty/mtty/x");
    CLEANUP(host_freep) struct host *other = observe(tree);
    assert_int_equal(other->other_mdevs.n, 1);
    assert_string_equal(other->other_mdevs.items[0].uuid, uuid);
    assert_string_equal(other->gpus.items[0].problem, "");
}

static void mediated_devices_that_can_t_be_listed_are_not_known(void **state)
{
    (void)state;
    TREE();
    put_l40s(tree);
    tree_put(tree, "sys/bus/mdev/drivers/nvidia/bind", "");
    tree_link(tree, "sys/bus/mdev/devices", "devices"); /* ELOOP */
    OBSERVE(tree);
    assert_false(host->mdevs_known);
    assert_true(host->functions_known);
}

static void the_interface_is_foreseen_before_there_are_virtual_functions(void **state)
{
    (void)state;
    TREE();
    put_pf(tree, "0000:26:00.0", "nvidia", 40);
    tree_put_attr(tree, "0000:26:00.0", "sriov_totalvfs", "32\n");
    tree_put_attr(tree, "0000:26:00.0", "sriov_numvfs", "0\n");
    OBSERVE(tree);
    assert_int_equal(host->gpus.items[0].iface, VGPU_IFACE_NONE);
    tree_put(tree, "usr/lib/nvidia/sriov-manage", "");
    CLEANUP(host_freep) struct host *vendor = observe(tree);
    assert_int_equal(vendor->gpus.items[0].iface, VGPU_IFACE_VENDOR_VFIO);
    tree_put(tree, "sys/bus/mdev/drivers/nvidia/bind", "");
    CLEANUP(host_freep) struct host *mdev = observe(tree);
    assert_int_equal(mdev->gpus.items[0].iface, VGPU_IFACE_MDEV);
}

static void a_gpu_of_an_admitted_vendor_is_for_passthrough_only(void **state)
{
    (void)state;
    TREE();
    tree_function(tree, "0000:03:00.0", "0x1002\n", "0x030000\n", "amdgpu", 7);
    tree_put_attr(tree, "0000:03:00.0", "device", "0x73bf\n");
    tree_put_attr(tree, "0000:03:00.0", "sriov_totalvfs", "4\n");
    tree_put_attr(tree, "0000:03:00.0", "mdev_supported_types/nvidia-1/name", "x\n");
    tree_put_attr(tree, "0000:03:00.0", "mdev_supported_types/nvidia-1/available_instances", "1");
    tree_function(tree, "0000:00:02.0", "0x8086\n", "0x030000\n", "i915", 1);
    OBSERVE(tree);
    assert_int_equal(host->gpus.n, 0);
    struct pci_vendors amd = {.ids = {0x1002}, .n = 1};
    struct pci_port *port = sysfs_port_new(tree->sys.root, &amd);
    CLEANUP(host_freep) struct host *with = host_new();
    assert_int_equal(port->ops->observe(port, with, NULL), 0);
    port->ops->free(port);
    assert_int_equal(with->gpus.n, 1);
    const struct gpu *gpu = &with->gpus.items[0];
    assert_int_equal(gpu->other_vendor, 0x1002);
    assert_string_equal(gpu->name, "PCI 1002:73bf");
    assert_int_equal(gpu->iommu_group, 7);
    assert_int_equal(gpu->vfs_total, 4);
    assert_int_equal(gpu->pf_offers.n, 0);
    assert_true(gpu_at_home(gpu));
}

/* A folder in the place of a file, or a file in that of a link or a folder, can't be read. */
static void a_file_that_can_t_be_read_is_a_problem_of_its_gpu(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        bool is_link;
    } rows[] = {
        {"sys/bus/pci/devices/0000:26:00.5/nvidia/current_vgpu_type", false},
        {"sys/bus/pci/devices/0000:26:00.4/nvidia/current_vgpu_type", false},
        {"sys/bus/pci/devices/0000:26:00.0/sriov_numvfs", false},
        {"sys/bus/pci/devices/0000:26:00.0/sriov_totalvfs", false},
        {"sys/bus/pci/devices/0000:26:00.0/virtfn1", true},
        {"sys/bus/pci/devices/0000:26:00.0/driver", true},
        {"sys/bus/pci/devices/0000:26:00.0/iommu_group", true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        TREE();
        put_l40s(tree);
        CLEANUP_FREE char *path = xasprintf("%s/%s", tree->sys.root, rows[i].file);
        assert_int_equal(unlink(path), 0);
        if (rows[i].is_link) {
            tree_put(tree, rows[i].file, "");
        } else {
            assert_int_equal(fs_mkdirs(path, 0755), 0);
        }
        OBSERVE(tree);
        assert_int_equal(host->gpus.n, 1);
        const char *problem = host->gpus.items[0].problem;
        bool is_named = rows[i].is_link || strstr(problem, rows[i].file) != NULL;
        if (!str_starts(problem, "cannot read /sys/") || !is_named) {
            fail_msg("%s: \"%s\"", rows[i].file, problem);
        }
    }
}

static void
a_gpu_that_can_t_be_distinguished_from_another_device_is_a_problem_of_the_host(void **state)
{
    (void)state;
    static const char *const files[] = {"vendor", "class"};
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        TREE();
        put_l40s(tree);
        CLEANUP_FREE char *path =
            xasprintf("%s/sys/bus/pci/devices/0000:26:00.0/%s", tree->sys.root, files[i]);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(fs_mkdirs(path, 0755), 0);
        OBSERVE(tree);
        assert_non_null(strstr(host->pci_problem, "0000:26:00.0"));
    }
}

static void the_system_and_the_drivers_flavour_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *os_release, *version, *os;
        enum tristate open;
    } rows[] = {
        {"NAME=\"Red Hat\"\nID=\"rhel\"\nVERSION_ID=\"9.4\"\n",
         "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.105.08  Release Build\n",
         "rhel 9.4", TRI_YES},
        {"ID=debian\n", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.261.03\n", "debian",
         TRI_NO},
        {"VERSION_ID=12\nMYID=x\n", "something else\n", "", TRI_UNKNOWN},
        {"ID=\nVERSION_ID=\n", NULL, "", TRI_UNKNOWN},
        {"ID=\001\002\n", NULL, "", TRI_UNKNOWN},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        TREE();
        tree_put(tree, "etc/os-release", rows[i].os_release);
        if (rows[i].version != NULL) {
            tree_put(tree, "proc/driver/nvidia/version", rows[i].version);
        }
        OBSERVE(tree);
        assert_string_equal(host->os, rows[i].os);
        assert_int_equal(host->open_modules, rows[i].open);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_large_bars_of_a_gpu_are_summed),
        cmocka_unit_test(a_vendor_vfio_gpu_is_observed),
        cmocka_unit_test(a_file_that_can_t_be_read_is_a_problem_of_its_gpu),
        cmocka_unit_test(
            a_gpu_that_can_t_be_distinguished_from_another_device_is_a_problem_of_the_host),
        cmocka_unit_test(a_type_keeps_its_name_when_nothing_is_offered_any_more),
        cmocka_unit_test(an_mdev_gpu_is_observed),
        cmocka_unit_test(only_nvidia_gpus_are_observed),
        cmocka_unit_test(hostile_content_is_unknown_not_believed),
        cmocka_unit_test(the_system_and_the_drivers_flavour_are_read),
        cmocka_unit_test(a_machine_without_pci_is_a_problem_not_an_error),
        cmocka_unit_test(every_function_and_mediated_device_is_known_of),
        cmocka_unit_test(mediated_devices_that_can_t_be_listed_are_not_known),
        cmocka_unit_test(the_interface_is_foreseen_before_there_are_virtual_functions),
        cmocka_unit_test(a_gpu_of_an_admitted_vendor_is_for_passthrough_only),
    };
    return cmocka_run_group_tests_name("sysfs observe", tests, NULL, NULL);
}
