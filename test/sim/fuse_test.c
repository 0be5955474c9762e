/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated kernel's files, as a shell and as any program would use them. */
#include "test.h"

#include <ftw.h>
#include <sys/wait.h>

#include "await.h"
#include "sim/state/ctl.h"
#include "test/sim/machine.h"

#define MACHINE_NEW(iface) CLEANUP(machine_freep) struct machine *machine = machine_new(iface)

#define PCI "bus/pci/devices/"
#define L40S_VF PCI "0001:61:00.4"

static void enable_vfs(const struct machine *machine, enum fixture_gpu gpu)
{
    sim_lock(machine->fix->host);
    assert_int_equal(sim_sriov(machine->fix->host, machine->fix->gpus[gpu], true), 0);
    sim_unlock(machine->fix->host);
}

/* ---- every file ---- */

static unsigned n_files;
static unsigned n_links;

static int visit(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)ftw;
    assert_true(kind != FTW_DNR && kind != FTW_NS);
    if (kind == FTW_SL) {
        struct stat target;
        n_links++;
        if (stat(path, &target) != 0) {
            fail_msg("%s leads nowhere", path);
        }
        return 0;
    }
    if (kind == FTW_F && (st->st_mode & 0444) != 0) {
        CLEANUP_FREE char *text = NULL;
        int r = fs_read(path, 1 << 20, &text, NULL);
        n_files++;
        bool ioctl_only = r == -EINVAL && strstr(path, "/dev/vfio/") != NULL;
        bool mapped_only = r == -EIO && strstr(path, "/resource") != NULL;
        if (r != 0 && r != -ENXIO && !mapped_only && !ioctl_only) {
            fail_msg("%s: %s", path, strerror(-r));
        }
    }
    return 0;
}

static void every_file_reads_and_every_link_resolves(void **state)
{
    (void)state;
    static const enum sim_iface ifaces[] = {SIM_VENDOR_VFIO, SIM_MDEV};
    for (size_t i = 0; i < ARRAY_SIZE(ifaces); i++) {
        MACHINE_NEW(ifaces[i]);
        enable_vfs(machine, FIX_L40S);
        if (ifaces[i] == SIM_MDEV) {
            assert_int_equal(machine_write(L40S_VF "/mdev_supported_types/nvidia-1152/create",
                                           "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"),
                             0);
        } else {
            assert_int_equal(machine_write(L40S_VF "/nvidia/current_vgpu_type", "1152"), 0);
        }
        n_files = 0;
        n_links = 0;
        assert_int_equal(nftw(MACHINE "/sys", visit, 16, FTW_PHYS), 0);
        assert_true(n_files > 1000);
        assert_true(n_links > 150);
    }
}

/* ---- what stands in them ---- */

static void a_gpu_looks_as_in_the_kernel(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_VENDOR_VFIO);
    enable_vfs(machine, FIX_PRO);
    assert_links(PCI "0000:41:00.0", "../../../devices/pci0000:40/0000:41:00.0");
    assert_links(PCI "0000:41:00.0/driver", "../../../bus/pci/drivers/nvidia");
    assert_links(PCI "0000:41:00.0/virtfn0", "../0000:41:00.2");
    assert_links(PCI "0000:41:00.2/physfn", "../0000:41:00.0");
    assert_links(PCI "0000:41:00.0/iommu_group", "../../../kernel/iommu_groups/11");
    assert_links("bus/pci/drivers/nvidia/0000:41:00.2",
                 "../../../../devices/pci0000:40/0000:41:00.2");
    assert_links("kernel/iommu_groups/11/devices/0000:41:00.0",
                 "../../../../devices/pci0000:40/0000:41:00.0");
    assert_reads(PCI "0000:41:00.0/vendor", "0x10de\n");
    assert_reads(PCI "0000:41:00.0/device", "0x2bb6\n");
    assert_reads(PCI "0000:41:00.0/class", "0x030200\n");
    assert_reads(PCI "0000:41:00.0/sriov_totalvfs", "48\n");
    assert_reads(PCI "0000:41:00.0/sriov_numvfs", "48\n");
    assert_reads(PCI "0000:41:00.0/sriov_offset", "2\n");
    assert_reads(PCI "0000:41:00.0/driver_override", "(null)\n");
    assert_reads(PCI "0000:41:00.2/sriov_totalvfs", "ENOENT");
    assert_reads(PCI "0000:41:00.2/uevent",
                 "DRIVER=nvidia\nPCI_CLASS=30200\nPCI_ID=10DE:2BB6\nPCI_SUBSYS_ID=10DE:0000\n"
                 "PCI_SLOT_NAME=0000:41:00.2\n"
                 "MODALIAS=pci:v000010DEd00002BB6sv000010DEsd00000000bc03sc02i00\n");
    assert_reads("proc/sys/kernel/osrelease", "6.8.0-60-generic\n");
    CLEANUP_FREE char *resource = machine_read(PCI "0000:41:00.2/resource");
    assert_int_equal(strlen(resource), 13 * 57);
}

