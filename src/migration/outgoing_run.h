/* SPDX-License-Identifier: Apache-2.0 */
/* A migration while the VM moves, and what it does in each state. Loop thread only. */
#ifndef MIGRATION_OUTGOING_RUN_H
#define MIGRATION_OUTGOING_RUN_H

struct operation;

/* Does what comes next. */
void outgoing_advance(struct operation *operation);

#endif
