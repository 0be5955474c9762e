/* SPDX-License-Identifier: Apache-2.0 */
/* What workers do for a migration. Loop thread only. */
#ifndef MIGRATION_MIGRATION_WORK_H
#define MIGRATION_MIGRATION_WORK_H

#include "base/evloop.h"
#include "migration/migrations.h"

/* What workers do for it: each calls `done` on the loop. */
typedef void move_done_fn(struct move *move, struct incoming *incoming, const struct error *err);
enum peer_question {
    PEER_ASK_CHECK,
    PEER_ASK_PREPARE,
    PEER_ASK_STATUS,
    PEER_ASK_COMMIT,
    PEER_ASK_ABORT
};
/* `done` gets what the target says (its own until it returns), or why it doesn't. */
void move_ask_peer(struct move *move, enum peer_question question, move_done_fn *done);
/* Metadata, framebuffers and link speed into offer and estimate. */
void move_measure(struct move *move, evloop_fn *done);
/* Lets libvirt move it; `done` without `incoming`. */
void move_run(struct move *move, move_done_fn *done);
/* Looks how far libvirt is, and cancels if that was asked for. `err`: NULL while it moves it. */
void move_watch(struct move *move, move_done_fn *done);
void move_undefine(struct move *move, move_done_fn *done);

#endif
