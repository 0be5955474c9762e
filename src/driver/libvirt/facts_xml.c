/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/libvirt/facts_xml.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "driver/libvirt/domain_override.h"
#include "driver/libvirt/hostdev.h"

#define MAX_CPUS 4096
#define MAX_NODES 64
#define MAX_DEVICES 64
#define MAX_REMARKS 64

static uint32_t line_of(const xmlNode *node)
{
    long line = node != NULL ? xmlGetLineNo(node) : 0;
    return line > 0 ? (uint32_t)line : 0;
}

static bool is_on(const xmlNode *node, const char *attribute)
{
    return xml_has(node, attribute, "on") || xml_has(node, attribute, "yes");
}

#define ADD_REMARK(list, node, ...)                                                                \
    do {                                                                                           \
        if ((list)->n < MAX_REMARKS) {                                                             \
            struct domain_remark *added_ = vec_push(list);                                         \
            added_->line = line_of(node);                                                          \
            (void)snprintf(added_->what, sizeof(added_->what), __VA_ARGS__);                       \
        }                                                                                          \
    } while (0)

/* ---- sets: "0-3,^2,8" ---- */

struct bits {
    uint64_t words[MAX_CPUS / 64];
};

static void bits_set(struct bits *bits, uint32_t from, uint32_t to, bool on)
{
    for (uint32_t i = from; i <= to && i < MAX_CPUS; i++) {
        uint64_t bit = 1ULL << (i % 64);
        bits->words[i / 64] = on ? bits->words[i / 64] | bit : bits->words[i / 64] & ~bit;
    }
}

static bool bits_has(const struct bits *bits, uint32_t i)
{
    return i < MAX_CPUS && (bits->words[i / 64] >> (i % 64) & 1) != 0;
}

static bool add_range(struct bits *bits, char *range)
{
    bool on = range[0] != '^';
    char *first = on ? range : range + 1;
    char *dash = strchr(first, '-');
    uint32_t from = 0;
    uint32_t to = 0;
    if (dash != NULL) {
        *dash = '\0';
    }
    if (!parse_u32(first, &from) || !parse_u32(dash != NULL ? dash + 1 : first, &to) ||
        to >= MAX_CPUS) {
        return false;
    }
    bits_set(bits, from, to, on);
    return true;
}

static bool bits_parse(struct bits *bits, const char *text)
{
    CLEANUP_FREE char *copy = xstrdup(text);
    char *rest = copy;
    for (char *range = strsep(&rest, ","); range != NULL; range = strsep(&rest, ",")) {
        if (!add_range(bits, str_trim(range))) {
            return false;
        }
    }
    return true;
}

/* ---- NUMA nodes ---- */

static void read_memory_nodes(const xmlNode *root, struct domain_nodes *nodes)
{
    const xmlNode *memory = xml_child(xml_child(root, "numatune"), "memory");
    char text[256];
    struct bits bits = {0};
    if (memory == NULL) {
        return;
    }
    nodes->line = line_of(memory);
    nodes->known = XML_GET(memory, "nodeset", text) && bits_parse(&bits, text);
    nodes->mask = bits.words[0];
}

static void add_cpus(const xmlNode *node, struct bits *cpus, struct domain_nodes *nodes)
{
    char text[512];
    if (!XML_GET(node, "cpuset", text)) {
        return;
    }
    if (nodes->line == 0) {
        nodes->line = line_of(node);
        nodes->known = true;
    }
    nodes->known = bits_parse(cpus, text) && nodes->known;
}

/* The nodes that have one of the CPUs. */
static uint64_t nodes_with(const xmlNode *capabilities, const struct bits *cpus, uint32_t *ret_n)
{
    const xmlNode *cells =
        xml_child(xml_child(xml_child(capabilities, "host"), "topology"), "cells");
    uint64_t mask = 0;
    *ret_n = 0;
    for (xml_each(cells, "cell", cell)) {
        uint64_t id = 0;
        if (!xml_get_u64(cell, "id", &id) || id >= MAX_NODES) {
            continue;
        }
        (*ret_n)++;
        for (xml_each(xml_child(cell, "cpus"), "cpu", cpu)) {
            uint64_t number = 0;
            if (xml_get_u64(cpu, "id", &number) && number < MAX_CPUS &&
                bits_has(cpus, (uint32_t)number)) {
                mask |= 1ULL << id;
            }
        }
    }
    return mask;
}

