/* SPDX-License-Identifier: Apache-2.0 */
/* A reservation for a VM that comes in: what is stored of it, and the moment of the switch. */
#include "migration/incoming_vm.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "migration/migration_holds.h"
#include "migration/migration_records.h"
#include "migration/migrations.h"
#include "state/reply_json.h"
#include "state/state.h"
#include "turn/change.h"
#include "watch/vm_overlay.h"

void incoming_take_assignments(struct incoming *incoming, const struct plan *plan)
{
    for (vec_each(&incoming->devices, device)) {
        for (vec_each(&plan->claims, entry)) {
            if (entry->verb == PLAN_BIND && str_eq(entry->claim.name, device->claim)) {
                device->to = entry->claim.assigned;
            }
        }
    }
}

void incoming_vm_after_plan(struct incoming *incoming, const struct plan *plan)
{
    bool done = plan->state == PLAN_DONE;
    incoming->plan[0] = '\0';
    if (incoming->state == INCOMING_PREPARING) {
        incoming_take_assignments(incoming, plan);
        (void)sm_move(&incoming_state_words, &incoming->state,
                      done ? INCOMING_PREPARED : INCOMING_ABORTED);
    } else if (incoming->state == INCOMING_ABORTING) {
        (void)sm_move(&incoming_state_words, &incoming->state,
                      done ? INCOMING_ABORTED : INCOMING_PREPARED);
    }
    if (!done) {
        STR_SET(incoming->problem, plan->problem);
    }
    incoming->finished_us = incoming_is_over(incoming) ? clock_realtime_us() : 0;
}

bool incoming_vm_see_vm(const struct incoming_vm *incoming_vm, const struct vm **ret_vm)
{
    const struct manager *m = incoming_vm->manager;
    const struct incoming *incoming = incoming_vm->incoming;
    *ret_vm = NULL;
    if (m->host == NULL || m->host->libvirt_problem[0] != '\0') {
        return false;
    }
    *ret_vm = host_find_vm_of(m->host, incoming->vm, incoming->vm_uuid);
    return *ret_vm == NULL || !vm_overlay_presumes_on(m, *ret_vm);
}

json_t *incoming_vm_show(const struct incoming_vm *incoming_vm)
{
    struct incoming *incoming = incoming_vm->incoming;
    const struct vm *vm = NULL;
    bool seen = incoming_vm_see_vm(incoming_vm, &vm);
    incoming->vm_present = vm != NULL || !seen;
    incoming->vm_state = vm == NULL || !seen ? VM_UNKNOWN : vm->state;
    return reply_incoming(incoming);
}

json_t *incoming_vm_show_change(const struct change *change)
{
    return incoming_vm_show(change->incoming_vm);
}

struct incoming_vm *incoming_vm_require(const struct manager *m, const char *id, struct error *err)
{
    struct incoming_vm *incoming_vm = incoming_vm_find(m, id);
    if (incoming_vm == NULL) {
        error_set(err, REASON_NOT_FOUND, SUBJECT("migration", id),
                  "this host has no incoming migration \"%s\"", id);
    } else {
        incoming_vm_heard(incoming_vm);
    }
    return incoming_vm;
}

/* ---- the switch ---- */

static void give_claim_to_vm(struct claim *claim, const struct incoming *incoming)
{
    STR_SET(claim->vm, incoming->vm);
    STR_SET(claim->vm_uuid, incoming->vm_uuid);
    if (claim->spec.hold == CLAIM_ON_DEMAND) {
        claim->reserved = (struct claim_device){
            .set = true, .gpu = claim->assigned.gpu, .device = claim->assigned.device};
        STR_SET(claim->reserved.mdev_uuid, claim->assigned.mdev_uuid);
    }
}

static void end_commit(struct incoming_vm *incoming_vm, const struct error *err)
{
    draft_done_fn *done = TAKE_PTR(incoming_vm->committed);
    incoming_vm->committing = false;
    done(err, incoming_vm->data);
}

static void commit_stored(const struct error *err, void *data)
{
    struct incoming_vm *incoming_vm = data;
    struct incoming *incoming = incoming_vm->incoming;
    if (err == NULL) {
        (void)sm_move(&incoming_state_words, &incoming->state, INCOMING_COMMITTED);
        incoming->finished_us = clock_realtime_us();
        incoming_vm_hold(incoming_vm);
        log_info("VM %s arrived from %s", incoming->vm, incoming->host);
        incoming_vm_follow(incoming_vm);
    }
    end_commit(incoming_vm, err);
}

/* In the ledger's turn. */
static void commit_in_turn(void *data)
{
    struct incoming_vm *incoming_vm = data;
    CLEANUP(incoming_freep) struct incoming *next = incoming_copy(incoming_vm->incoming);
    struct manager *m = incoming_vm->manager;
    if (!sm_move(&incoming_state_words, &next->state, INCOMING_COMMITTED)) {
        struct error err = {0};
        error_set(&err, REASON_CONFLICT, SUBJECT("vm", next->vm),
                  "VM \"%s\" can't be taken over: its reservation is %s", next->vm,
                  incoming_state_name(next->state));
        end_commit(incoming_vm, &err);
        return;
    }
    next->finished_us = clock_realtime_us();
    struct txn txn;
    txn_begin(&txn, m);
    for (vec_each(&next->devices, device)) {
        const struct claim *found = claims_find(&m->claims, device->claim);
        if (found != NULL) {
            struct claim claim = *found;
            give_claim_to_vm(&claim, next);
            txn_put_claim(&txn, &claim);
        }
    }
    txn_put_incoming(&txn, next);
    txn_event(&txn, EVENT_VM_ARRIVED, SUBJECT("vm", next->vm), next->author,
              "it arrived from %s, migration %s", next->host, next->id);
    txn_commit_then(&txn, commit_stored, incoming_vm);
}

/* Claims and record change hands in one transaction: this is the moment of the switch. */
void incoming_vm_commit(struct incoming_vm *incoming_vm, draft_done_fn *done, void *data)
{
    if (incoming_vm->committing) {
        struct error err = {0};
        error_set(&err, REASON_UNAVAILABLE, SUBJECT("vm", incoming_vm->incoming->vm),
                  "cleaved is storing that VM \"%s\" has arrived", incoming_vm->incoming->vm);
        error_hint(&err, "try again");
        done(&err, data);
        return;
    }
    incoming_vm->committing = true;
    incoming_vm->committed = done;
    incoming_vm->data = data;
    ledger_take_turn(incoming_vm->manager->ledger, commit_in_turn, incoming_vm);
}
