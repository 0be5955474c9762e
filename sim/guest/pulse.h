/* SPDX-License-Identifier: Apache-2.0 */
/* The page of a running guest's device, seen from the host: above all its heartbeat. */
#ifndef SIM_GUEST_PULSE_H
#define SIM_GUEST_PULSE_H

#include "base/error.h"
#include "sim/guest/page.h"

/* `pid`: the emulator that has the device open. -NOT_FOUND when it shares no such page. */
int pulse_read(int32_t pid, const char *device, struct guest_page *ret_page, struct error *err);

#endif
