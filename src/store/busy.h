/* SPDX-License-Identifier: Apache-2.0 */
/* Around what waits for the disk: store_busy_since() tells since when. Private to src/store. */
#ifndef STORE_BUSY_H
#define STORE_BUSY_H

#include <sqlite3.h>

void sqlite_busy_begin(void);
void sqlite_busy_end(void);
int sqlite_step(sqlite3_stmt *stmt);

#endif
