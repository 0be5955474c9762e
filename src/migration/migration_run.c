/* SPDX-License-Identifier: Apache-2.0 */
/* A migration while the VM moves, and what it does in each state. Whatever fails, where the VM is
 * decides: move_decide(). */
#include "migration/migration_run.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "migration/migration_check.h"
#include "migration/migration_end.h"
#include "migration/migration_move.h"
#include "migration/migration_place.h"
#include "migration/migration_resolve.h"
#include "migration/migration_work.h"
#include "migration/migrations.h"

/* ---- moving ---- */

static void moved(struct move *move, struct incoming *incoming, const struct error *err)
{
    (void)incoming;
    move->moving = false;
    if (err == NULL) {
        move->migration->moved = true;
    } else {
        move_blame(move, err);
        move->deciding = true;
    }
    operation_got_on(move->operation);
    operation_schedule(move->operation, 0);
}

static void watched(struct move *move, struct incoming *incoming, const struct error *err)
{
    (void)incoming;
    if (move->moving || move->finished || move->migration->state != MIGRATION_MOVING) {
        return;
    }
    if (err != NULL && move->operation->resumed) {
        if (err->reason == REASON_UNAVAILABLE) { /* libvirt is away: it may still be moving */
            move_back_off(move);
            return;
        }
        error_set(&move->err, REASON_UNAVAILABLE, "cleaved",
                  "cleaved was restarted, and libvirt has not moved the VM");
        error_hint(&move->err, "ask for it again");
        move->deciding = true;
    }
    move_schedule(move);
}

static void touched(struct move *move, struct incoming *incoming, const struct error *err)
{
    (void)incoming;
    if (err != NULL) {
        log_warning("migration %s: %s", move->migration->id, err->message);
    }
}

static void touch(struct move *move)
{
    uint64_t now = clock_monotonic_us();
    if (now - move->touched_us >= MIGRATION_TOUCH_US) {
        move->touched_us = now;
        move_ask_peer(move, PEER_ASK_STATUS, touched);
    }
}

static void keep_moving(struct move *move)
{
    if (move->migration->moved) {
        move_enter(move, MIGRATION_SWITCHING);
    } else if (move->deciding) {
        move_decide(move);
    } else if (move->moving || move->operation->resumed) {
        move_watch(move, watched);
        touch(move);
        if (move->moving) {
            move_schedule(move);
        }
    } else {
        move->moving = true;
        move_run(move, moved);
        move_schedule(move);
    }
}

/* ---- all states ---- */

void move_advance(struct operation *operation)
{
    static void (*const keep[MIGRATION_STATE_COUNT])(struct move *move) = {
        [MIGRATION_CHECKING] = move_keep_checking,
        [MIGRATION_PREPARING] = move_keep_preparing,
        [MIGRATION_MOVING] = keep_moving,
        [MIGRATION_SWITCHING] = move_keep_switching,
        [MIGRATION_RELEASING] = move_keep_releasing,
        [MIGRATION_ABORTING] = move_keep_aborting,
    };
    struct move *move = operation->data;
    if (move->finished) {
        return;
    }
    /* libvirt's job runs for the whole state; other jobs may run next to it. */
    bool moving = move->migration->state == MIGRATION_MOVING && move->moving;
    if (move->jobs > (moving ? 1U : 0U)) {
        move_schedule(move);
        return;
    }
    if (migration_is_over(move->migration)) { /* its last plan was stored meanwhile */
        move_finish(move);
        return;
    }
    if (move->resolving.where != RESOLUTION_NONE) {
        move_resolve(move);
        return;
    }
    keep[move->migration->state](move);
}
