/* SPDX-License-Identifier: Apache-2.0 */
/* PCI addresses: 0000:41:00.4, domains wider than 16 bits included (VMD: 10000:e1:00.0). */
#ifndef MODEL_PCI_H
#define MODEL_PCI_H

#include <stdbool.h>
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

#endif
