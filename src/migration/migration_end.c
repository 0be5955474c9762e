/* SPDX-License-Identifier: Apache-2.0 */
/* The ways in which a migration ends: the target takes the VM over and the source releases, or the
 * target gives back. */
#include "migration/migration_end.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/str.h"
#include "migration/migration_move.h"
#include "migration/migration_place.h"
#include "migration/migration_work.h"
#include "migration/migrations.h"
#include "state/planner_view.h"
#include "turn/plans.h"
#include "turn/queue.h"

#define REFUSALS_MAX 10
/* So long the source goes on asking a target to give back; it will on its own, later. */
#define ABORT_PATIENCE_TICKS 240

/* ---- switching ---- */

/* The target has the VM, but lost or released its reservation: keeping ours is pointless. */
static bool is_lost_there(struct move *move, const struct error *err)
{
    return err->reason == REASON_NOT_FOUND ||
           (err->reason == REASON_CONFLICT && ++move->refusals > REFUSALS_MAX);
}

static void committed(struct move *move, struct incoming *incoming, const struct error *err)
{
    if (err == NULL && incoming->state == INCOMING_COMMITTED) {
        move->migration->problem[0] = '\0';
        move_enter(move, MIGRATION_RELEASING);
        return;
    }
    if (err != NULL && move->migration->moved && is_lost_there(move, err)) {
        log_warning("migration %s: the VM is on %s, but its claims are not: %s",
                    move->migration->id, move->migration->target, err->message);
        move_enter(move, MIGRATION_RELEASING);
        return;
    }
    bool silent = err != NULL && err->reason == REASON_UNAVAILABLE;
    move->deciding = !silent;
    move_back_off(move);
}

void move_keep_switching(struct move *move)
{
    if (move->deciding) {
        move_decide(move);
        return;
    }
    move_ask_peer(move, PEER_ASK_COMMIT, committed);
}

/* ---- releasing ---- */

static void release_replied(json_t *body, const struct error *err, void *data)
{
    struct move *move = data;
    json_decref(body);
    move->jobs--;
    if (err != NULL) {
        move->releasing = false;
        log_warning("migration %s: releasing what VM %s had: %s", move->migration->id,
                    move->migration->request.vm, err->message);
        move_back_off(move);
    }
}

int move_plan_release(const struct move *move, struct plan **ret_plan, struct error *err)
{
    struct manager *m = move->manager;
    const struct migration *migration = move->migration;
    const char *names[MIGRATION_MAX_CLAIMS];
    size_t n = 0;
    for (vec_each(&migration->devices, device)) {
        if (claims_find(&m->claims, device->claim) != NULL) {
            names[n++] = device->claim;
        }
    }
    char reason[PLAN_REASON_SIZE];
    str_print(reason, sizeof(reason), "vm migrate %s: release", migration->request.vm);
    struct plan_request request = {.remove = names,
                                   .n_remove = n,
                                   .author = migration->author,
                                   .reason = reason,
                                   .new_uuid = id_uuid};
    struct planner planner = manager_planner(m);
    return planner_build(&planner, &request, ret_plan, err);
}

static void run_release(struct change *change)
{
    struct plan *plan = NULL;
    struct error err = {0};
    if (move_plan_release(change->move, &plan, &err) != 0) {
        change_refuse(change, &err);
        return;
    }
    change_carry_out(change, plan);
}

static void undefined(struct move *move, struct incoming *incoming, const struct error *err)
{
    (void)incoming;
    if (err != NULL) {
        move->releasing = false;
        log_warning("migration %s: removing the definition of VM %s: %s", move->migration->id,
                    move->migration->request.vm, err->message);
        move_back_off(move);
        return;
    }
    struct caller caller = {0};
    STR_SET(caller.author, move->migration->author);
    struct request request = {.caller = &caller, .reply = release_replied, .data = move};
    struct change *change =
        change_new(move->manager, run_release, &request, move->migration->request.vm);
    change->move = move;
    STR_SET(change->operation, move->migration->id);
    move->jobs++;
    change_enqueue(change);
}

void move_keep_releasing(struct move *move)
{
    /* One that was begun before a restart goes on on its own. */
    if (move->releasing || move->migration->plan[0] != '\0') {
        return;
    }
    move->releasing = true;
    move_undefine(move, undefined);
}

void move_after_plan(struct migration *migration, const struct plan *plan)
{
    migration->plan[0] = '\0';
    if (plan->state == PLAN_DONE &&
        sm_move(&migration_state_words, &migration->state, MIGRATION_DONE)) {
        migration->finished_us = clock_realtime_us();
    }
}

/* ---- aborting ---- */

static void end_abort(struct move *move)
{
    bool cancelled = move->migration->cancel;
    if (!cancelled && move->migration->problem[0] == '\0') {
        STR_SET(move->migration->problem, "the VM stays here");
        move->migration->reason = REASON_DRIVER;
    }
    move_enter(move, cancelled ? MIGRATION_CANCELLED : MIGRATION_FAILED);
}

static void aborted(struct move *move, struct incoming *incoming, const struct error *err)
{
    if (err == NULL && incoming->state != INCOMING_ABORTED) {
        move_schedule(move);
        return;
    }
    if (err == NULL || err->reason == REASON_NOT_FOUND) {
        end_abort(move);
        return;
    }
    if (err->reason != REASON_UNAVAILABLE) { /* maybe it is there after all */
        move->deciding = true;
        move_back_off(move);
        return;
    }
    uint64_t now = clock_monotonic_us();
    move->touched_us = move->touched_us == 0 ? now : move->touched_us;
    if (now - move->touched_us > ABORT_PATIENCE_TICKS * move_tick_us(move->manager)) {
        log_warning("migration %s: %s does not answer; it gives back what it has on its own",
                    move->migration->id, move->migration->request.peer);
        end_abort(move);
        return;
    }
    move_back_off(move);
}

void move_keep_aborting(struct move *move)
{
    if (move->deciding) {
        move_decide(move);
        return;
    }
    move_ask_peer(move, PEER_ASK_ABORT, aborted);
}
