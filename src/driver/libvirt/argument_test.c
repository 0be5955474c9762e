/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that go to the emulator past libvirt, in each form that QEMU takes them in. */
#include "driver/libvirt/argument.h"

#include "base/mem.h"
#include "base/str.h"
#include "driver/libvirt/connection.h"
#include "test.h"

#define UUID "c2177883-f1bb-47f0-914d-32a22e3a8804"
#define QEMU "xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"

/* The devices of a VM, as a hook gets to know them: "0000:41:00.0 uuid". */
static char *describe(const char *body)
{
    CLEANUP_FREE char *xml = xasprintf(
        "<domain type='kvm' " QEMU " xmlns:o='urn:other'><name>x</name>%s</domain>", body);
    struct vm vm = {0};
    struct error err = {0};
    assert_int_equal(libvirt_describe(xml, &vm, &err), 0);
    CLEANUP_STRBUF struct strbuf found = {0};
    for (vec_each(&vm.devices, device)) {
        char bdf[BDF_SIZE];
        strbuf_addf(&found, "%s%s%s", found.len == 0 ? "" : " ",
                    device->is_mdev ? device->mdev_uuid : pci_addr_format(&device->addr, bdf),
                    device->by_argument ? "" : "*");
        assert_true(device->live);
        assert_false(device->persistent);
    }
    vec_done(&vm.devices);
    return xstrdup(strbuf_str(&found));
}

static void each_form_of_argument_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *argument, *expected;
    } rows[] = {
        {"vfio-pci,host=0000:41:00.0,id=gpu", "0000:41:00.0"},
        {"vfio-pci,host=41:00.4", "0000:41:00.4"},
        {"vfio-pci,id=a,host=0001:c1:1f.7,bus=pcie.0,addr=0x5", "0001:c1:1f.7"},
        {"driver=vfio-pci,host=0000:41:00.0", "0000:41:00.0"},
        {"vfio-pci-nohotplug,sysfsdev=/sys/bus/pci/devices/10000:41:00.4", "10000:41:00.4"},
        {"vfio-pci,sysfsdev=/sys/devices/pci0000:40/0000:40:01.0/0000:41:00.4/", "0000:41:00.4"},
        {"vfio-pci,sysfsdev=/sys/bus/mdev/devices/" UUID, UUID},
        {"vfio-pci,sysfsdev=/sys/devices/pci0000:40/0000:41:00.4/" UUID ",display=on", UUID},
        {"{&quot;driver&quot;:&quot;vfio-pci&quot;, &quot;host&quot;:&quot;0000:41:00.0&quot;}",
         "0000:41:00.0"},
        {"device.hostdev0.host=0000:41:00.0", "0000:41:00.0"},
        {"device.hostdev0.sysfsdev=/sys/bus/mdev/devices/" UUID, UUID},
        {"vfio-pci,host=0000:41:00.0,host=0000:42:00.0", "0000:41:00.0 0000:42:00.0"},
        {"vfio-pci,host=gone,id=" UUID, ""},
        {"virtio-blk-pci,drive=x,serial=" UUID, ""},
        {"isa-debugcon,iobase=0x402", ""},
        {"", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_FREE char *body =
            xasprintf("<qemu:commandline><qemu:arg value='-device'/><qemu:arg value='%s'/>"
                      "</qemu:commandline>",
                      rows[i].argument);
        CLEANUP_FREE char *found = describe(body);
        if (!str_eq(found, rows[i].expected)) {
            fail_msg("%s: \"%s\"", rows[i].argument, found);
        }
    }
}

static void what_libvirt_knows_of_is_not_counted_twice(void **state)
{
    (void)state;
    CLEANUP_FREE char *found = describe(
        "<devices><hostdev mode='subsystem' type='pci'><source><address domain='0x0000' bus='0x41' "
        "slot='0x00' function='0x4'/></source></hostdev></devices>"
        "<qemu:commandline><qemu:arg value='vfio-pci,host=0000:41:00.4'/></qemu:commandline>"
        "<qemu:commandline><qemu:arg value='vfio-pci,host=0000:41:00.5'/></qemu:commandline>");
    assert_string_equal(found, "0000:41:00.4* 0000:41:00.5");
}

static void a_property_that_is_replaced_names_the_device(void **state)
{
    (void)state;
    CLEANUP_FREE char *found =
        describe("<qemu:override><qemu:device alias='hostdev0'><qemu:frontend>"
                 "<qemu:property name='sysfsdev' type='string' "
                 "value='/sys/bus/pci/devices/0000:41:00.4'/>"
                 "<qemu:property name='x-pci-vendor-id' type='unsigned' value='41:00.5'/>"
                 "</qemu:frontend></qemu:device></qemu:override>");
    assert_string_equal(found, "0000:41:00.4");
}

static void another_namespace_is_no_argument(void **state)
{
    (void)state;
    CLEANUP_FREE char *found =
        describe("<o:commandline><o:arg value='vfio-pci,host=0000:41:00.4'/></o:commandline>"
                 "<commandline><arg value='vfio-pci,host=0000:41:00.4'/></commandline>");
    assert_string_equal(found, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_of_argument_is_read),
        cmocka_unit_test(what_libvirt_knows_of_is_not_counted_twice),
        cmocka_unit_test(a_property_that_is_replaced_names_the_device),
        cmocka_unit_test(another_namespace_is_no_argument),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
