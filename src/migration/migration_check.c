/* SPDX-License-Identifier: Apache-2.0 */
/* A migration before the VM moves: both sides are asked, the target prepares. */
#include "migration/migration_check.h"

#include <string.h>

#include "base/str.h"
#include "migration/migration_move.h"
#include "migration/migration_records.h"
#include "migration/migration_work.h"
#include "migration/migrations.h"
#include "plan/estimate.h"
#include "state/planner_view.h"
#include "watch/observe.h"

/* ---- checking ---- */

static void refuse(struct move *move, const struct check *check)
{
    struct error err = {0};
    error_set(&err, REASON_RULE, SUBJECT("vm", move->migration->request.vm),
              "VM \"%s\" can't migrate to %s: %s", move->migration->request.vm,
              move->migration->target[0] != '\0' ? move->migration->target : "that host",
              check->message);
    error_hint(&err, "%s", check->hint);
    STR_SET(err.rule, check->rule);
    move_fail(move, &err);
}

static void peer_checked(struct move *move, struct incoming *incoming, const struct error *err)
{
    struct migration *migration = move->migration;
    if (err != NULL) {
        move_fail(move, err);
        return;
    }
    STR_SET(migration->target, incoming->target);
    vec_done(&migration->checks);
    migration->checks = incoming->checks;
    incoming->checks = (struct checks){0};
    vec_done(&migration->steps);
    migration->steps = incoming->steps;
    incoming->steps = (struct migration_steps){0};
    const struct check *refusal = checks_refusal(&migration->checks, migration->request.strict);
    if (refusal != NULL && !move->dry_run) {
        refuse(move, refusal);
        return;
    }
    move->checked = true;
    if (move->dry_run) {
        move_finish(move);
        return;
    }
    operation_schedule(move->operation, 0);
}

static void measured(void *data)
{
    struct move *move = data;
    const struct migration_request *request = &move->migration->request;
    struct migration_estimate *estimate = &move->migration->estimate;
    struct amount link = estimate->link_bytes_per_s;
    uint64_t limit = request->bandwidth_bytes;
    if (limit != 0 && (!link.known || limit < link.value)) {
        estimate->link_bytes_per_s = amount_of(limit);
    }
    estimate_fill(estimate, request->max_downtime_ms);
    move_ask_peer(move, PEER_ASK_CHECK, peer_checked);
}

static void offer_observed(struct manager *m, const struct error *err, void *data)
{
    struct move *move = data;
    struct error own = {0};
    move->jobs--;
    if (m->stopping) {
        return;
    }
    const struct vm *vm = err == NULL ? host_find_vm(m->host, move->migration->request.vm) : NULL;
    struct planner planner = manager_planner(m);
    int r = err != NULL ? error_set(&own, err->reason, err->subject, "%s", err->message) : 0;
    if (r == 0 && vm == NULL) {
        r = error_set(&own, REASON_NOT_FOUND, SUBJECT("vm", move->migration->request.vm),
                      "VM \"%s\" is gone", move->migration->request.vm);
    }
    r = r != 0 ? r : preflight_offer(&planner, vm, &move->offer, &own);
    if (r != 0) {
        move_fail(move, &own);
        return;
    }
    STR_SET(move->offer->id, move->migration->id);
    move->offer->strict = move->migration->request.strict;
    move->migration->estimate.memory_bytes = amount_of(vm->mem_kib * 1024);
    move_measure(move, measured);
}

/* One at a time has the link. One that waits for its target holds up only those to the same one. */
static bool another_moves(const struct move *move)
{
    for (vec_each(&move->manager->migrations->moves, other)) {
        const struct migration *its = (*other)->migration;
        bool same = str_eq(its->request.peer, move->migration->request.peer);
        if (*other != move && (its->state == MIGRATION_MOVING ||
                               (its->state == MIGRATION_PREPARING &&
                                move->migration->state == MIGRATION_CHECKING && same))) {
            return true;
        }
    }
    return false;
}

void move_keep_checking(struct move *move)
{
    if (move->migration->cancel) {
        move_enter(move, MIGRATION_CANCELLED);
    } else if (move->operation->resumed) {
        struct error err = {0};
        error_set(&err, REASON_UNAVAILABLE, "cleaved", "cleaved was restarted before it began");
        error_hint(&err, "ask for it again");
        move_fail(move, &err);
    } else if (!move->checked) {
        move->jobs++;
        manager_observe(move->manager, offer_observed, move);
    } else if (!another_moves(move)) {
        move_enter(move, MIGRATION_PREPARING);
    } else {
        move_follow(move);
    }
}

/* ---- preparing ---- */

static void take_devices(struct migration *migration, const struct incoming *incoming)
{
    for (vec_each(&migration->devices, device)) {
        for (vec_each(&incoming->devices, other)) {
            if (str_eq(device->claim, other->claim)) {
                device->to = other->to;
            }
        }
    }
}

static void target_answered(struct move *move, struct incoming *incoming, const struct error *err)
{
    if (err != NULL) {
        move_go_back(move, err);
        return;
    }
    move->offered = true;
    move->prepared = incoming->state == INCOMING_PREPARED && another_moves(move);
    move_follow(move);
    if (move->prepared) { /* asks now and then, so that the target keeps what it has */
        operation_schedule(move->operation, MIGRATION_TOUCH_US);
    } else if (incoming->state == INCOMING_PREPARED) {
        take_devices(move->migration, incoming);
        move_enter(move, MIGRATION_MOVING);
    } else if (incoming->state == INCOMING_PREPARING) {
        move_schedule(move);
    } else {
        struct error own = {0};
        error_set(&own, REASON_DRIVER, SUBJECT("vm", incoming->vm),
                  "%s could not prepare for VM \"%s\": %s", incoming->target, incoming->vm,
                  incoming->problem);
        error_hint(&own, "`cleave plan list` there shows what was tried");
        move_go_back(move, &own);
    }
}

void move_keep_preparing(struct move *move)
{
    struct error err = {0};
    if (move->migration->cancel) {
        move_go_back(move, NULL);
    } else if (move->offer == NULL) {
        error_set(&err, REASON_UNAVAILABLE, "cleaved", "cleaved was restarted before the VM moved");
        error_hint(&err, "ask for it again");
        move_go_back(move, &err);
    } else {
        move_ask_peer(move, move->offered ? PEER_ASK_STATUS : PEER_ASK_PREPARE, target_answered);
    }
}
