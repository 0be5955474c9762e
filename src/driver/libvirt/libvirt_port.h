/* SPDX-License-Identifier: Apache-2.0 */
/* guest_port over libvirt: domains, <hostdev> elements, start and stop. */
#ifndef DRIVER_LIBVIRT_LIBVIRT_PORT_H
#define DRIVER_LIBVIRT_LIBVIRT_PORT_H

#include "port/guest_port.h"

/* `uri` e.g. "qemu:///system". Never fails for a missing daemon: observe() reports it, calls retry
 * the connection. */
struct guest_port *libvirt_port_new(const char *uri);

#endif
