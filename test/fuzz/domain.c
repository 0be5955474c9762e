/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domain XML from libvirt and from templates: read under limits. A domain made from a template has
 * no host device; one that is edited has the device, and then has it no more.
 */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "driver/libvirt/domain_edit.h"
#include "driver/libvirt/domain_xml.h"
#include "driver/libvirt/facts_xml.h"
#include "fuzz.h"

#define MAX_REMARKS 64

static bool has(const char *xml, const struct hostdev *device)
{
    struct hostdevs devices = {0};
    fuzz_assert(domain_xml_hostdevs(xml, &devices, NULL) == 0, "own output is read");
    bool found = hostdevs_have(&devices, device) || devices.n == DOMAIN_MAX_HOSTDEVS;
    vec_done(&devices);
    return found;
}

static void make_from_template(const char *xml)
{
    CLEANUP_FREE char *made = NULL;
    if (domain_xml_from_template(xml, "vm", &made, NULL) == 0) {
        struct hostdevs none = {0};
        fuzz_assert(domain_xml_hostdevs(made, &none, NULL) == 0, "own output is read");
        fuzz_assert(none.n == 0, "a template brings no host device");
        vec_done(&none);
    }
}

static void put_in_and_take_out(const char *xml, struct attachment attachment)
{
    CLEANUP_FREE char *with = NULL;
    CLEANUP_FREE char *again = NULL;
    CLEANUP_FREE char *third = NULL;
    CLEANUP_FREE char *moved = NULL;
    CLEANUP_FREE char *without = NULL;
    if (domain_edit_attach(xml, &attachment, &with, NULL) != 0) {
        return;
    }
    fuzz_assert(has(with, &attachment.device), "the device is in");
    /* Elements may change places once. */
    fuzz_assert(domain_edit_attach(with, &attachment, &again, NULL) == 0, "own output is edited");
    fuzz_assert(domain_edit_attach(again, &attachment, &third, NULL) == 0, "own output is edited");
    fuzz_assert(str_eq(again, third), "what is there is not changed");
    struct hostdev_change change = {.from = attachment.device, .to = attachment.device};
    STR_SET(change.claim, attachment.claim);
    change.to.addr.bus = 0x99;
    (void)domain_edit_rewrite(with, &change, 1, &moved, NULL);
    fuzz_assert(domain_edit_detach(with, &attachment.device, attachment.claim, &without, NULL) == 0,
                "own output is edited");
    fuzz_assert(without != NULL, "what is in comes out");
    struct hostdevs left = {0};
    fuzz_assert(domain_xml_hostdevs(without, &left, NULL) == 0, "own output is read");
    fuzz_assert(!hostdevs_have(&left, &attachment.device), "the device is out");
    vec_done(&left);
}

static void read_facts(const char *xml)
{
    CLEANUP_DOMAIN_FACTS struct domain_facts facts = {0};
    CLEANUP_DOMAIN_FACTS struct domain_facts none = {0};
    if (facts_xml_read(xml, NULL, &facts, NULL) == 0) {
        fuzz_assert(facts.devices.n <= MAX_REMARKS && facts.obstacles.n <= MAX_REMARKS &&
                        facts.emulator_args.n <= MAX_REMARKS,
                    "facts are bounded");
    }
    (void)facts_xml_read("<domain/>", xml, &none, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_FREE char *xml = xstrndup((const char *)data, size);
    struct hostdevs devices = {0};
    if (domain_xml_hostdevs(xml, &devices, NULL) == 0) {
        fuzz_assert(devices.n <= DOMAIN_MAX_HOSTDEVS, "host devices are bounded");
    }
    vec_done(&devices);
    make_from_template(xml);
    struct attachment whole = {.claim = "a.b_c",
                               .device = {.addr = {.domain = 0x10000, .bus = 0x41}},
                               .kind = HOSTDEV_WHOLE,
                               .mmio_bytes = 1ULL << 37,
                               .numa_node = 1,
                               .n_host_nodes = 2};
    put_in_and_take_out(xml, whole);
    struct attachment mdev = {.claim = "m", .kind = HOSTDEV_MDEV, .numa_node = -1};
    mdev.device.is_mdev = true;
    STR_SET(mdev.device.mdev_uuid, "c2177883-f1bb-47f0-914d-32a22e3a8804");
    put_in_and_take_out(xml, mdev);
    read_facts(xml);
    return 0;
}
