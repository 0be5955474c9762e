/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that definitions name: what is surely not there, and what merely is not known. */
#include "model/host_device.h"

#include "base/str.h"
#include "test.h"

#define MDEV "c2177883-f1bb-47f0-914d-32a22e3a8801"
#define MDEV_OF_OTHERS "c2177883-f1bb-47f0-914d-32a22e3a8802"
#define MDEV_GONE "c2177883-f1bb-47f0-914d-32a22e3a8803"

static struct gpu *add_gpu(struct host *host, uint8_t bus, enum vgpu_interface iface)
{
    struct gpu *gpu = host_add_gpu(host, &(struct pci_addr){.bus = bus});
    STR_SET(gpu->driver, "nvidia");
    gpu->iface = iface;
    gpu->vfs_total = 4;
    gpu->vf_offset = 4;
    gpu->vf_stride = 1;
    for (uint8_t i = 0; i < 3; i++) { /* of four, three are enabled */
        struct vf *vf = vec_push(&gpu->vfs);
        vf->addr = (struct pci_addr){.bus = bus, .function = (uint8_t)(4 + i)};
        vf->iface = iface;
        STR_SET(vf->driver, "nvidia");
    }
    vec_push(&gpu->vgpus)->vf = gpu->vfs.items[0].addr;
    return gpu;
}

/* 41: vendor VFIO, a vGPU on .4, and .6 passed on by vfio-pci; 42: mdev on .4; 43: passed through;
 * 05: a network card. */
static struct host *make_host(void)
{
    struct host *host = host_new();
    STR_SET(host->libvirt_version, "11.3.0");
    host->functions_known = host->mdevs_known = true;
    struct gpu *vendor = add_gpu(host, 0x41, VGPU_IFACE_VENDOR_VFIO);
    vendor->vfs.items[2].iface = VGPU_IFACE_NONE;
    STR_SET(vendor->vfs.items[2].driver, "vfio-pci");
    struct gpu *mediated = add_gpu(host, 0x42, VGPU_IFACE_MDEV);
    STR_SET(mediated->vgpus.items[0].mdev_uuid, MDEV);
    struct gpu *whole = host_add_gpu(host, &(struct pci_addr){.bus = 0x43});
    STR_SET(whole->driver, "vfio-pci");
    static const uint8_t buses[] = {0x05, 0x41, 0x42, 0x43};
    for (size_t i = 0; i < ARRAY_SIZE(buses); i++) {
        *vec_push(&host->functions) = (struct pci_addr){.bus = buses[i]};
    }
    STR_SET(vec_push(&host->other_mdevs)->uuid, MDEV_OF_OTHERS);
    return host;
}

static enum host_device_state judge(const struct host *host, const char *device, bool managed)
{
    struct vm_device named = {.managed = managed};
    named.is_mdev = !pci_addr_parse(device, &named.addr);
    STR_SET(named.mdev_uuid, named.is_mdev ? device : "");
    return host_device_find(host, &named).state;
}

static void each_form_of_device_is_judged(void **state)
{
    (void)state;
    static const struct {
        const char *device;
        bool managed;
        enum host_device_state expected;
    } rows[] = {
        {MDEV, false, HOST_DEVICE_READY},
        {MDEV_OF_OTHERS, false, HOST_DEVICE_READY},
        {MDEV_GONE, false, HOST_DEVICE_NO_MDEV},
        {"0000:41:00.4", false, HOST_DEVICE_READY},
        {"0000:41:00.5", false, HOST_DEVICE_NO_VGPU},
        {"0000:41:00.5", true, HOST_DEVICE_NO_VGPU},
        {"0000:41:00.6", false, HOST_DEVICE_READY}, /* as a plain function */
        {"0000:41:00.7", false, HOST_DEVICE_VF_OFF},
        {"0000:41:00.7", true, HOST_DEVICE_VF_OFF},
        {"0000:41:01.0", true, HOST_DEVICE_NO_FUNCTION},
        {"0000:42:00.5", true, HOST_DEVICE_READY},
        {"0000:42:00.5", false, HOST_DEVICE_WITH_HOST},
        {"0000:42:00.7", true, HOST_DEVICE_VF_OFF},
        {"0000:43:00.0", true, HOST_DEVICE_READY},
        {"0000:43:00.0", false, HOST_DEVICE_READY},
        {"0000:41:00.0", true, HOST_DEVICE_READY},
        {"0000:41:00.0", false, HOST_DEVICE_WITH_HOST},
        {"0000:05:00.0", true, HOST_DEVICE_READY},
        {"0000:05:00.0", false, HOST_DEVICE_READY}, /* its driver is not known */
        {"0000:06:00.0", true, HOST_DEVICE_NO_FUNCTION},
        {"0000:06:00.0", false, HOST_DEVICE_NO_FUNCTION},
        {"0001:41:00.0", true, HOST_DEVICE_NO_FUNCTION},
        {"10000:41:00.4", false, HOST_DEVICE_NO_FUNCTION},
    };
    CLEANUP(host_freep) struct host *host = make_host();
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        enum host_device_state found = judge(host, rows[i].device, rows[i].managed);
        if (found != rows[i].expected) {
            fail_msg("%s, %s: state %d", rows[i].device, rows[i].managed ? "managed" : "not",
                     (int)found);
        }
        assert_int_equal(host_device_bars(found),
                         found != HOST_DEVICE_READY && found != HOST_DEVICE_UNKNOWN);
    }
}