static void configuration_space_has_what_libvirt_reads(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_VENDOR_VFIO);
    int fd = machine_open(PCI "0000:21:00.0/config", O_RDONLY);
    assert_true(fd >= 0);
    unsigned char config[4096];
    assert_int_equal(pread(fd, config, sizeof(config), 0), sizeof(config));
    assert_int_equal(config[0] | config[1] << 8, 0x10de);
    assert_int_equal(config[0x0e] & 0x7f, 0); /* header of a device */
    assert_int_equal(config[6] & 0x10, 0x10); /* a list of capabilities */
    unsigned at = config[0x34];
    unsigned express = 0;
    for (unsigned n = 0; at != 0 && n < 16; n++) {
        express = config[at] == 0x10 ? at : express;
        at = config[at + 1];
    }
    assert_int_not_equal(express, 0);
    assert_int_equal(config[express + 7] & 0x10, 0x10); /* function-level reset */
    unsigned char word[2];
    assert_int_equal(pread(fd, word, 2, 2), 2); /* a read in the middle */
    assert_int_equal(word[0] | word[1] << 8, 0x2bb5);
    close(fd);
}

static void a_vgpu_is_made_and_deleted_through_vendor_vfio(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_VENDOR_VFIO);
    assert_reads(L40S_VF "/vendor", "ENOENT");
    enable_vfs(machine, FIX_L40S);
    assert_reads(L40S_VF "/nvidia/creatable_vgpu_types",
                 "ID    : vGPU Name\n1152  : L40S-8Q\n1154  : L40S-16Q\n1155  : L40S-24Q\n"
                 "1162  : L40S-8A\n");
    assert_reads(L40S_VF "/nvidia/current_vgpu_type", "0\n");
    assert_reads(L40S_VF "/nvidia/gpu_instance_id", "ENXIO");
    assert_reads(L40S_VF "/nvidia/placement_id", "ENXIO");
    assert_reads(L40S_VF "/vfio-dev", "ENOENT");
    assert_int_equal(machine_write(L40S_VF "/nvidia/current_vgpu_type", "1152\n"), 0);
    assert_reads(L40S_VF "/nvidia/current_vgpu_type", "1152\n");
    assert_reads(L40S_VF "/nvidia/creatable_vgpu_types", "");
    assert_reads(L40S_VF "/nvidia/placement_id", "0\n");
    assert_links(L40S_VF "/vfio-dev/vfio131/device", "../../../0001:61:00.4");
    /* Equal sizes: the next VF shows this size only. */
    assert_reads(PCI "0001:61:00.5/nvidia/creatable_vgpu_types",
                 "ID    : vGPU Name\n1152  : L40S-8Q\n1162  : L40S-8A\n");
    assert_reads("dev/vfio/228", "EINVAL");
    assert_int_equal(machine_write(L40S_VF "/nvidia/current_vgpu_type", "0\n"), 0);
    assert_reads(L40S_VF "/nvidia/current_vgpu_type", "0\n");
    assert_reads(L40S_VF "/vfio-dev", "ENOENT");
    assert_reads("dev/vfio/228", "ENOENT");
}

