/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pci.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"

#define PCI_VENDOR_DIGITS 4

/* Reads min to max hex digits; returns how many were read, 0 if out of range. */
static size_t hex_digits(const char *text, size_t min, size_t max, uint32_t *ret_value)
{
    uint32_t value = 0;
    size_t n = 0;
    for (; n < max; n++) {
        int digit = parse_hex_digit(text[n]);
        if (digit < 0) {
            break;
        }
        value = value << 4 | (uint32_t)digit;
    }
    if (n < min) {
        return 0;
    }
    *ret_value = value;
    return n;
}

bool pci_addr_parse(const char *text, struct pci_addr *ret_addr)
{
    if (text == NULL) {
        return false;
    }
    uint32_t domain = 0;
    const char *p = text;
    const char *colon = strchr(text, ':');
    if (colon != NULL && strchr(colon + 1, ':') != NULL) {
        size_t n = hex_digits(p, 1, 8, &domain);
        if (n == 0 || p[n] != ':') {
            return false;
        }
        p += n + 1;
    }
    uint32_t bus = 0;
    uint32_t device = 0;
    uint32_t function = 0;
    if (hex_digits(p, 2, 2, &bus) != 2 || p[2] != ':' || hex_digits(p + 3, 2, 2, &device) != 2 ||
        p[5] != '.' || hex_digits(p + 6, 1, 1, &function) != 1 || p[7] != '\0') {
        return false;
    }
    if (device > 31 || function > 7) {
        return false;
    }
    *ret_addr = (struct pci_addr){.domain = domain,
                                  .bus = (uint8_t)bus,
                                  .device = (uint8_t)device,
                                  .function = (uint8_t)function};
    return true;
}

const char *pci_addr_format(const struct pci_addr *addr, char out[BDF_SIZE])
{
    snprintf(out, BDF_SIZE, "%04x:%02x:%02x.%x", addr->domain, addr->bus, addr->device,
             addr->function);
    return out;
}

int pci_addr_cmp(const struct pci_addr *a, const struct pci_addr *b)
{
    if (a->domain != b->domain) {
        return a->domain < b->domain ? -1 : 1;
    }
    unsigned x = (unsigned)a->bus << 8 | (unsigned)a->device << 3 | a->function;
    unsigned y = (unsigned)b->bus << 8 | (unsigned)b->device << 3 | b->function;
    return x == y ? 0 : (x < y ? -1 : 1);
}

const char *device_name(const char *mdev_uuid, const struct pci_addr *addr, char out[BDF_SIZE])
{
    return mdev_uuid[0] != '\0' ? mdev_uuid : pci_addr_format(addr, out);
}

bool pci_vendors_parse(const char *text, struct pci_vendors *ret_vendors)
{
    struct pci_vendors vendors = {0};
    for (const char *p = text; *p != '\0';) {
        if (vendors.n == PCI_VENDORS_MAX ||
            hex_digits(p, PCI_VENDOR_DIGITS, PCI_VENDOR_DIGITS, &vendors.ids[vendors.n]) == 0) {
            return false;
        }
        vendors.n++;
        p += PCI_VENDOR_DIGITS;
        if (*p == ',' && p[1] != '\0') {
            p++;
        } else if (*p != '\0') {
            return false;
        }
    }
    *ret_vendors = vendors;
    return true;
}

bool pci_vendors_have(const struct pci_vendors *vendors, uint32_t vendor)
{
    for (size_t i = 0; i < vendors->n; i++) {
        if (vendors->ids[i] == vendor) {
            return true;
        }
    }
    return false;
}
