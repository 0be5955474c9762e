/* SPDX-License-Identifier: Apache-2.0 */
/* peer_port over cleaved's HTTP API. */
#ifndef DRIVER_PEER_PEER_DRIVER_H
#define DRIVER_PEER_PEER_DRIVER_H

#include "port/peer_port.h"

struct peer_port *peer_driver_new(void);

#endif
