/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/libvirt/domain_kept.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "driver/libvirt/domain_edit.h"
#include "test.h"

#define CLAIMS 3
#define DEVICES 6
#define ROUNDS 1000
#define MOVES 24

/* Repeatable: the round is the seed. */
struct dice {
    uint64_t state;
};

static uint32_t roll(struct dice *dice, uint32_t n)
{
    dice->state = dice->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(dice->state >> 33) % n;
}

static const char *const claims[CLAIMS] = {"a", "b.c", "d_e"};

static struct attachment device(const char *claim, enum hostdev_kind kind, unsigned i)
{
    struct attachment it = {.claim = claim, .kind = kind, .numa_node = -1};
    if (kind == HOSTDEV_MDEV) {
        it.device.is_mdev = true;
        snprintf(it.device.mdev_uuid, sizeof(it.device.mdev_uuid),
                 "c2177883-f1bb-47f0-914d-32a22e3a88%02x", i);
    } else {
        it.device.addr.bus = (uint8_t)(0x41 + i);
        it.device.addr.domain = i == DEVICES - 1 ? 0x10000 : 0; /* QEMU needs an override there */
        it.device.addr.function = kind == HOSTDEV_WHOLE ? 0 : 4;
    }
    return it;
}

static void attach(char **xml, struct attachment it)
{
    CLEANUP_FREE char *out = NULL;
    struct error err = {0};
    if (domain_edit_attach(*xml, &it, &out, &err) != 0) {
        fail_msg("attach: %s", err.message);
    }
    free(*xml);
    *xml = TAKE_PTR(out);
}

static void detach(char **xml, struct attachment it)
{
    CLEANUP_FREE char *out = NULL;
    assert_int_equal(domain_edit_set_aside(*xml, &it.device, it.claim, &out, NULL), 0);
    if (out != NULL) {
        free(*xml);
        *xml = TAKE_PTR(out);
    }
}

/* ---- what persons put in ---- */

static void add_additions(struct dice *dice, struct strbuf *xml, enum hostdev_kind kind, unsigned i)
{
    static const char *const any[] = {
        "<rom bar='off' file='/var/lib/x.rom'/>",
        "<!-- do not touch -->",
        "<acpi index='5'/>",
        "<rom file='/a &amp; b'/>",
        "<my:x xmlns:my='urn:mine' y='1'>z</my:x>",
    };
    static const char *const pci[] = {"<boot order='1'/>", "<driver name='vfio'/>",
                                      "<teaming type='transient' persistent='ua-net'/>"};
    /* libvirt gives each one a guest address. */
    strbuf_addf(xml,
                "<address type='pci' domain='0x0000' bus='0x00' slot='0x%02x' function='0x0'%s/>",
                0x10 + i, roll(dice, 2) == 0 ? " multifunction='on'" : "");
    for (size_t k = 0; k < ARRAY_SIZE(any); k++) {
        strbuf_add(xml, roll(dice, 3) == 0 ? any[k] : "");
    }
    for (size_t k = 0; kind != HOSTDEV_MDEV && k < ARRAY_SIZE(pci); k++) {
        strbuf_add(xml, roll(dice, 3) == 0 ? pci[k] : "");
    }
}

static void add_hostdev(struct dice *dice, struct strbuf *xml, const struct attachment *it,
                        unsigned i, bool *displayed)
{
    static const char *const managed[] = {" managed='yes'", " managed='no'", ""};
    bool mdev = it->kind == HOSTDEV_MDEV;
    bool whole = it->kind == HOSTDEV_WHOLE;
    char alias[HOSTDEV_ALIAS_SIZE];
    strbuf_addf(xml, "<hostdev mode='subsystem' type='%s'%s", mdev ? "mdev" : "pci",
                managed[whole ? roll(dice, 3) : 1]);
    if (mdev) {
        bool on = !*displayed;
        *displayed = true;
        strbuf_add(xml, " model='vfio-pci'");
        strbuf_add(xml, on                   ? " display='on' ramfb='on'"
                        : roll(dice, 2) == 0 ? " display='off'"
                                             : "");
    }
    strbuf_addf(xml, "><source%s>", !mdev && roll(dice, 3) == 0 ? " writeFiltering='no'" : "");
    if (mdev) {
        strbuf_addf(xml, "<address uuid='%s'/>", it->device.mdev_uuid);
    } else {
        strbuf_addf(xml, "<address domain='0x%04x' bus='0x%02x' slot='0x00' function='0x%x'/>",
                    it->device.addr.domain, it->device.addr.bus, it->device.addr.function);
    }
    strbuf_addf(xml, "</source><alias name='%s'/>", hostdev_alias(it->claim, alias));
    add_additions(dice, xml, it->kind, i);
    strbuf_add(xml, "</hostdev>");
}

