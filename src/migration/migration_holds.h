/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a migration has in hand: its VM, and the claims that go or come with it. Loop thread only.
 */
#ifndef MIGRATION_MIGRATION_HOLDS_H
#define MIGRATION_MIGRATION_HOLDS_H

struct arrival;
struct move;

/* Takes, or ends, the holds of VM and claims as the migration is now: at its start, after a
 * restart, and whenever its state changes. */
void move_hold(const struct move *move);
void arrival_hold(const struct arrival *arrival);

#endif
