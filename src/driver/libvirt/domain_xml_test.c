/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/str.h"
#include "driver/libvirt/connection.h"
#include "driver/libvirt/domain_xml.h"
#include "test.h"

#define UUID "c2177883-f1bb-47f0-914d-32a22e3a8804"

static void pci_and_mdev_devices_are_read_and_others_passed_over(void **state)
{
    (void)state;
    const char *xml =
        "<domain type='kvm'><name>x</name><devices>"
        "<hostdev mode='subsystem' type='pci' managed='no'><driver name='vfio'/><source>"
        "<address domain='0x10000' bus='0x41' slot='0x1f' function='0x4'/></source></hostdev>"
        "<hostdev mode='subsystem' type='mdev' managed='no' model='vfio-pci'><source>"
        "<address uuid='" UUID "'/></source></hostdev>"
        "<hostdev mode='subsystem' type='usb'><source><vendor id='0x1'/></source></hostdev>"
        "<hostdev mode='subsystem' type='pci'><source>"
        "<address domain='0x0' bus='0x100' slot='0x0' function='0x0'/></source></hostdev>"
        "</devices></domain>";
    struct hostdevs devices = {0};
    struct error err = {0};
    assert_int_equal(domain_xml_hostdevs(xml, &devices, &err), 0);
    assert_int_equal(devices.n, 2);
    char name[64];
    assert_string_equal(hostdev_name(&devices.items[0].device, name, sizeof(name)),
                        "10000:41:1f.4");
    assert_string_equal(hostdev_name(&devices.items[1].device, name, sizeof(name)), UUID);
    vec_done(&devices);
}

static void a_template_gets_a_new_name_and_loses_its_uuid(void **state)
{
    (void)state;
    struct error err = {0};
    CLEANUP_FREE char *xml = NULL;
    const char *template = "<domain type='qemu'><name>old</name><uuid>" UUID "</uuid>"
                           "<os><type>hvm</type></os><devices><disk/></devices></domain>";
    assert_int_equal(domain_xml_from_template(template, "a<b&c", &xml, &err), 0);
    assert_string_equal(xml, "<?xml version=\"1.0\"?>\n<domain type=\"qemu\">"
                             "<name>a&lt;b&amp;c</name><os><type>hvm</type></os><devices>"
                             "<disk/></devices></domain>\n");
}

static void a_template_without_a_name_gets_one(void **state)
{
    (void)state;
    struct error err = {0};
    CLEANUP_FREE char *xml = NULL;
    assert_int_equal(
        domain_xml_from_template("<domain><os><type>hvm</type></os></domain>", "web1", &xml, &err),
        0);
    assert_string_equal(xml, "<?xml version=\"1.0\"?>\n<domain><os><type>hvm</type></os>"
                             "<name>web1</name></domain>\n");
}

static void what_a_template_may_not_have_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *xml;
        const char *message;
    } rows[] = {
        {"<domain><devices>\n<hostdev type='pci'/></devices></domain>",
         "line 2: it has a host device"},
        {"<domain><devices><interface type='hostdev'/></devices></domain>",
         "line 1: it has a host device"},
        {"<domain><devices/>\n<devices>\n<hostdev type='pci'/></devices></domain>",
         "line 3: it has a host device"},
        {"<domain xmlns:f='urn:f'><f:devices/><devices><hostdev type='pci'/></devices></domain>",
         "line 1: it has a host device"},
        {"<domain xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:commandline/></domain>",
         "<commandline> passes arguments to the emulator that cleave can't see"},
        {"<!DOCTYPE domain [<!ENTITY a 'b'>]><domain>&a;</domain>",
         "a document type is not accepted"},
        {"<!DOCTYPE domain SYSTEM 'file:///etc/passwd'><domain/>",
         "a document type is not accepted"},
        {"<domain><name>@NAME@</name>\n<os><type>hvm</type><kernel>@KERNEL@</kernel></os></domain>",
         "line 2: @KERNEL@ of <kernel> is not filled in"},
        {"<domain><os><type>hvm</type></os><devices><a><b "
         "path='@CONSOLE@'/></a></devices></domain>",
         "line 1: @CONSOLE@ of <b> is not filled in"},
        {"<domain><memory>1</memory></domain>", "it has no <os> with a <type>"},
        {"<network/>", "the root element is not <domain>"},
        {"<domain><q:override/></domain>", "Namespace prefix q on override is not defined"},
        {"<domain xmlns:a::b='urn:x'/>", "Failed to parse QName 'xmlns:a:'"},
        {"", "Document is empty"},
        {"<domain>", "Premature end of data"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct error err = {0};
        char *xml = NULL;
        assert_int_equal(domain_xml_from_template(rows[i].xml, "x", &xml, &err), -REASON_INVALID);
        if (!str_starts(err.message, rows[i].message)) {
            fail_msg("%s: %s", rows[i].xml, err.message);
        }
    }
}