static char *make_domain(struct dice *dice, const enum hostdev_kind *kinds, size_t n)
{
    CLEANUP_STRBUF struct strbuf xml = {0};
    bool displayed = false;
    strbuf_add(&xml, "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
                     "<name>x</name><devices><graphics type='vnc'/><memballoon model='virtio'/>");
    for (unsigned i = 0; i < n; i++) {
        struct attachment it = device(claims[i], kinds[i], i);
        if (roll(dice, 3) == 0) {
            strbuf_addf(&xml,
                        "<hostdev type='usb'><source startupPolicy='optional'/><address "
                        "type='usb' bus='0' port='%u'/></hostdev>",
                        i + 1);
        }
        add_hostdev(dice, &xml, &it, i, &displayed);
    }
    strbuf_add(&xml, "</devices></domain>");
    CLEANUP_DOC xmlDoc *doc = NULL;
    char *text = NULL;
    assert_int_equal(xml_parse(strbuf_str(&xml), &doc, NULL), 0);
    assert_int_equal(xml_text(doc, &text, NULL), 0);
    return text;
}

/* ---- properties ---- */

/* Claims get other devices, none, each other's, in any order; then each what it had first. */
static void what_a_person_put_in_outlives_any_sequence_of_devices(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct dice dice = {round};
        size_t n = 1 + roll(&dice, CLAIMS);
        enum hostdev_kind kinds[CLAIMS];
        for (size_t i = 0; i < n; i++) {
            kinds[i] = (enum hostdev_kind)roll(&dice, 3);
        }
        CLEANUP_FREE char *first = make_domain(&dice, kinds, n);
        CLEANUP_FREE char *xml = xstrdup(first);
        unsigned has[CLAIMS] = {0, 1, 2};
        for (unsigned move = 0; move < MOVES; move++) {
            unsigned i = roll(&dice, (uint32_t)n);
            if (roll(&dice, 3) == 0) {
                detach(&xml, device(claims[i], kinds[i], has[i]));
                has[i] = DEVICES;
            } else {
                has[i] = roll(&dice, DEVICES);
                attach(&xml, device(claims[i], kinds[i], has[i]));
            }
        }
        /* Away from each other first: two that change places take two steps. */
        for (unsigned i = 0; i < n; i++) {
            attach(&xml, device(claims[i], kinds[i], 16 + i));
        }
        for (unsigned i = 0; i < n; i++) {
            attach(&xml, device(claims[i], kinds[i], i));
        }
        if (!str_eq(first, xml)) {
            (void)fprintf(stderr, "%s\nbecame\n%s\n", first, xml);
            fail_msg("round %u", round);
        }
    }
}

static char *parse_and_write(const char *text)
{
    CLEANUP_DOC xmlDoc *doc = NULL;
    char *out = NULL;
    assert_int_equal(xml_parse(text, &doc, NULL), 0);
    assert_int_equal(xml_text(doc, &out, NULL), 0);
    return out;
}

#define HAND                                                                                       \
    "<address type='pci' domain='0x0000' bus='0x00' slot='0x1a' function='0x0'/>"                  \
    "<rom bar='off' file='/tmp/x.rom'/>"

static void another_device_changes_its_source_and_nothing_else(void **state)
{
    (void)state;
    CLEANUP_FREE char *xml = parse_and_write(
        "<domain>\n  <devices>\n    <!-- the GPU -->\n    <hostdev mode='subsystem' type='pci' "
        "managed='no'>\n      <source>\n        <address domain='0x0000' bus='0x41' slot='0x00' "
        "function='0x0'/>\n      </source>\n      <alias name='ua-cleave-a'/>\n      " HAND
        "\n    </hostdev>\n  </devices>\n</domain>");
    CLEANUP_FREE char *first = xstrdup(xml);
    attach(&xml, device("a", HOSTDEV_WHOLE, 3));
    assert_non_null(strstr(xml, "bus=\"0x44\""));
    char *bus = strstr(first, "bus=\"0x41\"");
    memcpy(bus, "bus=\"0x44\"", strlen("bus=\"0x44\""));
    assert_string_equal(xml, first);
}