static void a_gpu_whose_functions_are_on_stays_with_its_driver(void **state)
{
    (void)state;
    CLEANUP(host_freep) struct host *host = make_host();
    struct gpu *gpu = &host->gpus.items[0];
    gpu->vfs_enabled = 2;
    assert_int_equal(judge(host, "0000:41:00.0", true), HOST_DEVICE_SHARED_OUT);
    assert_int_equal(judge(host, "0000:41:00.0", false), HOST_DEVICE_WITH_HOST);
    STR_SET(gpu->driver, "vfio-pci");
    assert_int_equal(judge(host, "0000:41:00.0", true), HOST_DEVICE_READY);
}

static void what_could_not_be_read_is_unknown(void **state)
{
    (void)state;
    CLEANUP(host_freep) struct host *host = make_host();
    host->functions_known = host->mdevs_known = false;
    assert_int_equal(judge(host, MDEV_GONE, false), HOST_DEVICE_UNKNOWN);
    assert_int_equal(judge(host, "0000:06:00.0", true), HOST_DEVICE_UNKNOWN);
    assert_int_equal(judge(host, "0000:05:00.0", true), HOST_DEVICE_READY);
    host->functions_known = host->mdevs_known = true;
    STR_SET(host->gpus.items[0].problem, "cannot read sriov_numvfs: Input/output error");
    assert_int_equal(judge(host, "0000:41:00.0", false), HOST_DEVICE_UNKNOWN);
    assert_int_equal(judge(host, "0000:41:00.5", false), HOST_DEVICE_UNKNOWN);
    assert_int_equal(judge(host, "0000:41:00.7", false), HOST_DEVICE_UNKNOWN);
    assert_int_equal(judge(host, MDEV, false), HOST_DEVICE_READY);
    assert_int_equal(judge(host, "0000:42:00.7", true), HOST_DEVICE_VF_OFF);
    assert_false(host_device_bars(HOST_DEVICE_UNKNOWN));
}

static void an_old_libvirt_takes_no_function_of_a_vendor_s_driver(void **state)
{
    (void)state;
    CLEANUP(host_freep) struct host *host = make_host();
    static const struct {
        const char *version;
        enum host_device_state unmanaged, managed;
    } rows[] = {
        {"9.0.0", HOST_DEVICE_OLD_LIBVIRT, HOST_DEVICE_OLD_LIBVIRT},
        {"9.6.99", HOST_DEVICE_OLD_LIBVIRT, HOST_DEVICE_OLD_LIBVIRT},
        {"9.7.0", HOST_DEVICE_READY, HOST_DEVICE_OLD_LIBVIRT},
        {"9.10.0", HOST_DEVICE_READY, HOST_DEVICE_OLD_LIBVIRT},
        {"10.0.0", HOST_DEVICE_READY, HOST_DEVICE_READY},
        {"11.3.0", HOST_DEVICE_READY, HOST_DEVICE_READY},
        {"", HOST_DEVICE_READY, HOST_DEVICE_READY},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        STR_SET(host->libvirt_version, rows[i].version);
        assert_int_equal(judge(host, "0000:41:00.4", false), rows[i].unmanaged);
        assert_int_equal(judge(host, "0000:41:00.4", true), rows[i].managed);
        assert_int_equal(judge(host, MDEV, false), HOST_DEVICE_READY);
    }
}

static void a_copy_of_a_host_knows_the_same_devices(void **state)
{
    (void)state;
    CLEANUP(host_freep) struct host *host = make_host();
    CLEANUP(host_freep) struct host *copy = host_copy(host);
    assert_int_equal(judge(copy, MDEV_OF_OTHERS, false), HOST_DEVICE_READY);
    assert_int_equal(judge(copy, "0000:05:00.0", true), HOST_DEVICE_READY);
    assert_int_equal(judge(copy, "0000:06:00.0", true), HOST_DEVICE_NO_FUNCTION);
}

static void a_member_bars_a_group_unless_its_driver_leaves_dma_alone(void **state)
{
    (void)state;
    static const struct {
        const char *driver;
        bool bridge, bars;
    } rows[] = {
        {"", false, false},
        {"vfio-pci", false, false},
        {"pci-stub", false, false},
        {"nvgrace-gpu-vfio-pci", false, false},
        {"mlx5_vfio_pci", false, false},
        {"nvme", false, true},
        {"nvidia", false, true},
        {"vfio-pci-none", false, true},
        {"pcieport", true, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct group_member member = {.bridge = rows[i].bridge};
        STR_SET(member.driver, rows[i].driver);
        if (group_member_bars(&member) != rows[i].bars) {
            fail_msg("%s", rows[i].driver);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_bars_a_group_unless_its_driver_leaves_dma_alone),
        cmocka_unit_test(each_form_of_device_is_judged),
        cmocka_unit_test(a_gpu_whose_functions_are_on_stays_with_its_driver),
        cmocka_unit_test(what_could_not_be_read_is_unknown),
        cmocka_unit_test(an_old_libvirt_takes_no_function_of_a_vendor_s_driver),
        cmocka_unit_test(a_copy_of_a_host_knows_the_same_devices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
