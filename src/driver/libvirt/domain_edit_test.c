/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/libvirt/domain_edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "model/domain_facts.h"
#include "test.h"

#define UUID_A "c2177883-f1bb-47f0-914d-32a22e3a8804"
#define UUID_B "c2177883-f1bb-47f0-914d-32a22e3a8805"
#define GIB (1024ULL * 1024 * 1024)
#define PCIE_ROOT "<controller type='pci' index='0' model='pcie-root'/>"

static char *domain(const char *head, const char *devices)
{
    return xasprintf("<domain type='kvm'><name>x</name>%s<devices>%s</devices></domain>", head,
                     devices);
}

static struct attachment whole_gpu(const char *claim, uint8_t bus)
{
    return (struct attachment){.claim = claim,
                               .device = {.addr = {.bus = bus}},
                               .kind = HOSTDEV_WHOLE,
                               .mmio_bytes = 64 * GIB + 32 * GIB / 1024,
                               .numa_node = 1,
                               .n_host_nodes = 2};
}

static struct attachment mdev(const char *claim, const char *uuid)
{
    struct attachment it = {.claim = claim, .kind = HOSTDEV_MDEV, .numa_node = -1};
    it.device.is_mdev = true;
    STR_SET(it.device.mdev_uuid, uuid);
    return it;
}

static char *attached(const char *xml, struct attachment it)
{
    CLEANUP_FREE char *out = NULL;
    assert_int_equal(domain_edit_attach(xml, &it, &out, NULL), 0);
    return xstrdup(out); /* gcc 12 takes what `out` points to for `out` itself */
}

/* Without the line that every document begins with. */
static const char *body(const char *xml)
{
    const char *start = strstr(xml, "<domain");
    assert_non_null(start);
    return start;
}

static size_t count(const char *xml, const char *text)
{
    size_t n = 0;
    for (const char *at = strstr(xml, text); at != NULL; at = strstr(at + 1, text)) {
        n++;
    }
    return n;
}

static void a_whole_gpu_is_managed(void **state)
{
    (void)state;
    CLEANUP_FREE char *plain = domain("", "");
    struct attachment it = whole_gpu("web1", 0x41);
    it.mmio_bytes = 0;
    it.numa_node = -1;
    CLEANUP_FREE char *xml = attached(plain, it);
    assert_string_equal(body(xml),
                        "<domain type=\"kvm\"><name>x</name><devices>"
                        "<hostdev mode=\"subsystem\" type=\"pci\" managed=\"yes\"><source><address "
                        "domain=\"0x0000\" bus=\"0x41\" slot=\"0x00\" function=\"0x0\"/></source>"
                        "<alias name=\"ua-cleave-web1\"/></hostdev></devices></domain>\n");
}

static void a_vendors_function_is_not_managed_and_keeps_a_wide_domain(void **state)
{
    (void)state;
    CLEANUP_FREE char *plain = domain("", "");
    struct attachment it = {.claim = "a",
                            .device = {.addr = {.domain = 0x10000, .bus = 0x41, .function = 4}},
                            .kind = HOSTDEV_VENDOR_VFIO,
                            .numa_node = -1};
    CLEANUP_FREE char *xml = attached(plain, it);
    assert_non_null(strstr(xml, "type=\"pci\" managed=\"no\"><source><address domain=\"0x10000\" "
                                "bus=\"0x41\" slot=\"0x00\" function=\"0x4\"/>"));
}

