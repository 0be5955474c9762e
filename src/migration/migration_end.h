/* SPDX-License-Identifier: Apache-2.0 */
/* The ways in which a migration ends. Loop thread only. */
#ifndef MIGRATION_MIGRATION_END_H
#define MIGRATION_MIGRATION_END_H

struct error;
struct migration;
struct move;
struct plan;

/* What gives back what the VM had here. */
int move_plan_release(const struct move *move, struct plan **ret_plan, struct error *err);
void move_keep_switching(struct move *move);
void move_keep_releasing(struct move *move);
void move_keep_aborting(struct move *move);
void move_after_plan(struct migration *migration, const struct plan *plan);

#endif
