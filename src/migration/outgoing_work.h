/* SPDX-License-Identifier: Apache-2.0 */
/* What workers do for a migration. Loop thread only. */
#ifndef MIGRATION_OUTGOING_WORK_H
#define MIGRATION_OUTGOING_WORK_H

#include "base/evloop.h"
#include "migration/migrations.h"

/* What workers do for it: each calls `done` on the loop. */
typedef void outgoing_done_fn(struct outgoing *outgoing, struct incoming *incoming,
                              const struct error *err);
enum peer_question {
    PEER_ASK_CHECK,
    PEER_ASK_PREPARE,
    PEER_ASK_STATUS,
    PEER_ASK_COMMIT,
    PEER_ASK_ABORT
};
/* `done` gets what the target says (its own until it returns), or why it doesn't. */
void outgoing_ask_peer(struct outgoing *outgoing, enum peer_question question,
                       outgoing_done_fn *done);
/* Metadata, framebuffers and link speed into offer and estimate. */
void outgoing_measure(struct outgoing *outgoing, evloop_fn *done);
/* Lets libvirt move it; `done` without `incoming`. */
void outgoing_run(struct outgoing *outgoing, outgoing_done_fn *done);
/* Looks how far libvirt is, and cancels if that was asked for. `err`: NULL while it moves it. */
void outgoing_watch(struct outgoing *outgoing, outgoing_done_fn *done);
void outgoing_undefine(struct outgoing *outgoing, outgoing_done_fn *done);

#endif