static void a_wide_domain_gets_round_qemus_parser(void **state)
{
    (void)state;
    CLEANUP_FREE char *plain = domain("", "");
    struct attachment it = {.claim = "a.b",
                            .device = {.addr = {.domain = 0x10000, .bus = 0xe1}},
                            .kind = HOSTDEV_WHOLE,
                            .numa_node = -1};
    CLEANUP_FREE char *with = attached(plain, it);
    assert_non_null(strstr(
        with, "<qemu:override><qemu:device alias=\"ua-cleave-a_db\"><qemu:frontend>"
              "<qemu:property name=\"host\" type=\"remove\"/><qemu:property name=\"sysfsdev\" "
              "type=\"string\" value=\"/sys/bus/pci/devices/10000:e1:00.0\"/></qemu:frontend>"
              "</qemu:device></qemu:override></domain>"));
    CLEANUP_FREE char *again = attached(with, it);
    assert_string_equal(again, with);

    struct hostdev_change change = {.claim = "a.b", .to = {.addr = {.bus = 0x41}}};
    CLEANUP_FREE char *moved = NULL;
    assert_int_equal(domain_edit_rewrite(with, &change, 1, &moved, NULL), 0);
    assert_null(strstr(moved, "override"));
    CLEANUP_FREE char *without = NULL;
    assert_int_equal(domain_edit_detach(with, &it.device, "a.b", &without, NULL), 0);
    assert_null(strstr(without, "override"));
}

static void other_namespaces_do_not_hide_qemus(void **state)
{
    (void)state;
    static const char *const documents[] = {
        /* The prefix is taken, once and twice; it is QEMU's by another name; and QEMU's element
         * comes after one of the same name. */
        "<domain xmlns:qemu='http://a/'><devices/></domain>",
        "<domain xmlns:qemu='http://a/' xmlns:qemu1='http://b/'><devices/></domain>",
        "<domain xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><devices/></domain>",
        "<domain xmlns:a='http://a/'><devices/><a:override/><override/></domain>",
        "<domain xmlns:qemu='http://a/'><devices/><qemu:override/></domain>",
    };
    struct attachment it = {.claim = "a",
                            .device = {.addr = {.domain = 0x10000, .bus = 0xe1}},
                            .kind = HOSTDEV_WHOLE,
                            .numa_node = -1};
    for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
        CLEANUP_FREE char *with = attached(documents[i], it);
        const char *first = strstr(with, "sysfsdev");
        assert_non_null(first);
        CLEANUP_FREE char *again = attached(with, it);
        assert_string_equal(again, with);
        CLEANUP_FREE char *without = NULL;
        assert_int_equal(domain_edit_detach(with, &it.device, "a", &without, NULL), 0);
        assert_null(strstr(without, "sysfsdev"));
    }
}

static void an_alias_carries_every_name_a_claim_can_have(void **state)
{
    (void)state;
    static const char *const names[] = {"web1", "a.b_c-d", "9__..--_d", "A"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char alias[HOSTDEV_ALIAS_SIZE];
        char claim[NAME_SIZE];
        hostdev_alias(names[i], alias);
        assert_int_equal(strspn(alias, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789_-"),
                         strlen(alias));
        assert_true(hostdev_alias_claim(alias, claim));
        assert_string_equal(claim, names[i]);
    }
    char longest[NAME_SIZE];
    memset(longest, '_', sizeof(longest) - 1);
    longest[0] = 'a';
    longest[sizeof(longest) - 1] = '\0';
    char alias[HOSTDEV_ALIAS_SIZE];
    char claim[NAME_SIZE];
    assert_true(hostdev_alias_claim(hostdev_alias(longest, alias), claim));
    assert_string_equal(claim, longest);
}

static void other_aliases_name_no_claim(void **state)
{
    (void)state;
    static const char *const aliases[] = {"",
                                          "hostdev0",
                                          "ua-mine",
                                          "ua-cleave-",
                                          "ua-cleave-a_",
                                          "ua-cleave-a_x",
                                          "ua-cleave-_da",
                                          "ua-cleave-a/b",
                                          "cleave-a"};
    for (size_t i = 0; i < ARRAY_SIZE(aliases); i++) {
        char claim[NAME_SIZE];
        assert_false(hostdev_alias_claim(aliases[i], claim));
        assert_string_equal(claim, "");
    }
}

static void only_the_first_mdev_is_displayed(void **state)
{
    (void)state;
    CLEANUP_FREE char *plain = domain("", "<graphics type='vnc'/>");
    CLEANUP_FREE char *one = attached(plain, mdev("a", UUID_A));
    CLEANUP_FREE char *two = attached(one, mdev("b", UUID_B));
    assert_int_equal(count(two, "display=\"on\" ramfb=\"on\""), 1);
    assert_non_null(strstr(one, "model=\"vfio-pci\" display=\"on\" ramfb=\"on\""));
    struct hostdev first = mdev("a", UUID_A).device;
    CLEANUP_FREE char *left = NULL;
    assert_int_equal(domain_edit_detach(two, &first, "a", &left, NULL), 0);
    assert_int_equal(count(left, "<hostdev"), 1);
    assert_int_equal(count(left, "display=\"on\" ramfb=\"on\""), 1); /* b is the first now */
}

static void nothing_is_displayed_that_no_one_could_see(void **state)
{
    (void)state;
    static const char *const devices[] = {
        "", "<graphics type='egl-headless'/>",
        "<graphics type='vnc'/><hostdev type='mdev' display='on'><source><address uuid='" UUID_B
        "'/></source></hostdev>"};
    for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
        CLEANUP_FREE char *plain = domain("", devices[i]);
        CLEANUP_FREE char *xml = attached(plain, mdev("a", UUID_A));
        assert_int_equal(count(xml, "ramfb"), 0);
    }
}