static void a_malformed_document_is_placed(void **state)
{
    (void)state;
    struct error err = {0};
    struct hostdevs devices = {0};
    assert_int_equal(domain_xml_hostdevs("<domain>\n <a></b>\n</domain>", &devices, &err),
                     -REASON_INVALID);
    assert_string_equal(err.subject, "domain XML:2:9");
}

static void deep_and_long_documents_are_refused(void **state)
{
    (void)state;
    struct error err = {0};
    struct hostdevs devices = {0};
    struct strbuf deep = {0};
    strbuf_add(&deep, "<domain>");
    for (int i = 0; i < 1000; i++) {
        strbuf_add(&deep, "<a>");
    }
    assert_int_equal(domain_xml_hostdevs(strbuf_str(&deep), &devices, &err), -REASON_INVALID);
    strbuf_done(&deep);
    struct strbuf is_long = {0};
    strbuf_add(&is_long, "<domain>");
    while (is_long.len <= DOMAIN_XML_MAX_BYTES) {
        strbuf_add(&is_long, "                                                                ");
    }
    assert_int_equal(domain_xml_hostdevs(strbuf_str(&is_long), &devices, &err), -REASON_INVALID);
    assert_string_equal(err.message, "longer than 4194304 bytes");
    strbuf_done(&is_long);
}

static void a_device_beyond_the_most_that_are_read_is_not_passed_over(void **state)
{
    (void)state;
    struct error err = {0};
    struct strbuf xml = {0};
    struct hostdevs devices = {0};
    strbuf_add(&xml, "<domain><devices>");
    for (int i = 0; i < DOMAIN_MAX_HOSTDEVS; i++) {
        strbuf_addf(&xml,
                    "<hostdev type='pci'><source><address domain='0x%x' bus='0x1' slot='0x0' "
                    "function='0x0'/></source></hostdev>",
                    (unsigned)i);
    }
    size_t most = xml.len;
    strbuf_add(&xml, "</devices></domain>");
    assert_int_equal(domain_xml_hostdevs(strbuf_str(&xml), &devices, &err), 0);
    assert_int_equal(devices.n, DOMAIN_MAX_HOSTDEVS);
    vec_done(&devices);
    CLEANUP_FREE char *more = xasprintf("%.*s<hostdev type='mdev'><source><address uuid='" UUID
                                        "'/></source></hostdev></devices></domain>",
                                        (int)most, strbuf_str(&xml));
    assert_int_equal(domain_xml_hostdevs(more, &devices, &err), -REASON_INVALID);
    assert_string_equal(err.message, "it has more than 4096 host devices");
    vec_done(&devices);
    strbuf_done(&xml);
}

static void an_old_libvirt_assigns_no_vendor_vfio_function(void **state)
{
    (void)state;
    struct pci_addr gpu = {.bus = 0x41};
    struct step step = step_make(STEP_ATTACH, &gpu);
    struct error err = {0};
    step.device = (struct pci_addr){.bus = 0x41, .function = 4};
    assert_int_equal(libvirt_check_version(9000000, &step, &err), -REASON_UNSUPPORTED);
    assert_string_equal(err.message, "libvirt 9.0 can't assign the vGPU at 0000:41:00.4, because "
                                     "it doesn't support NVIDIA's VFIO driver");
    assert_int_equal(libvirt_check_version(10000000, &step, &err), 0);
    step.device = gpu; /* pass-through */
    assert_int_equal(libvirt_check_version(9000000, &step, &err), 0);
    step.device.function = 4;
    STR_SET(step.mdev_uuid, UUID);
    assert_int_equal(libvirt_check_version(9000000, &step, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pci_and_mdev_devices_are_read_and_others_passed_over),
        cmocka_unit_test(a_template_gets_a_new_name_and_loses_its_uuid),
        cmocka_unit_test(a_template_without_a_name_gets_one),
        cmocka_unit_test(what_a_template_may_not_have_is_refused),
        cmocka_unit_test(a_malformed_document_is_placed),
        cmocka_unit_test(deep_and_long_documents_are_refused),
        cmocka_unit_test(a_device_beyond_the_most_that_are_read_is_not_passed_over),
        cmocka_unit_test(an_old_libvirt_assigns_no_vendor_vfio_function),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
