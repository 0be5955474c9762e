/* SPDX-License-Identifier: Apache-2.0 */
/* What a recovery came to, in the record of its GPU. Loop thread only. */
#ifndef WATCH_RECOVERY_NOTE_H
#define WATCH_RECOVERY_NOTE_H

struct plan;
struct txn;

/* Ends a quarantine whose GPU was reset and answers. */
void txn_note_recovery(struct txn *txn, const struct plan *plan);

#endif