static void large_bars_get_a_window_that_goes_with_them(void **state)
{
    (void)state;
    CLEANUP_FREE char *plain = domain("", PCIE_ROOT);
    CLEANUP_FREE char *one = attached(plain, whole_gpu("a", 0x41));
    assert_non_null(strstr(one, "<pcihole64 unit=\"KiB\">135266304</pcihole64>")); /* 129 GiB */
    CLEANUP_FREE char *two = attached(one, whole_gpu("b", 0x42));
    assert_non_null(strstr(two, "<pcihole64 unit=\"KiB\">202375168</pcihole64>")); /* 193 GiB */
    CLEANUP_FREE char *again = attached(two, whole_gpu("b", 0x42));
    assert_string_equal(again, two);

    struct hostdev device = {.addr = {.bus = 0x42}};
    CLEANUP_FREE char *less = NULL;
    CLEANUP_FREE char *none = NULL;
    assert_int_equal(domain_edit_detach(two, &device, "b", &less, NULL), 0);
    assert_string_equal(less, one);
    device.addr.bus = 0x41;
    assert_int_equal(domain_edit_detach(less, &device, "a", &none, NULL), 0);
    assert_string_equal(body(none),
                        "<domain type=\"kvm\"><name>x</name><devices><controller type=\"pci\" "
                        "index=\"0\" model=\"pcie-root\"/></devices></domain>\n");
}

static void what_a_person_wrote_stays(void **state)
{
    (void)state;
    CLEANUP_FREE char *plain =
        domain("<numatune><memory mode='strict' nodeset='0'/></numatune><metadata><my:thing "
               "xmlns:my='urn:mine'/></metadata>",
               "<controller type='pci' index='0' model='pcie-root'><pcihole64 "
               "unit='GiB'>512</pcihole64></controller>");
    CLEANUP_FREE char *with = attached(plain, whole_gpu("a", 0x41));
    assert_non_null(strstr(with, "<pcihole64 unit=\"GiB\">512</pcihole64>"));
    assert_int_equal(count(with, "<numatune>"), 1);
    assert_non_null(strstr(with, "mode=\"strict\" nodeset=\"0\""));
    struct hostdev device = {.addr = {.bus = 0x41}};
    CLEANUP_FREE char *without = NULL;
    assert_int_equal(domain_edit_detach(with, &device, "a", &without, NULL), 0);
    assert_non_null(strstr(without, "<pcihole64 unit=\"GiB\">512</pcihole64>"));
    assert_non_null(strstr(without, "mode=\"strict\" nodeset=\"0\""));
    assert_non_null(strstr(without, "<my:thing xmlns:my=\"urn:mine\"/>"));
    assert_null(strstr(without, "cleave"));
}

