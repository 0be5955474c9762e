/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a migration has in hand: its VM, and the claims that go or come with it. Loop thread only.
 */
#ifndef MIGRATION_MIGRATION_HOLDS_H
#define MIGRATION_MIGRATION_HOLDS_H

struct incoming_vm;
struct outgoing;

/* Takes, or ends, the holds of VM and claims as the migration is now: at its start, after a
 * restart, and whenever its state changes. */
void outgoing_hold(const struct outgoing *outgoing);
void incoming_vm_hold(const struct incoming_vm *incoming_vm);

#endif
