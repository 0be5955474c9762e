/* SPDX-License-Identifier: Apache-2.0 */
/* A reservation whose VM does not come is given back: for the source, or on its own after too long
 * a silence. */
#include "migration/incoming_abort.h"

#include <stdio.h>

#include "base/log.h"
#include "base/str.h"
#include "migration/incoming_vm.h"
#include "migration/migration_records.h"
#include "migration/migration_release.h"
#include "migration/migrations.h"
#include "turn/plans.h"
#include "turn/queue.h"

static int refuse_present(const struct incoming_vm *incoming_vm, struct error *err)
{
    const struct vm *vm = NULL;
    if (!incoming_vm_see_vm(incoming_vm, &vm) && vm == NULL) {
        return error_set(err, REASON_UNAVAILABLE, "libvirt",
                         "cleaved can't reach libvirt's VMs: %s",
                         incoming_vm->manager->host->libvirt_problem);
    }
    if (vm == NULL || vm->state == VM_SHUT_OFF || vm->state == VM_CRASHED) {
        return 0;
    }
    return error_set(err, REASON_IN_USE, SUBJECT("vm", vm->name), "VM \"%s\" is on this host, %s",
                     vm->name, vm_state_name(vm->state));
}

static int plan_abort(const struct change *change, struct plan **ret_plan, struct error *err)
{
    struct manager *m = change->manager;
    const struct incoming *incoming = change->incoming_vm->incoming;
    char reason[PLAN_REASON_SIZE];
    str_print(reason, sizeof(reason), "vm migrate %s from %s: give back", incoming->vm,
              incoming->host);
    return migration_release_plan(m, &incoming->devices, incoming->author, reason, ret_plan, err);
}

static void run_abort(struct change *change)
{
    struct manager *m = change->manager;
    struct error err = {0};
    struct plan *plan = NULL;
    change->incoming_vm = incoming_vm_find(m, change->name);
    if (change->incoming_vm == NULL || change->incoming_vm->incoming->state != INCOMING_PREPARED) {
        if (change->incoming_vm == NULL) {
            error_set(&err, REASON_NOT_FOUND, SUBJECT("migration", change->name),
                      "this host has no incoming migration \"%s\"", change->name);
            change_refuse(change, &err);
        } else { /* another was quicker */
            change_answer(change, incoming_vm_show(change->incoming_vm));
        }
        return;
    }
    if (refuse_present(change->incoming_vm, &err) != 0 || plan_abort(change, &plan, &err) != 0) {
        change_refuse(change, &err);
        return;
    }
    if (change->dry_run) {
        plan_free(plan);
        change_answer(change, incoming_vm_show(change->incoming_vm));
        return;
    }
    change->show = incoming_vm_show_change;
    STR_SET(change->operation, change->incoming_vm->incoming->id);
    change_carry_out(change, plan);
}

static void abort_replied(json_t *body, const struct error *err, void *data)
{
    (void)data;
    json_decref(body);
    if (err != NULL) {
        log_warning("releasing the devices of an incoming VM (%s): %s", err->subject, err->message);
    }
}

bool incoming_vm_is_idle(const struct incoming_vm *incoming_vm)
{
    return incoming_vm->incoming->state == INCOMING_PREPARED && !incoming_vm->committing &&
           !change_is_waiting(incoming_vm->manager, run_abort, incoming_vm->incoming->id);
}

/* On its own: no one waits for the answer. */
void incoming_vm_give_back(struct incoming_vm *incoming_vm)
{
    struct caller caller = {0};
    STR_SET(caller.author, incoming_vm->incoming->author);
    struct request request = {.caller = &caller, .reply = abort_replied};
    change_enqueue(
        change_new(incoming_vm->manager, run_abort, &request, incoming_vm->incoming->id));
}

/* An abort that waits for the end of what is under way, on its way to the store. */
struct wanting {
    struct manager *manager;
    char id[40]; /* the migration's */
    reply_fn *reply;
    void *data;
};

static void want_stored(const struct error *err, void *data)
{
    CLEANUP_FREE struct wanting *w = data;
    struct error gone = {0};
    struct incoming_vm *incoming_vm = NULL;
    if (err == NULL) {
        incoming_vm = incoming_vm_require(w->manager, w->id, &gone);
        err = &gone;
    }
    if (incoming_vm == NULL) {
        w->reply(NULL, err, w->data);
        return;
    }
    incoming_vm->incoming->abort = true; /* anyone who looks next begins */
    w->reply(incoming_vm_show(incoming_vm), NULL, w->data);
}

static void want_abort(struct incoming_vm *incoming_vm, const struct request *request)
{
    struct wanting *w = xcalloc(1, sizeof(*w));
    CLEANUP(incoming_freep) struct incoming *next = incoming_copy(incoming_vm->incoming);
    *w = (struct wanting){
        .manager = incoming_vm->manager, .reply = request->reply, .data = request->data};
    STR_SET(w->id, incoming_vm->incoming->id);
    next->abort = true;
    struct txn txn;
    txn_begin(&txn, w->manager);
    txn_put_incoming(&txn, next);
    txn_commit_then(&txn, want_stored, w);
}

void verb_abort_incoming(struct manager *m, const struct request *request)
{
    struct error err = {0};
    if (txn_call_in_turn(m, verb_abort_incoming, request)) {
        return;
    }
    struct incoming_vm *incoming_vm = incoming_vm_require(m, request->target, &err);
    if (incoming_vm == NULL) {
        request_refuse(request, &err);
        return;
    }
    if (incoming_vm_is_idle(
            incoming_vm)) { /* its answer is that of the plan, or why there is none */
        change_enqueue(change_new(m, run_abort, request, request->target));
        return;
    }
    const struct incoming *incoming = incoming_vm->incoming;
    if (!request->dry_run && incoming->state == INCOMING_COMMITTED) {
        error_set(&err, REASON_CONFLICT, SUBJECT("vm", incoming->vm),
                  "VM \"%s\" has arrived already and belongs to this host", incoming->vm);
        request_refuse(request, &err);
    } else if (request->dry_run || incoming->abort || incoming_is_over(incoming)) {
        request_answer(request, incoming_vm_show(incoming_vm));
    } else {
        want_abort(incoming_vm, request);
    }
}
