/* SPDX-License-Identifier: Apache-2.0 */
/* A migration before the VM moves: both sides are asked, the target prepares. */
#include "migration/outgoing_check.h"

#include <string.h>

#include "base/str.h"
#include "migration/migration_records.h"
#include "migration/migrations.h"
#include "migration/outgoing.h"
#include "migration/outgoing_work.h"
#include "plan/estimate.h"
#include "state/planner_view.h"
#include "watch/observe.h"

/* ---- checking ---- */

static void refuse(struct outgoing *outgoing, const struct check *check)
{
    struct error err = {0};
    error_set(&err, REASON_RULE, SUBJECT("vm", outgoing->migration->request.vm),
              "VM \"%s\" can't migrate to %s: %s", outgoing->migration->request.vm,
              outgoing->migration->target[0] != '\0' ? outgoing->migration->target : "that host",
              check->message);
    error_hint(&err, "%s", check->hint);
    STR_SET(err.rule, check->rule);
    outgoing_fail(outgoing, &err);
}

static void peer_checked(struct outgoing *outgoing, struct incoming *incoming,
                         const struct error *err)
{
    struct migration *migration = outgoing->migration;
    if (err != NULL) {
        outgoing_fail(outgoing, err);
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
    if (refusal != NULL && !outgoing->dry_run) {
        refuse(outgoing, refusal);
        return;
    }
    outgoing->checked = true;
    if (outgoing->dry_run) {
        outgoing_finish(outgoing);
        return;
    }
    operation_schedule(outgoing->operation, 0);
}

static void measured(void *data)
{
    struct outgoing *outgoing = data;
    const struct migration_request *request = &outgoing->migration->request;
    struct migration_estimate *estimate = &outgoing->migration->estimate;
    struct amount link = estimate->link_bytes_per_s;
    uint64_t limit = request->bandwidth_bytes;
    if (limit != 0 && (!link.known || limit < link.value)) {
        estimate->link_bytes_per_s = amount_of(limit);
    }
    estimate_fill(estimate, request->max_downtime_ms);
    outgoing_ask_peer(outgoing, PEER_ASK_CHECK, peer_checked);
}

static void offer_observed(struct manager *m, const struct error *err, void *data)
{
    struct outgoing *outgoing = data;
    struct error own = {0};
    outgoing->jobs--;
    if (m->stopping) {
        return;
    }
    const struct vm *vm =
        err == NULL ? host_find_vm(m->host, outgoing->migration->request.vm) : NULL;
    struct planner planner = planner_view(m);
    int r = err != NULL ? error_set(&own, err->reason, err->subject, "%s", err->message) : 0;
    if (r == 0 && vm == NULL) {
        r = error_set(&own, REASON_NOT_FOUND, SUBJECT("vm", outgoing->migration->request.vm),
                      "VM \"%s\" is gone", outgoing->migration->request.vm);
    }
    r = r != 0 ? r : preflight_offer(&planner, vm, &outgoing->offer, &own);
    if (r != 0) {
        outgoing_fail(outgoing, &own);
        return;
    }
    STR_SET(outgoing->offer->id, outgoing->migration->id);
    outgoing->offer->strict = outgoing->migration->request.strict;
    outgoing->migration->estimate.memory_bytes = amount_of(vm->mem_kib * 1024);
    outgoing_measure(outgoing, measured);
}

/* One at a time has the link. One that waits for its target holds up only those to the same one. */
static bool another_is_moving(const struct outgoing *outgoing)
{
    for (vec_each(&outgoing->manager->migrations->outgoing, other)) {
        const struct migration *its = (*other)->migration;
        bool same = str_eq(its->request.peer, outgoing->migration->request.peer);
        if (*other != outgoing && (its->state == MIGRATION_MOVING ||
                                   (its->state == MIGRATION_PREPARING &&
                                    outgoing->migration->state == MIGRATION_CHECKING && same))) {
            return true;
        }
    }
    return false;
}

void outgoing_advance_checking(struct outgoing *outgoing)
{
    if (outgoing->migration->cancel) {
        outgoing_enter(outgoing, MIGRATION_CANCELLED);
    } else if (outgoing->operation->resumed) {
        struct error err = {0};
        error_set(&err, REASON_UNAVAILABLE, "cleaved",
                  "cleaved was restarted before the migration began");
        error_hint(&err, "start the migration again");
        outgoing_fail(outgoing, &err);
    } else if (!outgoing->checked) {
        outgoing->jobs++;
        observe_all(outgoing->manager, offer_observed, outgoing);
    } else if (!another_is_moving(outgoing)) {
        outgoing_enter(outgoing, MIGRATION_PREPARING);
    } else {
        outgoing_follow(outgoing);
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

static void target_answered(struct outgoing *outgoing, struct incoming *incoming,
                            const struct error *err)
{
    if (err != NULL) {
        outgoing_go_back(outgoing, err);
        return;
    }
    outgoing->offered = true;
    outgoing->queued = incoming->state == INCOMING_PREPARED && another_is_moving(outgoing);
    outgoing_follow(outgoing);
    if (outgoing->queued) { /* asks now and then, so that the target keeps what it has */
        operation_schedule(outgoing->operation, MIGRATION_TOUCH_US);
    } else if (incoming->state == INCOMING_PREPARED) {
        take_devices(outgoing->migration, incoming);
        outgoing_enter(outgoing, MIGRATION_MOVING);
    } else if (incoming->state == INCOMING_PREPARING) {
        outgoing_schedule(outgoing);
    } else {
        struct error own = {0};
        error_set(&own, REASON_DRIVER, SUBJECT("vm", incoming->vm),
                  "%s could not prepare for VM \"%s\": %s", incoming->target, incoming->vm,
                  incoming->problem);
        error_hint(&own, "`cleave plan list` on that host shows what was tried");
        outgoing_go_back(outgoing, &own);
    }
}

void outgoing_advance_preparing(struct outgoing *outgoing)
{
    struct error err = {0};
    if (outgoing->migration->cancel) {
        outgoing_go_back(outgoing, NULL);
    } else if (outgoing->offer == NULL) {
        error_set(&err, REASON_UNAVAILABLE, "cleaved", "cleaved was restarted before the VM moved");
        error_hint(&err, "start the migration again");
        outgoing_go_back(outgoing, &err);
    } else {
        outgoing_ask_peer(outgoing, outgoing->offered ? PEER_ASK_STATUS : PEER_ASK_PREPARE,
                          target_answered);
    }
}
