/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PCI domains above 0xffff (Intel VMD makes 10000 and up): libvirt takes them and hands them to
 * QEMU as `host`, whose parser ends at four digits (hw/core/qdev-properties-system.c,
 * set_pci_host_devaddr(); seen with libvirt 9.0 and 11.3, QEMU 7.2). QEMU's other property,
 * `sysfsdev`, takes any device, and libvirt can replace one by the other since 8.2 ("Overriding
 * properties of QEMU devices" in the documentation of its QEMU driver).
 */
#ifndef DRIVER_LIBVIRT_DOMAIN_OVERRIDE_H
#define DRIVER_LIBVIRT_DOMAIN_OVERRIDE_H

#include "driver/libvirt/hostdev.h"

/* Makes the override what the claim's device needs: there, or not there. */
void domain_override_set(xmlNode *root, const char *claim, const struct hostdev *device);
/* Does it need one that is not there? */
bool domain_override_missing(const xmlNode *root, const char *claim, const struct hostdev *device);
void domain_override_drop(xmlNode *root, const char *claim);
/* Is it the override of that alias, and one that domain_override_set() made? */
bool domain_override_is_ours(const xmlNode *device);

#endif
