/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of the record of a boot. Loop thread only. */
#ifndef RESTORE_BOOT_END_H
#define RESTORE_BOOT_END_H

#include "base/error.h"

struct manager;

/* What the boot took is back (or as much of it as could be). */
void boot_end_restored(struct manager *m, bool whole);
/* What the boot, and the load of the driver as it is now, took is given up. In the ledger's turn;
 * waits for the disk. */
int boot_end_give_up(struct manager *m, struct error *err);
/* The restoration is wanted again. */
void boot_end_reopen(struct manager *m);

#endif