static void a_vgpu_is_made_and_removed_as_mdev(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_MDEV);
    enable_vfs(machine, FIX_L40S);
    const char *uuid = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001";
    const char *type = L40S_VF "/mdev_supported_types/nvidia-1152";
    CLEANUP_FREE char *create = xasprintf("%s/create", type);
    CLEANUP_FREE char *available = xasprintf("%s/available_instances", type);
    assert_links("class/mdev_bus/0001:61:00.4", "../../devices/pci0001:60/0001:61:00.4");
    assert_reads(available, "1\n");
    assert_reads(L40S_VF "/mdev_supported_types/nvidia-1152/device_api", "vfio-pci\n");
    assert_int_equal(machine_write(create, "no-uuid"), -EINVAL);
    assert_int_equal(machine_write(create, uuid), 0);
    assert_int_equal(machine_write(create, uuid), -EEXIST);
    assert_reads(available, "0\n");
    assert_links("bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001",
                 "../../../devices/pci0001:60/0001:61:00.4/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001");
    assert_links("bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001/mdev_type",
                 "../mdev_supported_types/nvidia-1152");
    assert_reads("bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001/mdev_type/name",
                 "L40S-8Q\n");
    assert_reads("bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001/iommu_group/type", "DMA\n");
    assert_int_equal(
        machine_write("bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001/remove", "1"), 0);
    assert_reads("bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001/remove", "ENOENT");
    assert_reads(available, "1\n");
    /* A board without SR-IOV has its types on the PF. */
    assert_reads("class/mdev_bus/0001:81:00.0/mdev_supported_types/nvidia-232/available_instances",
                 "4\n");
}

/* ---- the kernel's refusals ---- */

static void refusals_have_the_kernels_errno(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_VENDOR_VFIO);
    enable_vfs(machine, FIX_L40S);
    enable_vfs(machine, FIX_A100);
    const struct {
        const char *file, *text;
        int expected;
    } rows[] = {
        {PCI "0001:61:00.0/sriov_numvfs", "4", -ENOENT},
        {PCI "0001:61:00.0/sriov_numvfs", "many", -EINVAL},
        {L40S_VF "/nvidia/current_vgpu_type", "x", -EINVAL},
        {L40S_VF "/nvidia/current_vgpu_type", "-1", -EINVAL},
        {L40S_VF "/nvidia/current_vgpu_type", "7", -EINVAL},
        {PCI "0000:21:00.4/nvidia/current_vgpu_type", "474", -EIO}, /* MIG type, MIG off */
        {L40S_VF "/nvidia/creatable_vgpu_types", "1", -EACCES},
        {L40S_VF "/vendor", "1", -EACCES},
        {"bus/pci/drivers/vfio-pci/bind", "0001:61:00.0", -ENODEV}, /* no override */
        {"bus/pci/drivers/vfio-pci/unbind", "0001:61:00.0", -ENODEV},
        {"bus/pci/drivers/nvidia/bind", "0000:99:00.0", -ENODEV},
        {"bus/pci/drivers/nvidia/unbind", "0001:61:00.0", -EBUSY}, /* it has VFs */
        {"bus/pci/drivers/vfio-pci/new_id", "zz", -EINVAL},
        {"bus/pci/drivers_probe", "nonsense", -ENODEV},
        {PCI "0001:81:00.0/nvidia/current_vgpu_type", "1", -ENOENT}, /* no VF */
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int r = machine_write(rows[i].file, rows[i].text);
        if (r != rows[i].expected) {
            fail_msg("'%s' to %s gives %s", rows[i].text, rows[i].file, strerror(-r));
        }
    }
    assert_int_equal(machine_open("bus/pci/drivers_probe", O_RDONLY), -EACCES);
    assert_int_equal(machine_open(L40S_VF "/new", O_CREAT | O_WRONLY), -EACCES);
    assert_int_equal(mkdir(MACHINE "/sys/bus/new", 0755), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(unlink(MACHINE "/sys/" L40S_VF "/vendor"), -1);
    assert_int_equal(errno, EPERM);
}

static void an_open_vgpu_is_busy(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_VENDOR_VFIO);
    enable_vfs(machine, FIX_L40S);
    assert_int_equal(machine_write(L40S_VF "/nvidia/current_vgpu_type", "1152"), 0);
    sim_lock(machine->fix->host);
    assert_int_equal(sim_open_device(machine->fix->host, "0001:61:00.4", 4711, ""), 0);
    sim_unlock(machine->fix->host);
    assert_int_equal(machine_write(L40S_VF "/nvidia/current_vgpu_type", "0"), -EBUSY);
    assert_int_equal(machine_write(L40S_VF "/reset", "1"), -EBUSY);
}

