/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/libvirt/hostdev.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"

#define ALIAS_PREFIX "ua-cleave-"

/* ---- aliases ---- */

const char *hostdev_alias(const char *claim, char out[HOSTDEV_ALIAS_SIZE])
{
    size_t n = strlen(ALIAS_PREFIX);
    memcpy(out, ALIAS_PREFIX, n);
    for (const char *at = claim; *at != '\0' && n + 2 < HOSTDEV_ALIAS_SIZE; at++) {
        if (*at == '_' || *at == '.') {
            out[n++] = '_';
        }
        out[n++] = *at == '.' ? 'd' : *at;
    }
    out[n] = '\0';
    return out;
}

bool hostdev_alias_claim(const char *alias, char ret_claim[NAME_SIZE])
{
    ret_claim[0] = '\0';
    if (!str_starts(alias, ALIAS_PREFIX)) {
        return false;
    }
    char claim[NAME_SIZE];
    size_t n = 0;
    for (const char *at = alias + strlen(ALIAS_PREFIX); *at != '\0'; at++) {
        bool escaped = *at == '_';
        at += escaped ? 1 : 0;
        if (n + 1 == sizeof(claim) || (escaped && *at != '_' && *at != 'd')) {
            return false;
        }
        claim[n++] = escaped && *at == 'd' ? '.' : *at;
    }
    claim[n] = '\0';
    return parse_name(claim) && str_copy(ret_claim, NAME_SIZE, claim);
}

void hostdev_claim(const xmlNode *node, char ret_claim[NAME_SIZE])
{
    char alias[HOSTDEV_ALIAS_SIZE];
    (void)XML_GET(xml_child(node, "alias"), "name", alias);
    (void)hostdev_alias_claim(alias, ret_claim);
}

void hostdev_set_claim(xmlNode *node, const char *claim)
{
    char alias[HOSTDEV_ALIAS_SIZE];
    xmlNode *element = xml_child(node, "alias");
    xml_set(element != NULL ? element : xml_add(node, "alias"), "name",
            hostdev_alias(claim, alias));
}

/* ---- devices ---- */

bool hostdev_eq(const struct hostdev *a, const struct hostdev *b)
{
    if (a->is_mdev != b->is_mdev) {
        return false;
    }
    return a->is_mdev ? str_eq(a->mdev_uuid, b->mdev_uuid) : pci_addr_cmp(&a->addr, &b->addr) == 0;
}

const char *hostdev_name(const struct hostdev *device, char *out, size_t size)
{
    char bdf[BDF_SIZE];
    str_copy(out, size, device->is_mdev ? device->mdev_uuid : pci_addr_format(&device->addr, bdf));
    return out;
}

static bool read_pci(const xmlNode *address, struct hostdev *ret_device)
{
    uint32_t domain = 0;
    uint32_t bus = 0;
    uint32_t slot = 0;
    uint32_t function = 0;
    if (!xml_get_hex(address, "domain", UINT32_MAX, &domain) ||
        !xml_get_hex(address, "bus", 0xff, &bus) || !xml_get_hex(address, "slot", 0x1f, &slot) ||
        !xml_get_hex(address, "function", 7, &function)) {
        return false;
    }
    ret_device->addr = (struct pci_addr){.domain = domain,
                                         .bus = (uint8_t)bus,
                                         .device = (uint8_t)slot,
                                         .function = (uint8_t)function};
    return true;
}

bool hostdev_read(const xmlNode *node, struct hostdev *ret_device)
{
    *ret_device = (struct hostdev){.is_mdev = xml_has(node, "type", "mdev")};
    const xmlNode *address = xml_child(xml_child(node, "source"), "address");
    if (address == NULL) {
        return false;
    }
    if (ret_device->is_mdev) {
        return XML_GET(address, "uuid", ret_device->mdev_uuid) && parse_uuid(ret_device->mdev_uuid);
    }
    return xml_has(node, "type", "pci") && read_pci(address, ret_device);
}

bool hostdev_read_interface(const xmlNode *node, struct hostdev *ret_device)
{
    const xmlNode *address = xml_child(xml_child(node, "source"), "address");
    *ret_device = (struct hostdev){0};
    return xml_has(node, "type", "hostdev") && address != NULL && read_pci(address, ret_device);
}

static void set_hex(xmlNode *node, const char *attribute, int digits, uint32_t value)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "0x%0*x", digits, value);
    xml_set(node, attribute, text);
}

void hostdev_set_source(xmlNode *node, const struct hostdev *device)
{
    xmlNode *source = xml_child(node, "source");
    if (source == NULL) {
        source = xml_add(node, "source");
    }
    xmlNode *address = xml_child(source, "address");
    if (address == NULL) {
        address = xml_add(source, "address");
    }
    if (device->is_mdev) {
        xml_set(address, "uuid", device->mdev_uuid);
        return;
    }
    set_hex(address, "domain", 4, device->addr.domain);
    set_hex(address, "bus", 2, device->addr.bus);
    set_hex(address, "slot", 2, device->addr.device);
    set_hex(address, "function", 1, device->addr.function);
}

/* libvirt's domain XML, "hostdev": what only a PCI device may have, and what only an mdev. */
static void make_mdev(xmlNode *node)
{
    static const char *const pci_only[] = {"driver", "boot", "teaming"};
    for (size_t i = 0; i < ARRAY_SIZE(pci_only); i++) {
        xmlNode *child = xml_child(node, pci_only[i]);
        if (child != NULL) {
            xml_drop(child);
        }
    }
    xml_set(node, "type", "mdev");
    xml_set(node, "managed", "no");
    xml_set(node, "model", "vfio-pci");
}

static void make_pci(xmlNode *node, enum hostdev_kind kind)
{
    static const char *const mdev_only[] = {"model", "display", "ramfb"};
    for (size_t i = 0; i < ARRAY_SIZE(mdev_only); i++) {
        xmlUnsetProp(node, (const xmlChar *)mdev_only[i]);
    }
    xml_set(node, "type", "pci");
    xml_set(node, "managed", kind == HOSTDEV_WHOLE ? "yes" : "no");
}

void hostdev_replace(xmlNode *node, const struct hostdev *device, enum hostdev_kind kind)
{
    xmlNode *source = xml_child(node, "source");
    xmlNode *address = xml_child(source, "address");
    bool same = xml_has(node, "type", device->is_mdev ? "mdev" : "pci");
    if (!same && address != NULL) {
        xml_drop(address);
        xmlUnsetProp(source, (const xmlChar *)"writeFiltering");
    }
    if (!same && device->is_mdev) {
        make_mdev(node);
    } else if (!same) {
        make_pci(node, kind);
    } else if (kind == HOSTDEV_VENDOR_VFIO) {
        xml_set(node, "managed", "no"); /* with yes libvirt would take it from NVIDIA's driver */
    }
    hostdev_set_source(node, device);
}

xmlNode *hostdev_add(xmlNode *devices, const struct hostdev *device, enum hostdev_kind kind,
                     const char *claim)
{
    xmlNode *node = xml_add(devices, "hostdev");
    xml_set(node, "mode", "subsystem");
    xml_set(node, "type", device->is_mdev ? "mdev" : "pci");
    xml_set(node, "managed", kind == HOSTDEV_WHOLE ? "yes" : "no");
    if (device->is_mdev) {
        xml_set(node, "model", "vfio-pci");
    }
    hostdev_set_source(node, device);
    if (claim[0] != '\0') {
        hostdev_set_claim(node, claim);
    }
    return node;
}
