/* SPDX-License-Identifier: Apache-2.0 */
/* How fast is the way to another host? */
#ifndef DRIVER_PEER_LINK_H
#define DRIVER_PEER_LINK_H

#include "base/unknown.h"

/* In bytes per second, of the interface that packets to the host of libvirt's URI would take.
 * Unknown: no host in it, no route, an interface without a speed such as the loopback's. */
struct amount link_speed_to(const char *uri);

#endif