static void what_a_person_changed_since_stays(void **state)
{
    (void)state;
    CLEANUP_FREE char *plain = domain("", PCIE_ROOT);
    CLEANUP_FREE char *with = attached(plain, whole_gpu("a", 0x41));
    char *window = strstr(with, ">135266304<");
    assert_non_null(window);
    window[1] = '2';
    char *hint = strstr(with, "mode=\"preferred\"");
    assert_non_null(hint);
    memcpy(hint, "mode=\"strict\"   ", strlen("mode=\"preferred\""));
    struct hostdev device = {.addr = {.bus = 0x41}};
    CLEANUP_FREE char *without = NULL;
    assert_int_equal(domain_edit_detach(with, &device, "a", &without, NULL), 0);
    assert_non_null(strstr(without, ">235266304</pcihole64>"));
    assert_non_null(strstr(without, "mode=\"strict\" nodeset=\"1\""));
}

static void a_numa_hint_needs_several_nodes_and_one_answer(void **state)
{
    (void)state;
    CLEANUP_FREE char *plain = domain("", "");
    struct attachment it = whole_gpu("a", 0x41);
    it.mmio_bytes = 0;
    CLEANUP_FREE char *hinted = attached(plain, it);
    assert_non_null(
        strstr(hinted, "<numatune><memory mode=\"preferred\" nodeset=\"1\"/></numatune></domain>"));
    it.n_host_nodes = 1;
    CLEANUP_FREE char *alone = attached(plain, it);
    assert_null(strstr(alone, "<numatune>"));
    struct attachment other = whole_gpu("b", 0x42);
    other.numa_node = 0;
    CLEANUP_FREE char *torn = attached(hinted, other);
    assert_null(strstr(torn, "<numatune>"));
}

static uint64_t window_gib(uint64_t sum, uint64_t largest, const char *controller)
{
    uint64_t own_kib = 0;
    return domain_window_kib(sum, largest, controller, &own_kib) / 1024 / 1024;
}

static void the_window_is_only_as_large_as_it_must_be(void **state)
{
    (void)state;
    assert_int_equal(window_gib(16 * GIB, 16 * GIB, "pcie-root"), 0);
    assert_int_equal(window_gib(17 * GIB, 16 * GIB, "pcie-root"), 33);
    assert_int_equal(window_gib(GIB, GIB, "pci-root"), 0);
    assert_int_equal(window_gib(GIB + 1, GIB, "pci-root"), 3);
    assert_int_equal(window_gib(128 * GIB, 128 * GIB, "pcie-expander-bus"), 0);
}

static void a_window_that_the_cpu_cant_address_is_not_written(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        bool written;
    } rows[] = {
        {"<memory unit='GiB'>64</memory>", true},
        {"<memory unit='GiB'>900</memory>", false},
        {"<memory unit='GiB'>64</memory><maxMemory unit='TiB'>2</maxMemory>", false},
        {"<memory unit='GiB'>900</memory><cpu mode='host-passthrough'/>", true},
        {"<memory unit='GiB'>64</memory><cpu><maxphysaddr mode='emulate' bits='36'/></cpu>", false},
        {"<memory unit='GiB'>900</memory><cpu><maxphysaddr mode='passthrough'/></cpu>", true},
        {"<memory unit='KiB'>18446744073709551615</memory>", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_FREE char *plain = domain(rows[i].head, PCIE_ROOT);
        CLEANUP_FREE char *xml = attached(plain, whole_gpu("a", 0x41));
        if ((strstr(xml, "<pcihole64") != NULL) != rows[i].written) {
            fail_msg("%s", xml);
        }
    }
}

