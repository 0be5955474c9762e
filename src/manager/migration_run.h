/* SPDX-License-Identifier: Apache-2.0 */
/* A migration while the VM moves, and what it does in each state. Private to src/manager; loop
 * thread only. */
#ifndef MANAGER_MIGRATION_RUN_H
#define MANAGER_MIGRATION_RUN_H

struct operation;

/* Does what comes next. */
void move_advance(struct operation *operation);

#endif
