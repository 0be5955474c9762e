/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many transactions were stored: a row of the database has the number, and a file next to it
 * (cleave.db-count) the same. The row goes into the journal with the transaction that it counts;
 * the file is written behind it, so that it is never ahead. A start whose row is behind the file
 * lacks transactions: the journal was lost or damaged, or the database is an older copy. The file
 * is there while the journal has what the database's own file has not. Private to src/store.
 */
#ifndef STORE_SQLITE_COUNT_H
#define STORE_SQLITE_COUNT_H

#include "store/sqlite_store.h"

/* Before anything is written: -CONFLICT when transactions are missing. The journal then stays as it
 * is when the store is freed. */
int sqlite_count_check(struct sqlite_store *s, const char *path, struct error *err);
/* Counts the transaction that is being written. */
int sqlite_count_put(struct sqlite_store *s, struct error *err);
/* The transaction is stored. A file that can't be written is tried again with the next one. */
void sqlite_count_note(struct sqlite_store *s);
/* Moves the journal into the database's file; where all of it is there, the count's file goes. */
void sqlite_count_settle(struct sqlite_store *s);
void sqlite_count_done(struct sqlite_store *s);

#endif