static void a_claims_new_device_replaces_its_old_one(void **state)
{
    (void)state;
    CLEANUP_FREE char *plain = domain("", "");
    CLEANUP_FREE char *old = attached(plain, whole_gpu("a", 0x41));
    CLEANUP_FREE char *now = attached(old, whole_gpu("a", 0x42));
    assert_int_equal(count(now, "<hostdev"), 1);
    assert_non_null(strstr(now, "bus=\"0x42\""));
}

static void a_device_put_in_by_hand_is_distinguished_and_adopted(void **state)
{
    (void)state;
    struct attachment it = whole_gpu("a", 0x41);
    enum presence there = DEVICE_ABSENT;
    CLEANUP_FREE char *by_hand =
        domain("", "<hostdev type='pci' managed='no'><source><address domain='0x0000' bus='0x41' "
                   "slot='0x00' function='0x0'/></source><alias name='hostdev0'/></hostdev>");
    assert_int_equal(domain_edit_presence(by_hand, &it, &there, NULL), 0);
    assert_int_equal(there, DEVICE_BY_HAND);
    CLEANUP_FREE char *adopted = attached(by_hand, it);
    assert_int_equal(domain_edit_presence(adopted, &it, &there, NULL), 0);
    assert_int_equal(there, DEVICE_PRESENT);
    assert_int_equal(count(adopted, "<hostdev"), 1);
    assert_non_null(strstr(adopted, "managed=\"yes\""));
    CLEANUP_FREE char *named =
        domain("", "<hostdev type='pci'><source><address domain='0x0000' bus='0x41' slot='0x00' "
                   "function='0x0'/></source><alias name='ua-my-gpu'/></hostdev>");
    assert_int_equal(domain_edit_presence(named, &it, &there, NULL), 0);
    assert_int_equal(there, DEVICE_PRESENT);
}

#define HOSTDEV_OF(uuid, alias)                                                                    \
    "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='" uuid          \
    "'/></source>" alias "</hostdev>"
#define OF_A "<alias name='ua-cleave-a'/>"
#define OF_B "<alias name='ua-cleave-b'/>"

static void a_device_that_is_there_twice_is_one_claims_and_comes_out(void **state)
{
    (void)state;
    static const char *const devices[] = {
        HOSTDEV_OF(UUID_A, OF_A) HOSTDEV_OF(UUID_A, OF_B),
        HOSTDEV_OF(UUID_A, OF_B) HOSTDEV_OF(UUID_A, OF_A),
        HOSTDEV_OF(UUID_A, OF_B) HOSTDEV_OF(UUID_A, OF_B),
        HOSTDEV_OF(UUID_A, OF_A) HOSTDEV_OF(UUID_A, ""),
        HOSTDEV_OF(UUID_A, "") HOSTDEV_OF(UUID_A, OF_A) HOSTDEV_OF(UUID_A, OF_B),
        HOSTDEV_OF(UUID_B, OF_A) HOSTDEV_OF(UUID_A, OF_B) HOSTDEV_OF(UUID_A, ""),
    };
    struct attachment it = mdev("a", UUID_A);
    for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
        enum presence there = DEVICE_ABSENT;
        CLEANUP_FREE char *twice = domain("", devices[i]);
        CLEANUP_FREE char *once = attached(twice, it);
        if (count(once, "uuid=\"" UUID_A) != 1 || count(once, "ua-cleave-a") != 1) {
            fail_msg("row %zu: %s", i, once);
        }
        assert_int_equal(domain_edit_presence(once, &it, &there, NULL), 0);
        assert_int_equal(there, DEVICE_PRESENT);
        CLEANUP_FREE char *without = NULL;
        assert_int_equal(domain_edit_detach(once, &it.device, "a", &without, NULL), 0);
        assert_non_null(without);
        if (strstr(without, UUID_A) != NULL) {
            fail_msg("row %zu: %s", i, without);
        }
    }
}

