/* SPDX-License-Identifier: Apache-2.0 */
/* The ways in which a migration ends: the target takes the VM over and the source releases, or the
 * target gives back. */
#include "migration/outgoing_end.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "migration/migration_release.h"
#include "migration/migrations.h"
#include "migration/outgoing.h"
#include "migration/outgoing_place.h"
#include "migration/outgoing_work.h"
#include "turn/plans.h"
#include "turn/queue.h"

#define REFUSALS_MAX 10
/* So long the source goes on asking a target to give back; it will on its own, later. */
#define ABORT_PATIENCE_TICKS 240

/* ---- switching ---- */

/* The target has the VM, but lost or released its reservation: keeping ours is pointless. */
static bool is_lost_there(struct outgoing *outgoing, const struct error *err)
{
    return err->reason == REASON_NOT_FOUND ||
           (err->reason == REASON_CONFLICT && ++outgoing->refusals > REFUSALS_MAX);
}

static void committed(struct outgoing *outgoing, struct incoming *incoming, const struct error *err)
{
    if (err == NULL && incoming->state == INCOMING_COMMITTED) {
        outgoing->migration->problem[0] = '\0';
        outgoing_enter(outgoing, MIGRATION_RELEASING);
        return;
    }
    if (err != NULL && outgoing->migration->moved && is_lost_there(outgoing, err)) {
        log_warning("migration %s: the VM is on %s, but its claims are not: %s",
                    outgoing->migration->id, outgoing->migration->target, err->message);
        outgoing_enter(outgoing, MIGRATION_RELEASING);
        return;
    }
    bool silent = err != NULL && err->reason == REASON_UNAVAILABLE;
    outgoing->deciding = !silent;
    outgoing_back_off(outgoing);
}

void outgoing_advance_switching(struct outgoing *outgoing)
{
    if (outgoing->deciding) {
        outgoing_decide(outgoing);
        return;
    }
    outgoing_ask_peer(outgoing, PEER_ASK_COMMIT, committed);
}

/* ---- releasing ---- */

static void release_replied(json_t *body, const struct error *err, void *data)
{
    struct outgoing *outgoing = data;
    json_decref(body);
    outgoing->jobs--;
    if (err != NULL) {
        outgoing->releasing = false;
        log_warning("migration %s: releasing the devices of VM %s: %s", outgoing->migration->id,
                    outgoing->migration->request.vm, err->message);
        outgoing_back_off(outgoing);
    }
}

int outgoing_plan_release(const struct outgoing *outgoing, struct plan **ret_plan,
                          struct error *err)
{
    struct manager *m = outgoing->manager;
    const struct migration *migration = outgoing->migration;
    char reason[PLAN_REASON_SIZE];
    str_print(reason, sizeof(reason), "vm migrate %s: release", migration->request.vm);
    return migration_release_plan(m, &migration->devices, migration->author, reason, ret_plan, err);
}

static void run_release(struct change *change)
{
    struct plan *plan = NULL;
    struct error err = {0};
    if (outgoing_plan_release(change->outgoing, &plan, &err) != 0) {
        change_refuse(change, &err);
        return;
    }
    change_carry_out(change, plan);
}

static void undefined(struct outgoing *outgoing, struct incoming *incoming, const struct error *err)
{
    (void)incoming;
    if (err != NULL) {
        outgoing->releasing = false;
        log_warning("migration %s: removing the definition of VM %s: %s", outgoing->migration->id,
                    outgoing->migration->request.vm, err->message);
        outgoing_back_off(outgoing);
        return;
    }
    struct caller caller = {0};
    STR_SET(caller.author, outgoing->migration->author);
    struct request request = {.caller = &caller, .reply = release_replied, .data = outgoing};
    struct change *change =
        change_new(outgoing->manager, run_release, &request, outgoing->migration->request.vm);
    change->outgoing = outgoing;
    STR_SET(change->operation, outgoing->migration->id);
    outgoing->jobs++;
    change_enqueue(change);
}

void outgoing_advance_releasing(struct outgoing *outgoing)
{
    /* One that was begun before a restart goes on on its own. */
    if (outgoing->releasing || outgoing->migration->plan[0] != '\0') {
        return;
    }
    outgoing->releasing = true;
    outgoing_undefine(outgoing, undefined);
}

void outgoing_after_plan(struct migration *migration, const struct plan *plan)
{
    migration->plan[0] = '\0';
    if (plan->state == PLAN_DONE &&
        sm_move(&migration_state_words, &migration->state, MIGRATION_DONE)) {
        migration->finished_us = clock_realtime_us();
    }
}

/* ---- aborting ---- */

static void end_abort(struct outgoing *outgoing)
{
    bool cancelled = outgoing->migration->cancel;
    if (!cancelled && outgoing->migration->problem[0] == '\0') {
        STR_SET(outgoing->migration->problem, "the VM stays on this host");
        outgoing->migration->reason = REASON_DRIVER;
    }
    outgoing_enter(outgoing, cancelled ? MIGRATION_CANCELLED : MIGRATION_FAILED);
}

static void aborted(struct outgoing *outgoing, struct incoming *incoming, const struct error *err)
{
    if (err == NULL && incoming->state != INCOMING_ABORTED) {
        outgoing_schedule(outgoing);
        return;
    }
    if (err == NULL || err->reason == REASON_NOT_FOUND) {
        end_abort(outgoing);
        return;
    }
    if (err->reason != REASON_UNAVAILABLE) { /* maybe it is there after all */
        outgoing->deciding = true;
        outgoing_back_off(outgoing);
        return;
    }
    uint64_t now = clock_monotonic_us();
    outgoing->touched_us = outgoing->touched_us == 0 ? now : outgoing->touched_us;
    if (now - outgoing->touched_us > ABORT_PATIENCE_TICKS * outgoing_tick_us(outgoing->manager)) {
        log_warning(
            "migration %s: %s does not answer; it will release its devices without being asked",
            outgoing->migration->id, outgoing->migration->request.peer);
        end_abort(outgoing);
        return;
    }
    outgoing_back_off(outgoing);
}

void outgoing_advance_aborting(struct outgoing *outgoing)
{
    if (outgoing->deciding) {
        outgoing_decide(outgoing);
        return;
    }
    outgoing_ask_peer(outgoing, PEER_ASK_ABORT, aborted);
}