static int read_nodes(const xmlNode *root, const char *capabilities, struct domain_facts *facts,
                      struct error *err)
{
    struct bits cpus = {0};
    CLEANUP_DOC xmlDoc *doc = NULL;
    read_memory_nodes(root, &facts->memory_nodes);
    add_cpus(xml_child(root, "vcpu"), &cpus, &facts->cpu_nodes);
    for (xml_each(xml_child(root, "cputune"), "vcpupin", pin)) {
        add_cpus(pin, &cpus, &facts->cpu_nodes);
    }
    int result = capabilities != NULL ? xml_parse_as(capabilities, "capabilities", &doc, err) : 0;
    if (doc != NULL) {
        facts->cpu_nodes.mask = nodes_with(xmlDocGetRootElement(doc), &cpus, &facts->n_host_nodes);
    }
    facts->cpu_nodes.known = facts->cpu_nodes.known && facts->n_host_nodes > 0;
    return result;
}

/* ---- devices ---- */

static bool is_by_path(const xmlNode *root, const xmlNode *device)
{
    char alias[HOSTDEV_ALIAS_SIZE];
    if (!XML_GET(xml_child(device, "alias"), "name", alias)) {
        return false;
    }
    for (xml_each(domain_override_all(root), "device", override)) {
        for (xml_each(xml_child(override, "frontend"), "property", property)) {
            if (xml_has(override, "alias", alias) && xml_has(property, "name", "sysfsdev")) {
                return true;
            }
        }
    }
    return false;
}

static void read_device(const xmlNode *root, const xmlNode *node, struct domain_facts *facts)
{
    struct hostdev device;
    bool is_interface = xml_is(node, "interface");
    if (is_interface ? !hostdev_read_interface(node, &device) : !hostdev_read(node, &device)) {
        return;
    }
    if (facts->devices.n == MAX_DEVICES) {
        return;
    }
    struct domain_device *it = vec_push(&facts->devices);
    it->line = line_of(node);
    it->is_interface = is_interface;
    it->is_mdev = device.is_mdev;
    it->addr = device.addr;
    STR_SET(it->mdev_uuid, device.mdev_uuid);
    it->managed = xml_has(node, "managed", "yes")  ? TRI_YES
                  : xml_has(node, "managed", "no") ? TRI_NO
                                                   : TRI_UNKNOWN;
    facts->iommufd = facts->iommufd || is_on(xml_child(node, "driver"), "iommufd");
    it->display = is_on(node, "display");
    it->ramfb = is_on(node, "ramfb");
    it->by_path = is_by_path(root, node);
    hostdev_claim(node, it->claim);
}

static void read_devices(const xmlNode *root, struct domain_facts *facts)
{
    static const char *const viewers[] = {"vnc", "spice", "dbus", "sdl"};
    const xmlNode *devices = xml_child(root, "devices");
    for (xml_each(devices, "hostdev", node)) {
        read_device(root, node, facts);
    }
    for (xml_each(devices, "interface", node)) {
        read_device(root, node, facts);
    }
    for (xml_each(devices, "graphics", node)) {
        for (size_t i = 0; i < ARRAY_SIZE(viewers); i++) {
            facts->n_viewers += xml_has(node, "type", viewers[i]);
        }
    }
    for (xml_each(devices, "controller", node)) {
        if (xml_has(node, "type", "pci") && xml_has(node, "index", "0")) {
            const xmlNode *window = xml_child(node, "pcihole64");
            (void)XML_GET(node, "model", facts->root_controller);
            facts->window_line = line_of(window);
            (void)(window != NULL && xml_get_kib(window, &facts->window_kib));
        }
    }
    const xmlNode *iommu = xml_child(devices, "iommu");
    facts->iommu.line = line_of(iommu);
    (void)XML_GET(iommu, "model", facts->iommu.what);
    facts->iommu_caching = is_on(xml_child(iommu, "driver"), "caching_mode");
}

/* ---- what passes libvirt by ---- */

static void read_emulator_args(const xmlNode *root, struct domain_facts *facts)
{
    const xmlNode *arguments = xml_next_in(root, NULL, DOMAIN_QEMU_URI, "commandline");
    for (xml_each(arguments, "arg", arg)) {
        char value[256];
        if (!XML_GET(arg, "value", value)) {
            STR_SET(value, "an argument too long to show");
        }
        if (strstr(value, "vfio") != NULL) {
            ADD_REMARK(&facts->emulator_args, arg, "%.90s", value);
        }
    }
    for (xml_each(domain_override_all(root), "device", device)) {
        char alias[64];
        if (!domain_override_is_ours(device) && XML_GET(device, "alias", alias)) {
            ADD_REMARK(&facts->emulator_args, device, "an override of device %s", alias);
        }
    }
}

/* ---- what can't move ---- */

