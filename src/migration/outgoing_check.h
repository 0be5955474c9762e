/* SPDX-License-Identifier: Apache-2.0 */
/* A migration before the VM moves. Loop thread only. */
#ifndef MIGRATION_OUTGOING_CHECK_H
#define MIGRATION_OUTGOING_CHECK_H

struct outgoing;

void outgoing_advance_checking(struct outgoing *outgoing);
void outgoing_advance_preparing(struct outgoing *outgoing);

#endif
