/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices that a definition hands to the emulator past libvirt: arguments (<qemu:commandline>) and
 * properties that replace libvirt's own (<qemu:override>). QEMU takes a host device by `host` or by
 * `sysfsdev` (hw/vfio/pci.c), as "vfio-pci,host=41:00.0", as JSON, or set afterwards ("-set").
 */
#ifndef DRIVER_LIBVIRT_ARGUMENT_H
#define DRIVER_LIBVIRT_ARGUMENT_H

#include "driver/libvirt/hostdev.h"

/* Could the text, an argument's, name a host device? */
bool argument_may_assign(const char *text);
/* Adds each device that is named so and that the VM does not have yet: not managed, of no claim.
 * What a file or a descriptor of the emulator names can't be seen. */
void argument_devices(const xmlNode *root, bool live, bool persistent, struct vm *vm);

#endif
