/* SPDX-License-Identifier: Apache-2.0 */
/* PCI addresses: 0000:41:00.4, domains wider than 16 bits included (VMD: 10000:e1:00.0). */
#ifndef BASE_PCI_H
#define BASE_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BDF_SIZE 20

struct pci_addr {
    uint32_t domain;
    uint8_t bus;
    uint8_t device;
    uint8_t function;
};

/* Accepts domain:bus:device.function with 1 to 8 hex digits of domain, or bus:device.function. */
bool pci_addr_parse(const char *text, struct pci_addr *ret_addr);
/* "0000:41:00.4": four domain digits, more only if needed. Returns out. */
const char *pci_addr_format(const struct pci_addr *addr, char out[BDF_SIZE]);
int pci_addr_cmp(const struct pci_addr *a, const struct pci_addr *b);
/* What people call a device that a VM is given: a mediated device by its UUID, and where that is ""
 * a PCI function by its address. Returns `mdev_uuid` or `out`. */
const char *device_name(const char *mdev_uuid, const struct pci_addr *addr, char out[BDF_SIZE]);

/* Vendor ids as the PCI SIG gives them: 0x10de is NVIDIA. */
#define PCI_VENDOR_NVIDIA 0x10de
#define PCI_VENDORS_MAX 8
struct pci_vendors {
    uint32_t ids[PCI_VENDORS_MAX];
    size_t n;
};
/* "1002,8086", of four hex digits each; "" is none. */
bool pci_vendors_parse(const char *text, struct pci_vendors *ret_vendors);
bool pci_vendors_have(const struct pci_vendors *vendors, uint32_t vendor);

#endif
