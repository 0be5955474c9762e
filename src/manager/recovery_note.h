/* SPDX-License-Identifier: Apache-2.0 */
/* What a recovery came to, in the record of its GPU. Private to src/manager; loop thread only. */
#ifndef MANAGER_RECOVERY_NOTE_H
#define MANAGER_RECOVERY_NOTE_H

struct plan;
struct txn;

/* Ends a quarantine whose GPU was reset and answers. */
void txn_note_recovery(struct txn *txn, const struct plan *plan);

#endif
