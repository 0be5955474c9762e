/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the page of a device right (page.h) in a VM that was moved here or restored: QEMU brings
 * the device's memory along, and with it the page of the device that the VM had before. What the
 * guest wrote stays, the heartbeat too; the rest is written again within a moment, as often as it
 * takes.
 */
#ifndef SIM_GUEST_KEEPER_H
#define SIM_GUEST_KEEPER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "sim/guest/page.h"

struct kept_page {
    int fd; /* of the device's memory; borrowed */
    struct guest_page page;
};

/* Writes what differs; true if something did. */
bool keeper_mend(const struct kept_page *kept);
/* Starts a process that does so until this one, whatever program it becomes, ends. `kept` in the
 * order of the descriptors. */
int keeper_start(const struct kept_page *kept, size_t n, struct error *err);

#endif