/* libvirt's and QEMU's documentation of each; a disk's file may be shared, which can't be seen. */
static const struct {
    const char *element, *attribute, *value, *what;
} local_things[] = {
    {"hostdev", "type", "usb", "a USB device of this host"},
    {"hostdev", "type", "scsi", "a SCSI device of this host"},
    {"hostdev", "type", "scsi_host", "a SCSI host adapter"},
    {"filesystem", NULL, NULL, "a folder of this host"},
    {"disk", "type", "nvme", "an NVMe disk of this host"},
    {"smartcard", "mode", "host", "a smart card reader of this host"},
    {"input", "type", "passthrough", "an input device of this host"},
    {"input", "type", "evdev", "an input device of this host"},
    {"serial", "type", "dev", "a serial port of this host"},
    {"parallel", "type", "dev", "a parallel port of this host"},
    {"memory", "model", "nvdimm", "an NVDIMM backed by a file of this host"},
};

static void read_obstacles(const xmlNode *root, struct domain_facts *facts)
{
    const xmlNode *devices = xml_child(root, "devices");
    for (size_t i = 0; i < ARRAY_SIZE(local_things); i++) {
        for (xml_each(devices, local_things[i].element, node)) {
            if (local_things[i].attribute == NULL ||
                xml_has(node, local_things[i].attribute, local_things[i].value)) {
                ADD_REMARK(&facts->obstacles, node, "%s", local_things[i].what);
            }
        }
    }
    for (xml_each(devices, "tpm", node)) {
        if (xml_has(xml_child(node, "backend"), "type", "passthrough")) {
            ADD_REMARK(&facts->obstacles, node, "the TPM of this host");
        }
    }
    const xmlNode *security = xml_child(root, "launchSecurity");
    if (security != NULL) {
        ADD_REMARK(&facts->obstacles, security, "memory that this host's CPU encrypts");
    }
    const xmlNode *cpu = xml_child(root, "cpu");
    if (xml_has(cpu, "migratable", "off")) {
        ADD_REMARK(&facts->obstacles, cpu, "features of this host's CPU (migratable='off')");
    }
    for (xml_each(cpu, "feature", feature)) {
        if (xml_has(feature, "name", "invtsc") && !xml_has(feature, "policy", "disable")) {
            ADD_REMARK(&facts->obstacles, feature, "the CPU feature invtsc");
        }
    }
}

/* ---- the whole ---- */

/* libvirt, Domain XML format: BIOS bootloader (secure, firmware features), power management, launch
 * security. */
static void read_switches(const xmlNode *root, struct domain_facts *facts)
{
    const xmlNode *os = xml_child(root, "os");
    const xmlNode *pm = xml_child(root, "pm");
    facts->secure_boot = is_on(xml_child(os, "loader"), "secure");
    for (xml_each(xml_child(os, "firmware"), "feature", feature)) {
        facts->secure_boot = facts->secure_boot ||
                             (xml_has(feature, "name", "secure-boot") && is_on(feature, "enabled"));
    }
    facts->suspend = is_on(xml_child(pm, "suspend-to-mem"), "enabled") ||
                     is_on(xml_child(pm, "suspend-to-disk"), "enabled");
    facts->iommufd = is_on(xml_child(root, "iommufd"), "enabled");
    (void)XML_GET(xml_child(root, "launchSecurity"), "type", facts->security);
}

static void read_machine(const xmlNode *root, struct domain_facts *facts)
{
    const xmlNode *os = xml_child(root, "os");
    const xmlNode *type = xml_child(os, "type");
    const xmlNode *cpu = xml_child(root, "cpu");
    const xmlNode *bits = xml_child(cpu, "maxphysaddr");
    const xmlNode *limit = xml_child(xml_child(root, "memtune"), "hard_limit");
    uint64_t value = 0;
    xml_domain_names(root, facts->name, facts->uuid);
    (void)XML_GET(type, "machine", facts->machine);
    facts->machine_line = line_of(type);
    facts->efi =
        xml_has(os, "firmware", "efi") || xml_has(xml_child(os, "loader"), "type", "pflash");
    (void)xml_get_kib(xml_child(root, "memory"), &facts->mem_kib);
    (void)XML_GET(cpu, "mode", facts->cpu_mode);
    facts->cpu_line = line_of(cpu);
    facts->phys_bits_host = xml_has(bits, "mode", "passthrough");
    if (xml_get_u64(bits, "bits", &value) && value <= 64) {
        facts->phys_bits = (uint32_t)value;
    }
    facts->hard_limit_line = line_of(limit);
    (void)(limit != NULL && xml_get_kib(limit, &facts->hard_limit_kib));
}

int facts_xml_read(const char *xml, const char *capabilities, struct domain_facts *ret_facts,
                   struct error *err)
{
    CLEANUP_DOC xmlDoc *doc = NULL;
    int result = xml_parse(xml, &doc, err);
    if (result < 0) {
        return result;
    }
    const xmlNode *root = xmlDocGetRootElement(doc);
    read_machine(root, ret_facts);
    read_switches(root, ret_facts);
    read_devices(root, ret_facts);
    read_emulator_args(root, ret_facts);
    read_obstacles(root, ret_facts);
    return read_nodes(root, capabilities, ret_facts, err);
}
