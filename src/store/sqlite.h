/* SPDX-License-Identifier: Apache-2.0 */
/* The store on one host: SQLite in WAL mode, STRICT tables, migrations by user_version. */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include "store/store.h"

/* Opens or creates the file (0600) and migrates it. A newer schema than known is refused. */
int sqlite_store_open(const char *path, struct store **ret_store, struct error *err);

#endif
