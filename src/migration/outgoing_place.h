/* SPDX-License-Identifier: Apache-2.0 */
/* Where the VM of a migration is. Loop thread only. */
#ifndef MIGRATION_OUTGOING_PLACE_H
#define MIGRATION_OUTGOING_PLACE_H

#include "plan/whereabouts.h"

struct outgoing;

/* Asks both libvirts where the VM is, and goes on from there. */
void outgoing_decide(struct outgoing *outgoing);
/* What libvirt here said of the VM when it was looked at last. */
enum place outgoing_place_here(const struct outgoing *outgoing);

#endif
