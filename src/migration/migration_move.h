/* SPDX-License-Identifier: Apache-2.0 */
/* A migration from state to state: stored, tried again, ended. Loop thread only. */
#ifndef MIGRATION_MIGRATION_MOVE_H
#define MIGRATION_MIGRATION_MOVE_H

#include <stdint.h>

#include "model/migration.h"

struct manager;
struct move;
struct txn;

/* The migration as it is, stored; in the ledger's turn. -reason if it can't be. Waits for the disk.
 */
int move_store(struct move *move, struct error *err);
/* How long to wait before looking again. */
uint64_t move_tick_us(const struct manager *m);
/* After a pause that grows with each attempt. */
void move_back_off(struct move *move);
void move_schedule(struct move *move);
/* The migration is over: answers a dry run, and lets the next one move. */
void move_finish(struct move *move);
/* Stores the next state and goes on from there; tries again later if it can't be stored. Until then
 * it is a job of the migration. */
void move_enter(struct move *move, enum migration_state state);
void move_blame(struct move *move, const struct error *err);
/* The VM is here: the target gives back what it has. `err` NULL: no one is to blame. */
void move_go_back(struct move *move, const struct error *err);
/* -CONFLICT: the migration is not in a state that a person could resolve. */
int move_refuse_to_resolve(const struct move *move, struct error *err);
/* Answers who waits for that; nothing if no one does. */
void move_refuse_resolving(struct move *move, const struct error *err);
/* The migration is over: nothing is left to resolve. */
void move_end_settling(struct move *move);
/* Ends it without anything having been done. */
void move_fail(struct move *move, const struct error *err);
/* Its event, where the state is worth one. */
void move_note(struct txn *txn, const struct migration *migration);

#endif