static void another_kind_keeps_what_it_may_have(void **state)
{
    (void)state;
    CLEANUP_FREE char *xml = parse_and_write(
        "<domain><devices><graphics type='vnc'/><hostdev mode='subsystem' type='mdev' "
        "model='vfio-pci' display='on' ramfb='on'><source><address "
        "uuid='c2177883-f1bb-47f0-914d-32a22e3a8801'/></source><alias name='ua-cleave-a'/>" HAND
        "</hostdev></devices></domain>");
    attach(&xml, device("a", HOSTDEV_VENDOR_VFIO, 1));
    assert_non_null(strstr(xml, "<hostdev mode=\"subsystem\" type=\"pci\" managed=\"no\"><source>"
                                "<address domain=\"0x0000\" bus=\"0x42\" slot=\"0x00\" "
                                "function=\"0x4\"/></source>"));
    assert_non_null(strstr(xml, "slot=\"0x1a\""));
    assert_non_null(strstr(xml, "/tmp/x.rom"));
    attach(&xml, device("a", HOSTDEV_MDEV, 2));
    assert_non_null(strstr(xml, "type=\"mdev\" managed=\"no\" model=\"vfio-pci\" display=\"on\" "
                                "ramfb=\"on\"><source><address uuid="));
    assert_non_null(strstr(xml, "slot=\"0x1a\""));
    assert_null(strstr(xml, "0x42"));
}

static void a_guest_address_that_is_taken_by_now_is_not_given_twice(void **state)
{
    (void)state;
    CLEANUP_FREE char *xml = parse_and_write(
        "<domain><devices><hostdev type='pci'><source><address domain='0x0000' bus='0x41' "
        "slot='0x00' function='0x0'/></source><alias name='ua-cleave-a'/>" HAND
        "</hostdev><disk/></devices></domain>");
    detach(&xml, device("a", HOSTDEV_WHOLE, 0));
    char *disk = strstr(xml, "<disk/>");
    CLEANUP_FREE char *taken = xasprintf(
        "%.*s<disk><address type='pci' domain='0' bus='0' slot='0x1a' function='0x0'/></disk>%s",
        (int)(disk - xml), xml, disk + strlen("<disk/>"));
    free(xml);
    xml = parse_and_write(taken);
    attach(&xml, device("a", HOSTDEV_WHOLE, 0));
    const char *hostdev = strstr(xml, "<hostdev");
    assert_non_null(hostdev);
    assert_null(strstr(hostdev, "0x1a"));
    assert_non_null(strstr(hostdev, "/tmp/x.rom"));
}

static void what_cleave_wrote_itself_leaves_no_note(void **state)
{
    (void)state;
    CLEANUP_FREE char *xml = parse_and_write("<domain><devices/></domain>");
    CLEANUP_FREE char *first = xstrdup(xml);
    attach(&xml, device("a", HOSTDEV_WHOLE, 0));
    detach(&xml, device("a", HOSTDEV_WHOLE, 0));
    assert_string_equal(xml, first);
}

static void notes_are_bounded(void **state)
{
    (void)state;
    CLEANUP_FREE char *xml = parse_and_write("<domain><devices/></domain>");
    size_t longest = 0;
    for (unsigned i = 0; i < 100; i++) {
        char claim[16];
        snprintf(claim, sizeof(claim), "c%u", 100 + i);
        CLEANUP_FREE char *one = xasprintf(
            "<domain><devices><hostdev type='pci'><source><address domain='0x0000' "
            "bus='0x41' slot='0x00' function='0x0'/></source><alias "
            "name='ua-cleave-%s'/>" HAND "</hostdev></devices>%s",
            claim, strstr(xml, "<metadata") != NULL ? strstr(xml, "<metadata") : "</domain>");
        free(xml);
        xml = parse_and_write(one);
        detach(&xml, device(claim, HOSTDEV_WHOLE, 0));
        longest = strlen(xml) > longest ? strlen(xml) : longest;
    }
    assert_true(longest < 20000);
    assert_non_null(strstr(xml, "claim=\"c199\""));
    assert_null(strstr(xml, "claim=\"c100\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_person_put_in_outlives_any_sequence_of_devices),
        cmocka_unit_test(another_device_changes_its_source_and_nothing_else),
        cmocka_unit_test(another_kind_keeps_what_it_may_have),
        cmocka_unit_test(a_guest_address_that_is_taken_by_now_is_not_given_twice),
        cmocka_unit_test(what_cleave_wrote_itself_leaves_no_note),
        cmocka_unit_test(notes_are_bounded),
    };
    return cmocka_run_group_tests_name("domain_kept", tests, NULL, NULL);
}