static void another_claims_override_goes_with_its_device(void **state)
{
    (void)state;
    struct attachment it = {.claim = "b",
                            .device = {.addr = {.domain = 0x10000, .bus = 0xe1}},
                            .kind = HOSTDEV_WHOLE,
                            .numa_node = -1};
    CLEANUP_FREE char *plain = domain("", "");
    CLEANUP_FREE char *others = attached(plain, it);
    it.claim = "a";
    CLEANUP_FREE char *now = attached(others, it);
    assert_null(strstr(now, "ua-cleave-b"));
    assert_int_equal(count(now, "<qemu:device"), 1);
}

static void what_is_another_claims_is_not_taken_out(void **state)
{
    (void)state;
    CLEANUP_FREE char *plain = domain("", HOSTDEV_OF(UUID_A, OF_A) HOSTDEV_OF(UUID_A, OF_B));
    struct hostdev device = mdev("a", UUID_A).device;
    CLEANUP_FREE char *left = NULL;
    assert_int_equal(domain_edit_detach(plain, &device, "a", &left, NULL), 0);
    assert_null(strstr(left, "ua-cleave-a"));
    assert_non_null(strstr(left, "ua-cleave-b"));
}

static void notes_are_found_behind_foreign_metadata(void **state)
{
    (void)state;
    static const char *const heads[] = {
        "<f:metadata xmlns:f='urn:f'/>",
        "<f:memory xmlns:f='urn:f'>1</f:memory>",
        "<metadata><f:domain xmlns:f='urn:f'/><domain/></metadata>",
        "<metadata><app xmlns='urn:cleave'/></metadata>",
    };
    for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
        CLEANUP_FREE char *plain = domain(heads[i], PCIE_ROOT);
        CLEANUP_FREE char *with = attached(plain, whole_gpu("a", 0x41));
        CLEANUP_FREE char *again = attached(with, whole_gpu("a", 0x41));
        assert_int_equal(count(again, "<cleave:domain"), 1);
        struct hostdev device = whole_gpu("a", 0x41).device;
        CLEANUP_FREE char *without = NULL;
        assert_int_equal(domain_edit_detach(again, &device, "a", &without, NULL), 0);
        if (strstr(without, "cleave:") != NULL || strstr(without, "pcihole64") != NULL) {
            fail_msg("%s: %s", heads[i], without);
        }
    }
}

static void foreign_devices_do_not_hide_the_domains_own(void **state)
{
    (void)state;
    CLEANUP_FREE char *plain = domain("<f:devices xmlns:f='urn:f'/>", PCIE_ROOT);
    CLEANUP_FREE char *with = attached(plain, whole_gpu("a", 0x41));
    assert_true(strstr(with, "<hostdev") > strstr(with, "<devices>"));
}

static void what_is_not_there_is_not_taken_out(void **state)
{
    (void)state;
    CLEANUP_FREE char *plain = domain("", "<hostdev type='usb'/>");
    struct hostdev device = {.addr = {.bus = 0x41}};
    char *without = NULL;
    assert_int_equal(domain_edit_detach(plain, &device, "a", &without, NULL), 0);
    assert_null(without);
}

/* ---- rewrite ---- */

static struct hostdev_change change_of(const char *claim, uint8_t from, uint8_t to)
{
    struct hostdev_change change = {.from = {.addr = {.bus = from}}, .to = {.addr = {.bus = to}}};
    STR_SET(change.claim, claim);
    return change;
}

