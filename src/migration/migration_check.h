/* SPDX-License-Identifier: Apache-2.0 */
/* A migration before the VM moves. Loop thread only. */
#ifndef MIGRATION_MIGRATION_CHECK_H
#define MIGRATION_MIGRATION_CHECK_H

struct move;

void move_keep_checking(struct move *move);
void move_keep_preparing(struct move *move);

#endif
