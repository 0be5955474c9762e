/* SPDX-License-Identifier: Apache-2.0 */
/* A migration from state to state: stored, tried again, ended. Loop thread only. */
#ifndef MIGRATION_OUTGOING_H
#define MIGRATION_OUTGOING_H

#include <stdint.h>

#include "model/migration.h"

struct manager;
struct outgoing;
struct txn;

/* How long to wait before looking again. */
uint64_t outgoing_tick_us(const struct manager *m);
/* After a pause that grows with each attempt. */
void outgoing_back_off(struct outgoing *outgoing);
void outgoing_schedule(struct outgoing *outgoing);
/* The migration is over: answers a dry run, and lets the next one move. */
void outgoing_finish(struct outgoing *outgoing);
/* Stores the next state and goes on from there; tries again later if it can't be stored. Until then
 * it is a job of the migration. */
void outgoing_enter(struct outgoing *outgoing, enum migration_state state);
void outgoing_blame(struct outgoing *outgoing, const struct error *err);
/* The VM is here: the target gives back what it has. `err` NULL: no one is to blame. */
void outgoing_go_back(struct outgoing *outgoing, const struct error *err);
/* -CONFLICT: the migration is not in a state that a person could resolve. */
int outgoing_check_resolvable(const struct outgoing *outgoing, struct error *err);
/* Answers who waits for that; nothing if no one does. */
void outgoing_refuse_resolution(struct outgoing *outgoing, const struct error *err);
/* The migration is over: nothing is left to resolve. */
void outgoing_end_resolving(struct outgoing *outgoing);
/* Ends it without anything having been done. */
void outgoing_fail(struct outgoing *outgoing, const struct error *err);
/* Adds the event of the state that the migration has now; some states have none. */
void outgoing_note(struct txn *txn, const struct migration *migration);

#endif
