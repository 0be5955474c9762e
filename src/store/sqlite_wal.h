/* SPDX-License-Identifier: Apache-2.0 */
/* What a transaction that failed leaves in the journal. Private to src/store. */
#ifndef STORE_SQLITE_WAL_H
#define STORE_SQLITE_WAL_H

#include <stdbool.h>

#include "store/sqlite_store.h"

/* Cuts off what a failed commit wrote behind the last transaction: frames that are whole, and whose
 * sync failed, would be taken for a transaction when the next start reads the journal. False: that
 * can't be written either. */
bool sqlite_wal_cut_off(struct sqlite_store *s);
/* False: the journal's file ends before its transactions do, so it was cut while it is open. */
bool sqlite_wal_is_whole(struct sqlite_store *s);

#endif
