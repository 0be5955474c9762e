/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about a VM that comes in: what the source's cleaved asks of this one, which leads
 * nothing. */
#include "migration/incoming_requests.h"

#include "base/str.h"
#include "migration/incoming_vm.h"
#include "migration/migrations.h"
#include "state/state.h"
#include "turn/queue.h"
#include "watch/observe.h"

static void run_get(struct change *change)
{
    struct error err = {0};
    const struct incoming_vm *incoming_vm =
        incoming_vm_require(change->manager, change->name, &err);
    if (incoming_vm == NULL) {
        change_refuse(change, &err);
        return;
    }
    change_answer(change, incoming_vm_show(incoming_vm));
}

static void get_observed(struct manager *m, const struct error *err, void *data)
{
    (void)m;
    struct change *change = data;
    if (err != NULL) {
        change_refuse(change, err);
        return;
    }
    run_get(change);
}

void verb_get_incoming(struct manager *m, const struct request *request)
{
    struct error err = {0};
    if (incoming_vm_require(m, request->target, &err) == NULL) {
        request_refuse(request, &err);
        return;
    }
    /* Not in turn: its own plan may have that. */
    observe_all(m, get_observed, change_new(m, run_get, request, request->target));
}

/* ---- the VM is here ---- */

static int check_here(const struct incoming_vm *incoming_vm, struct error *err)
{
    const struct incoming *incoming = incoming_vm->incoming;
    const struct vm *vm = NULL;
    if (!incoming_vm_see_vm(incoming_vm, &vm)) {
        return error_set(err, REASON_UNAVAILABLE, SUBJECT("vm", incoming->vm),
                         "libvirt on %s has not said yet whether VM \"%s\" is there",
                         incoming->target, incoming->vm);
    }
    return vm != NULL ? 0
                      : error_set(err, REASON_CONFLICT, SUBJECT("vm", incoming->vm),
                                  "VM \"%s\" is not on this host", incoming->vm);
}

static void commit_ended(const struct error *err, void *data)
{
    struct change *change = data;
    struct error own = {0};
    struct incoming_vm *incoming_vm = incoming_vm_require(change->manager, change->name, &own);
    if (err != NULL || incoming_vm == NULL) {
        change_refuse(change, err != NULL ? err : &own);
        return;
    }
    change_answer(change, incoming_vm_show(incoming_vm));
}

static void run_commit(struct change *change)
{
    struct manager *m = change->manager;
    struct error err = {0};
    struct incoming_vm *incoming_vm = incoming_vm_require(m, change->name, &err);
    int r = incoming_vm == NULL ? -REASON_NOT_FOUND : 0;
    bool commits = r == 0 && incoming_vm->incoming->state != INCOMING_COMMITTED;
    r = commits ? check_here(incoming_vm, &err) : r;
    if (r != 0) {
        change_refuse(change, &err);
    } else if (commits && !change->dry_run) {
        incoming_vm_commit(incoming_vm, commit_ended, change);
    } else {
        change_answer(change, incoming_vm_show(incoming_vm));
    }
}

void verb_commit_incoming(struct manager *m, const struct request *request)
{
    change_enqueue(change_new(m, run_commit, request, request->target));
}
