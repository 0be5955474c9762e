/* SPDX-License-Identifier: Apache-2.0 */
/* A migration before the VM moves. Private to src/manager; loop thread only. */
#ifndef MANAGER_MIGRATION_CHECK_H
#define MANAGER_MIGRATION_CHECK_H

struct move;

void move_keep_checking(struct move *move);
void move_keep_preparing(struct move *move);

#endif