static void only_root_writes(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_VENDOR_VFIO);
    enable_vfs(machine, FIX_L40S);
    pid_t child = fork();
    if (child == 0) {
        unsigned char config[4096];
        int status = 0;
        if (setresuid(65534, 65534, 65534) != 0) {
            _exit(1);
        }
        status |= machine_open(L40S_VF "/nvidia/current_vgpu_type", O_WRONLY) == -EACCES ? 0 : 2;
        status |= machine_open("bus/pci/drivers_probe", O_WRONLY) == -EACCES ? 0 : 4;
        status |= machine_open("dev/vfio/vfio", O_RDWR) >= 0 ? 0 : 8;
        int fd = machine_open(L40S_VF "/config", O_RDONLY);
        status |= read(fd, config, sizeof(config)) == 64 ? 0 : 16;
        _exit(status);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void ownership_of_vfio_files_can_be_given(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_VENDOR_VFIO);
    struct stat st;
    assert_int_equal(chown(MACHINE "/sys/dev/vfio/vfio", 64055, 106), 0);
    assert_int_equal(chmod(MACHINE "/sys/dev/vfio/vfio", 0660), 0);
    assert_int_equal(stat(MACHINE "/sys/dev/vfio/vfio", &st), 0);
    assert_int_equal(st.st_uid, 64055);
    assert_int_equal(st.st_gid, 106);
    assert_int_equal(st.st_mode & 07777, 0660);
}

static void a_file_that_is_gone_says_so(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_VENDOR_VFIO);
    enable_vfs(machine, FIX_L40S);
    int fd = machine_open(L40S_VF "/nvidia/current_vgpu_type", O_RDWR);
    assert_true(fd >= 0);
    sim_lock(machine->fix->host);
    assert_int_equal(sim_sriov(machine->fix->host, machine->fix->gpus[FIX_L40S], false), 0);
    sim_unlock(machine->fix->host);
    assert_int_equal(write(fd, "1152", 4), -1);
    assert_int_equal(errno, ENODEV);
    char text[8];
    assert_int_equal(pread(fd, text, sizeof(text), 0), -1);
    assert_int_equal(errno, ENODEV);
    close(fd);
}

/* ---- what comes and goes ---- */

static bool is_there(const char *file)
{
    CLEANUP_FREE char *path = xasprintf(MACHINE "/sys/%s", file);
    return access(path, F_OK) == 0;
}

static void a_removed_function_comes_back_by_a_rescan(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_VENDOR_VFIO);
    enable_vfs(machine, FIX_L40S);
    assert_int_equal(machine_write(PCI "0001:61:00.0/remove", "1"), -EBUSY); /* it has VFs */
    assert_int_equal(machine_write(L40S_VF "/remove", "1"), 0);
    assert_false(is_there(L40S_VF));
    assert_false(is_there(PCI "0001:61:00.0/virtfn0"));
    assert_int_equal(machine_write(PCI "0000:21:00.0/remove", "1"), 0);
    assert_false(is_there(PCI "0000:21:00.0"));
    assert_int_equal(machine_write("bus/pci/drivers/nvidia/bind", "0000:21:00.0"), -ENODEV);
    assert_int_equal(machine_write("bus/pci/rescan", "1"), 0);
    assert_links(PCI "0000:21:00.0/driver", "../../../bus/pci/drivers/nvidia");
    assert_false(is_there(L40S_VF));
    /* drivers_autoprobe does not keep a scan from binding what it finds. */
    assert_int_equal(machine_write("bus/pci/drivers_autoprobe", "0"), 0);
    assert_int_equal(machine_write(PCI "0000:21:00.0/remove", "1"), 0);
    assert_int_equal(machine_write("bus/pci/rescan", "1"), 0);
    assert_true(is_there(PCI "0000:21:00.0/driver"));
}

static bool fault_was_seen(void *data)
{
    struct sim_host *host = data;
    sim_lock(host);
    bool seen = host->faults[0].seen > 0;
    sim_unlock(host);
    return seen;
}

/* Lets go once the write has come: a fault that never strikes counts it. */
static void *let_go_then(void *data)
{
    struct sim_host *host = data;
    assert_true(await(fault_was_seen, host));
    sim_lock(host);
    sim_close_device(host, "0001:61:00.0", 4711);
    sim_unlock(host);
    return NULL;
}

