/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of the record of a boot. Loop thread only. */
#ifndef RESTORE_BOOT_END_H
#define RESTORE_BOOT_END_H

#include "base/error.h"

struct manager;

/* What the boot took is back (or as much of it as could be). */
void manager_boot_restored(struct manager *m, bool whole);
/* What the boot, and the load of the driver as it is now, took is given up. In the ledger's turn;
 * waits for the disk. */
int manager_boot_give_up(struct manager *m, struct error *err);
/* The restoration is wanted again. */
void manager_boot_wanted(struct manager *m);

#endif
