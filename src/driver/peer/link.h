/* SPDX-License-Identifier: Apache-2.0 */
/* How fast is the way to another host? */
#ifndef DRIVER_PEER_LINK_H
#define DRIVER_PEER_LINK_H

#include <stdint.h>

/* In bytes per second, of the interface that packets to the host of libvirt's URI would take; 0:
 * not known (no host in it, no route, an interface without a speed such as the loopback's). */
uint64_t link_speed_to(const char *uri);

#endif
