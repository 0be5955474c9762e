/* SPDX-License-Identifier: Apache-2.0 */
/* The concrete drivers behind the ports. Nothing else of cleaved names them. */
#ifndef DAEMON_DRIVERS_H
#define DAEMON_DRIVERS_H

#include "daemon/settings.h"
#include "exec/ports.h"
#include "manager/manager.h"
#include "port/peer_port.h"

struct drivers {
    struct ports ports;
    /* Connections of their own, see manager/manager.h. */
    struct guest_port *watch_guest, *vm_guests[VM_LINES], *track_guest;
    struct guest_port *move_guest; /* given to the manager */
    struct peer_port *peer;
};

/* Never fails: what is missing on the machine shows when it is observed. */
void drivers_open(struct drivers *drivers, const struct settings *settings);
void drivers_close(struct drivers *drivers);

#endif
