/* SPDX-License-Identifier: Apache-2.0 */
/* Where the VM of a migration is. Loop thread only. */
#ifndef MIGRATION_MIGRATION_PLACE_H
#define MIGRATION_MIGRATION_PLACE_H

#include "plan/whereabouts.h"

struct move;

/* Asks both libvirts where the VM is, and goes on from there. */
void move_decide(struct move *move);
/* What libvirt here said of the VM when it was looked at last. */
enum place move_place_here(const struct move *move);

#endif
