/* SPDX-License-Identifier: Apache-2.0 */
/* The database's file: is it still there, and what to do with a row that can't be read. Private to
 * src/store. */
#ifndef STORE_SQLITE_FILE_H
#define STORE_SQLITE_FILE_H

#include "store/sqlite_store.h"

/* Remembers which file it is. */
void sqlite_note_file(struct sqlite_store *s, const char *path);
/* -UNAVAILABLE when the file at its path is another one now, or gone. */
int sqlite_check_file(struct sqlite_store *s, struct error *err);
/* See store_ops. */
int sqlite_damaged(const struct sqlite_store *s, enum record_kind kind, const char *id,
                   struct error *err);

#endif
