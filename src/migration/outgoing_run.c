/* SPDX-License-Identifier: Apache-2.0 */
/* A migration while the VM moves, and what it does in each state. Whatever fails, where the VM is
 * decides: outgoing_decide(). */
#include "migration/outgoing_run.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "migration/migrations.h"
#include "migration/outgoing.h"
#include "migration/outgoing_check.h"
#include "migration/outgoing_end.h"
#include "migration/outgoing_place.h"
#include "migration/outgoing_resolve.h"
#include "migration/outgoing_work.h"

/* ---- moving ---- */

static void moved(struct outgoing *outgoing, struct incoming *incoming, const struct error *err)
{
    (void)incoming;
    outgoing->moving = false;
    if (err == NULL) {
        outgoing->migration->moved = true;
    } else {
        outgoing_blame(outgoing, err);
        outgoing->deciding = true;
    }
    operation_got_on(outgoing->operation);
    operation_schedule(outgoing->operation, 0);
}

static void watched(struct outgoing *outgoing, struct incoming *incoming, const struct error *err)
{
    (void)incoming;
    if (outgoing->moving || outgoing->finished || outgoing->migration->state != MIGRATION_MOVING) {
        return;
    }
    if (err != NULL && outgoing->operation->resumed) {
        if (err->reason == REASON_UNAVAILABLE) { /* libvirt is away: it may still be moving */
            outgoing_back_off(outgoing);
            return;
        }
        error_set(&outgoing->err, REASON_UNAVAILABLE, "cleaved",
                  "cleaved was restarted, and libvirt has not moved the VM");
        error_hint(&outgoing->err, "start the migration again");
        outgoing->deciding = true;
    }
    outgoing_schedule(outgoing);
}

static void touched(struct outgoing *outgoing, struct incoming *incoming, const struct error *err)
{
    (void)incoming;
    if (err != NULL) {
        log_warning("migration %s: %s", outgoing->migration->id, err->message);
    }
}

static void touch(struct outgoing *outgoing)
{
    uint64_t now = clock_monotonic_us();
    if (now - outgoing->touched_us >= MIGRATION_TOUCH_US) {
        outgoing->touched_us = now;
        outgoing_ask_peer(outgoing, PEER_ASK_STATUS, touched);
    }
}

static void keep_moving(struct outgoing *outgoing)
{
    if (outgoing->migration->moved) {
        outgoing_enter(outgoing, MIGRATION_SWITCHING);
    } else if (outgoing->deciding) {
        outgoing_decide(outgoing);
    } else if (outgoing->moving || outgoing->operation->resumed) {
        outgoing_watch(outgoing, watched);
        touch(outgoing);
        if (outgoing->moving) {
            outgoing_schedule(outgoing);
        }
    } else {
        outgoing->moving = true;
        outgoing_run(outgoing, moved);
        outgoing_schedule(outgoing);
    }
}

/* ---- all states ---- */

void outgoing_advance(struct operation *operation)
{
    static void (*const keep[MIGRATION_STATE_COUNT])(struct outgoing *outgoing) = {
        [MIGRATION_CHECKING] = outgoing_advance_checking,
        [MIGRATION_PREPARING] = outgoing_advance_preparing,
        [MIGRATION_MOVING] = keep_moving,
        [MIGRATION_SWITCHING] = outgoing_advance_switching,
        [MIGRATION_RELEASING] = outgoing_advance_releasing,
        [MIGRATION_ABORTING] = outgoing_advance_aborting,
    };
    struct outgoing *outgoing = operation->data;
    if (outgoing->finished) {
        return;
    }
    /* libvirt's job runs for the whole state; other jobs may run next to it. */
    bool moving = outgoing->migration->state == MIGRATION_MOVING && outgoing->moving;
    if (outgoing->jobs > (moving ? 1U : 0U)) {
        outgoing_schedule(outgoing);
        return;
    }
    if (migration_is_over(outgoing->migration)) { /* its last plan was stored meanwhile */
        outgoing_finish(outgoing);
        return;
    }
    if (outgoing->resolving.where != RESOLUTION_NONE) {
        outgoing_resolve(outgoing);
        return;
    }
    keep[outgoing->migration->state](outgoing);
}