static void devices_change_places_and_all_else_stays(void **state)
{
    (void)state;
    CLEANUP_FREE char *plain = domain("", PCIE_ROOT);
    CLEANUP_FREE char *one = attached(plain, whole_gpu("a", 0x41));
    CLEANUP_FREE char *two = attached(one, whole_gpu("b", 0x42));
    struct hostdev_change changes[] = {change_of("a", 0x99, 0x42), change_of("", 0x42, 0x41)};
    CLEANUP_FREE char *swapped = NULL;
    struct error err = {0};
    assert_int_equal(domain_edit_rewrite(two, changes, 2, &swapped, &err), 0);
    const char *a = strstr(swapped, "ua-cleave-a");
    assert_non_null(a);
    assert_true(strstr(swapped, "bus=\"0x42\"") < a);
    assert_true(strstr(swapped, "bus=\"0x41\"") > a);
    assert_non_null(strstr(swapped, "pcihole64 unit=\"KiB\">202375168"));
    assert_null(strstr(swapped, "numatune")); /* the node is this host's */
}

static void a_change_that_fits_nothing_or_two_is_refused(void **state)
{
    (void)state;
    CLEANUP_FREE char *plain = domain("", "");
    CLEANUP_FREE char *one = attached(plain, whole_gpu("a", 0x41));
    struct hostdev_change change = change_of("b", 0x43, 0x44);
    char *out = NULL;
    struct error err = {0};
    assert_int_equal(domain_edit_rewrite(one, &change, 1, &out, &err), -REASON_NOT_FOUND);
    assert_string_equal(err.message, "the definition has no device 0000:43:00.0 of claim b");
    change = change_of("a", 0x41, 0x44);
    change.to.is_mdev = true;
    assert_int_equal(domain_edit_rewrite(one, &change, 1, &out, &err), -REASON_UNSUPPORTED);
    CLEANUP_FREE char *twice =
        domain("", "<hostdev type='mdev'><source><address uuid='" UUID_A "'/></source></hostdev>"
                   "<hostdev type='mdev'><source><address uuid='" UUID_A "'/></source></hostdev>");
    struct hostdev_change both = {.from = mdev("", UUID_A).device, .to = mdev("", UUID_B).device};
    assert_int_equal(domain_edit_rewrite(twice, &both, 1, &out, &err), -REASON_CONFLICT);
    assert_null(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_gpu_is_managed),
        cmocka_unit_test(a_vendors_function_is_not_managed_and_keeps_a_wide_domain),
        cmocka_unit_test(a_wide_domain_gets_round_qemus_parser),
        cmocka_unit_test(other_namespaces_do_not_hide_qemus),
        cmocka_unit_test(an_alias_carries_every_name_a_claim_can_have),
        cmocka_unit_test(other_aliases_name_no_claim),
        cmocka_unit_test(only_the_first_mdev_is_displayed),
        cmocka_unit_test(nothing_is_displayed_that_no_one_could_see),
        cmocka_unit_test(large_bars_get_a_window_that_goes_with_them),
        cmocka_unit_test(what_a_person_wrote_stays),
        cmocka_unit_test(what_a_person_changed_since_stays),
        cmocka_unit_test(a_numa_hint_needs_several_nodes_and_one_answer),
        cmocka_unit_test(the_window_is_only_as_large_as_it_must_be),
        cmocka_unit_test(a_window_that_the_cpu_cant_address_is_not_written),
        cmocka_unit_test(a_claims_new_device_replaces_its_old_one),
        cmocka_unit_test(a_device_put_in_by_hand_is_distinguished_and_adopted),
        cmocka_unit_test(a_device_that_is_there_twice_is_one_claims_and_comes_out),
        cmocka_unit_test(another_claims_override_goes_with_its_device),
        cmocka_unit_test(what_is_another_claims_is_not_taken_out),
        cmocka_unit_test(notes_are_found_behind_foreign_metadata),
        cmocka_unit_test(foreign_devices_do_not_hide_the_domains_own),
        cmocka_unit_test(what_is_not_there_is_not_taken_out),
        cmocka_unit_test(devices_change_places_and_all_else_stays),
        cmocka_unit_test(a_change_that_fits_nothing_or_two_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
