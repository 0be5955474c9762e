/* SPDX-License-Identifier: Apache-2.0 */
/* The ways in which a migration ends. Loop thread only. */
#ifndef MIGRATION_OUTGOING_END_H
#define MIGRATION_OUTGOING_END_H

struct error;
struct migration;
struct outgoing;
struct plan;

/* What gives back what the VM had here. */
int outgoing_plan_release(const struct outgoing *outgoing, struct plan **ret_plan,
                          struct error *err);
void outgoing_advance_switching(struct outgoing *outgoing);
void outgoing_advance_releasing(struct outgoing *outgoing);
void outgoing_advance_aborting(struct outgoing *outgoing);
void outgoing_after_plan(struct migration *migration, const struct plan *plan);

#endif
