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

/* The namespace of what a definition hands to QEMU past libvirt: <commandline>, <override>. */
#define DOMAIN_QEMU_URI "http://libvirt.org/schemas/domain/qemu/1.0"

/* QEMU's <override>; NULL without one. One of another namespace is not it. */
xmlNode *domain_override_all(const xmlNode *root);
/* Makes the override what the claim's device needs: there, or not there. */
void domain_override_set(xmlNode *root, const char *claim, const struct hostdev *device);
/* Does it need one that is not there? */
bool domain_override_missing(const xmlNode *root, const char *claim, const struct hostdev *device);
void domain_override_drop(xmlNode *root, const char *claim);
/* Is it one of those that domain_override_set() makes? `device` is of domain_override_all(). */
bool domain_override_is_ours(const xmlNode *device);

#endif
