/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger of licences in use follows what looks at the VMs show; and events say of pools that
 * they lack licences, or end soon. Loop thread only. */
#ifndef WATCH_LICENCE_WATCH_H
#define WATCH_LICENCE_WATCH_H

#include "state/listeners.h"

/* The VMs were seen: a record is begun for each that is on and was not, and ended for each that is
 * off. What can't be stored is tried again at the next look. */
guests_listener_fn licence_watch_look;

#endif
