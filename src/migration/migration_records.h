/* SPDX-License-Identifier: Apache-2.0 */
/* Migrations in the store and in memory. Loop thread only. */
#ifndef MIGRATION_MIGRATION_RECORDS_H
#define MIGRATION_MIGRATION_RECORDS_H

#include "operation/operation.h"

struct incoming_vm;
struct incoming;
struct manager;
struct migration;
struct outgoing;
struct txn;

/* Takes the migration, whose operation begins: `start` has its kind, and whether it is a dry run or
 * was stored. Nothing is scheduled. */
struct outgoing *outgoing_new(struct manager *m, struct migration *migration,
                              const struct operation_start *start);
void outgoing_free(struct outgoing *outgoing);
/* The operation's state follows the migration's. */
void outgoing_follow(struct outgoing *outgoing);
/* Of the operation's row: frees it, unless a worker has it. */
void outgoing_forget(struct operation *operation);
struct outgoing *outgoing_find(const struct manager *m, const char *id, struct error *err);
struct outgoing *outgoing_find_plan(const struct manager *m, const char *plan);
/* Takes the reservation, whose operation begins: `start` has its kind, and whether it was stored.
 */
struct incoming_vm *incoming_vm_new(struct manager *m, struct incoming *incoming,
                                    const struct operation_start *start);
/* The operation's state follows the reservation's. */
void incoming_vm_follow(struct incoming_vm *incoming_vm);
/* The source spoke: the time until it is silent begins again. */
void incoming_vm_heard(struct incoming_vm *incoming_vm);
void incoming_vm_free(struct incoming_vm *incoming_vm);
/* Of the operation's row. */
void incoming_vm_forget(struct operation *operation);
struct incoming_vm *incoming_vm_find(const struct manager *m, const char *id);
struct incoming_vm *incoming_vm_find_plan(const struct manager *m, const char *plan);

void txn_put_migration(struct txn *txn, const struct migration *migration);
void txn_put_incoming(struct txn *txn, const struct incoming *incoming);
struct incoming *incoming_copy(const struct incoming *incoming);

#endif