static void anyone_who_unbinds_a_gpu_under_its_vm_waits_for_the_vm(void **state)
{
    (void)state;
    static const char *const files[] = {"bus/pci/drivers/vfio-pci/unbind",
                                        PCI "0001:61:00.0/remove"};
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        MACHINE_NEW(SIM_VENDOR_VFIO);
        struct sim_host *host = machine->fix->host;
        const struct sim_gpu *gpu = machine->fix->gpus[FIX_L40S];
        assert_int_equal(machine_write(PCI "0001:61:00.0/driver_override", "vfio-pci"), 0);
        assert_int_equal(machine_write("bus/pci/drivers/nvidia/unbind", "0001:61:00.0"), 0);
        assert_int_equal(machine_write("bus/pci/drivers_probe", "0001:61:00.0"), 0);
        sim_lock(host);
        assert_int_equal(sim_open_device(host, "0001:61:00.0", 4711, ""), 0);
        host->faults[host->n_faults++] = (struct sim_fault){
            .at = "*", .writes = true, .after = UINT32_MAX - 1, .count = SIM_NONE};
        sim_unlock(host);
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, let_go_then, host), 0);
        assert_int_equal(machine_write(files[i], i == 0 ? "0001:61:00.0" : "1"), 0);
        assert_int_equal(gpu->opener, 0);
        assert_string_equal(gpu->driver, "");
        assert_int_equal(gpu->removed, i == 1);
        pthread_join(thread, NULL);
    }
}

/* The kernel tells FUSE of a close a little later. */
static bool group_opens(void *data)
{
    (void)data;
    return machine_open("dev/vfio/12", O_RDWR) >= 0;
}

static void a_vfio_group_is_opened_once(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_VENDOR_VFIO);
    assert_int_equal(machine_write(PCI "0001:61:00.0/driver_override", "vfio-pci"), 0);
    assert_int_equal(machine_write("bus/pci/drivers/nvidia/unbind", "0001:61:00.0"), 0);
    assert_int_equal(machine_write("bus/pci/drivers_probe", "0001:61:00.0"), 0);
    int first = machine_open("dev/vfio/12", O_RDWR);
    assert_true(first >= 0);
    assert_int_equal(machine_open("dev/vfio/12", O_RDWR), -EBUSY);
    char byte = 'x';
    assert_int_equal(read(first, &byte, 1), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(write(first, &byte, 1), -1);
    assert_int_equal(errno, EINVAL);
    close(first);
    assert_true(await(group_opens, NULL));
}

static void new_ids_are_remembered(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_VENDOR_VFIO);
    static const char unbind[] = "bus/pci/drivers/nvidia/unbind";
    assert_int_equal(machine_write("bus/pci/drivers/vfio-pci/bind", "0000:21:00.0"), -ENODEV);
    assert_int_equal(machine_write("bus/pci/drivers/vfio-pci/new_id", "10de 2bb5"), 0);
    assert_int_equal(machine_write("bus/pci/drivers/vfio-pci/new_id", "10de 2bb5"), -EEXIST);
    assert_links(PCI "0000:21:00.0/driver", "../../../bus/pci/drivers/nvidia");
    assert_int_equal(machine_write(unbind, "0000:21:00.0"), 0);
    assert_int_equal(machine_write("bus/pci/drivers/vfio-pci/bind", "0000:21:00.0"), 0);
    assert_int_equal(machine_write(unbind, "0000:41:00.0"), 0);
    assert_int_equal(machine_write("bus/pci/drivers/vfio-pci/new_id", "10de 2bb6"), 0);
    assert_links(PCI "0000:41:00.0/driver", "../../../bus/pci/drivers/vfio-pci");
    assert_int_equal(machine_write("bus/pci/drivers/vfio-pci/remove_id", "10de 2bb6"), 0);
    assert_int_equal(machine_write("bus/pci/drivers/vfio-pci/remove_id", "10de 2bb6"), -ENODEV);
}

static void address_ranges_have_files_of_their_size(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_VENDOR_VFIO);
    static const struct {
        const char *file;
        uint64_t bytes;
    } files[] = {{"0000:21:00.0/resource0", 16ull << 20},
                 {"0000:21:00.0/resource1", 64ull << 30}, /* 40 GiB, rounded up */
                 {"0000:41:00.0/resource1_wc", 128ull << 30}};
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        CLEANUP_FREE char *path = xasprintf(MACHINE "/sys/" PCI "%s", files[i].file);
        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_size, files[i].bytes);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    assert_false(is_there(PCI "0000:21:00.0/resource2"));
    assert_false(is_there(PCI "0000:21:00.0/resource0_wc"));
}

