/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that wait for a disk, which may hang: another thread sees since when. */
#include "store/busy.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "store/store.h"

static _Atomic uint64_t since_us;

uint64_t store_busy_since(void)
{
    return atomic_load(&since_us);
}

void sqlite_busy_begin(void)
{
    atomic_store(&since_us, clock_monotonic_us());
}

void sqlite_busy_end(void)
{
    atomic_store(&since_us, 0);
}

int sqlite_step(sqlite3_stmt *stmt)
{
    sqlite_busy_begin();
    int code = sqlite3_step(stmt);
    sqlite_busy_end();
    return code;
}
