/* SPDX-License-Identifier: Apache-2.0 */
/* Migrations in the store and in memory. Loop thread only. */
#ifndef MIGRATION_MIGRATION_RECORDS_H
#define MIGRATION_MIGRATION_RECORDS_H

#include "operation/operation.h"

struct arrival;
struct incoming;
struct manager;
struct migration;
struct move;
struct txn;

/* Takes the migration, whose operation begins: `start` has its kind, and whether it is a dry run or
 * was stored. Nothing is scheduled. */
struct move *move_new(struct manager *m, struct migration *migration,
                      const struct operation_start *start);
void move_free(struct move *move);
/* The operation's state follows the migration's. */
void move_follow(struct move *move);
struct move *moves_find(const struct manager *m, const char *id, struct error *err);
struct move *moves_find_plan(const struct manager *m, const char *plan);
/* Takes the reservation, whose operation begins: `start` has its kind, and whether it was stored.
 */
struct arrival *arrival_new(struct manager *m, struct incoming *incoming,
                            const struct operation_start *start);
/* The operation's state follows the reservation's. */
void arrival_follow(struct arrival *arrival);
/* The source spoke: the time until it is silent begins again. */
void arrival_heard(struct arrival *arrival);
void arrival_free(struct arrival *arrival);
struct arrival *arrivals_find(const struct manager *m, const char *id);
struct arrival *arrivals_find_plan(const struct manager *m, const char *plan);

void txn_put_move(struct txn *txn, const struct migration *migration);
void txn_put_arrival(struct txn *txn, const struct incoming *incoming);
struct incoming *incoming_copy(const struct incoming *incoming);
/* Forgets the oldest that are over. */
void migrations_trim(struct manager *m);

#endif