/* ---- faults ---- */

static void arm(const struct machine *machine, const char *fault)
{
    CLEANUP_FREE char *request = xasprintf("{\"op\":\"fault-add\",%s}", fault);
    CLEANUP_FREE char *reply = sim_ctl_handle(machine->fix->host, request, true);
    assert_non_null(strstr(reply, "\"ok\":true"));
}

static void a_vf_can_be_stuck(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_VENDOR_VFIO);
    enable_vfs(machine, FIX_L40S);
    assert_int_equal(machine_write(L40S_VF "/nvidia/current_vgpu_type", "1152"), 0);
    arm(machine, "\"at\":\"nvidia/current_vgpu_type\",\"device\":\"0001:61:00.4\","
                 "\"access\":\"write\",\"errno\":\"EIO\",\"count\":1");
    assert_int_equal(machine_write(L40S_VF "/nvidia/current_vgpu_type", "0"), -EIO);
    assert_reads(L40S_VF "/nvidia/current_vgpu_type", "1152\n");
    assert_int_equal(machine_write(L40S_VF "/nvidia/current_vgpu_type", "0"), 0);
}

static void *write_slowly(void *data)
{
    (void)data;
    assert_int_equal(machine_write(PCI "0000:21:00.0/reset", "1"), 0);
    return NULL;
}

static void a_hanging_file_holds_up_no_one_else(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_VENDOR_VFIO);
    arm(machine, "\"at\":\"0000:21:00.0/reset\",\"hang\":true");
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_slowly, NULL), 0);
    assert_true(await(fault_was_seen, machine->fix->host)); /* it strikes at once */
    assert_reads(PCI "0000:21:00.0/vendor", "0x10de\n");
    CLEANUP_FREE char *reply = sim_ctl_handle(machine->fix->host, "{\"op\":\"fault-clear\"}", true);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void a_busy_unbind_lock_is_not_granted(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_VENDOR_VFIO);
    static const char lock[] = "proc/driver/nvidia/gpus/0000:21:00.0/unbindLock";
    arm(machine, "\"at\":\"unbindLock\",\"access\":\"write\",\"errno\":\"EBUSY\",\"count\":1");
    assert_int_equal(machine_write(lock, "1"), 0);
    assert_reads(lock, "0\n");
    assert_int_equal(machine_write(lock, "1"), 0);
    assert_reads(lock, "1\n");
}

int main(int argc, char **argv)
{
    if (argc != 2 || !machine_prepare(argv[1])) {
        puts("1..0 # SKIP needs root, FUSE and mount namespaces");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_reads_and_every_link_resolves),
        cmocka_unit_test(a_gpu_looks_as_in_the_kernel),
        cmocka_unit_test(configuration_space_has_what_libvirt_reads),
        cmocka_unit_test(a_vgpu_is_made_and_deleted_through_vendor_vfio),
        cmocka_unit_test(a_vgpu_is_made_and_removed_as_mdev),
        cmocka_unit_test(refusals_have_the_kernels_errno),
        cmocka_unit_test(an_open_vgpu_is_busy),
        cmocka_unit_test(only_root_writes),
        cmocka_unit_test(ownership_of_vfio_files_can_be_given),
        cmocka_unit_test(a_file_that_is_gone_says_so),
        cmocka_unit_test(a_removed_function_comes_back_by_a_rescan),
        cmocka_unit_test(anyone_who_unbinds_a_gpu_under_its_vm_waits_for_the_vm),
        cmocka_unit_test(a_vfio_group_is_opened_once),
        cmocka_unit_test(new_ids_are_remembered),
        cmocka_unit_test(address_ranges_have_files_of_their_size),
        cmocka_unit_test(a_vf_can_be_stuck),
        cmocka_unit_test(a_hanging_file_holds_up_no_one_else),
        cmocka_unit_test(a_busy_unbind_lock_is_not_granted),
    };
    return cmocka_run_group_tests_name("sim fuse", tests, NULL, NULL);
}
