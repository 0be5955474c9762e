/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of the record of a boot. Loop thread only. */
#ifndef RESTORE_BOOT_END_H
#define RESTORE_BOOT_END_H

struct txn;

/* Of what the boot, and the load of the driver as it is now, took. */
enum boot_fate {
    BOOT_UNCHANGED,
    BOOT_WANTED,   /* its restoration begins, which may have been given up before */
    BOOT_GIVEN_UP, /* its restoration was cancelled: none begins on its own any more */
    BOOT_RESTORED, /* it is back */
};

/* Adds to the transaction what that changes in the record. A record that can't be read is left as
 * it is, and the log says so: the next start restores once more, and finds nothing to do. */
void boot_end_put(struct txn *txn, enum boot_fate fate);

#endif
