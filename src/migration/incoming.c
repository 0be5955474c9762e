/* SPDX-License-Identifier: Apache-2.0 */
/* VMs that come in: what another host's cleaved asks of this one. The other leads; this one only
 * gives back on its own what has waited too long for a VM that is not here. */
#include "migration/incoming.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "migration/migration_holds.h"
#include "migration/migration_records.h"
#include "migration/migrations.h"
#include "state/planner_view.h"
#include "state/reply_json.h"
#include "state/txn.h"
#include "turn/plans.h"
#include "turn/queue.h"
#include "watch/looks.h"
#include "watch/observe.h"
#include "watch/vm_overlay.h"

/* ---- storing ---- */

int incoming_vm_store(struct incoming_vm *incoming_vm, struct error *err)
{
    struct txn txn;
    txn_begin(&txn, incoming_vm->manager);
    txn_put_incoming(&txn, incoming_vm->incoming);
    return txn_commit(&txn, err);
}

static void take_assignments(struct incoming *incoming, const struct plan *plan)
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
        take_assignments(incoming, plan);
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

/* ---- the VM, here ---- */

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

/* The reservation as it is now, with what the VM does. */
static json_t *show_now(const struct incoming_vm *incoming_vm)
{
    struct incoming *incoming = incoming_vm->incoming;
    const struct vm *vm = NULL;
    bool seen = incoming_vm_see_vm(incoming_vm, &vm);
    incoming->vm_present = vm != NULL || !seen;
    incoming->vm_state = vm == NULL || !seen ? VM_UNKNOWN : vm->state;
    return reply_incoming(incoming);
}

static json_t *show_change(const struct change *change)
{
    return show_now(change->incoming_vm);
}

/* ---- offers ---- */

struct asking {
    struct change *change;
    struct gpu_port *gpu;
    struct nvml_answers answers; /* to be filled: claim and GPU are given */
};

/* On the hardware's worker: what does NVML say of each vGPU and each GPU? */
static void ask_nvml(void *data)
{
    struct asking *asking = data;
    const struct migration_offer *offer = asking->change->offer;
    for (vec_each(&asking->answers, answer)) {
        struct error err = {0};
        if (asking->gpu->ops->compatible(asking->gpu, &answer->gpu,
                                         offer->claims[answer->claim].metadata, answer->word,
                                         &err) != 0) {
            answer->word[0] = '\0';
            log_debug("a vGPU of VM %s: %s", offer->vm, err.message);
        }
    }
}

static struct incoming *incoming_of(const struct migration_offer *offer, const struct manager *m,
                                    const char *author)
{
    struct incoming *incoming = xcalloc(1, sizeof(*incoming));
    STR_SET(incoming->id, offer->id);
    STR_SET(incoming->host, offer->host);
    STR_SET(incoming->target, m->host->name);
    STR_SET(incoming->author, author);
    STR_SET(incoming->vm, offer->vm);
    STR_SET(incoming->vm_uuid, offer->vm_uuid);
    incoming->created_us = clock_realtime_us();
    for (size_t i = 0; i < offer->n_claims; i++) {
        struct migration_device *device = vec_push(&incoming->devices);
        STR_SET(device->claim, offer->claims[i].claim.name);
    }
    return incoming;
}

static int refuse_check(const struct incoming *incoming, const struct check *check,
                        struct error *err)
{
    enum reason reason = str_eq(check->rule, "migration-room") ? REASON_NO_CAPACITY : REASON_RULE;
    int r = error_set(err, reason, SUBJECT("vm", incoming->vm), "%s can't take VM \"%s\": %s",
                      incoming->target, incoming->vm, check->message);
    error_hint(err, "%s", check->hint);
    STR_SET(err->rule, check->rule);
    return r;
}

static void name_steps(struct incoming *incoming, const struct plan *plan)
{
    for (size_t i = 0; plan != NULL && i < plan->steps.n; i++) {
        struct migration_step *step = vec_push(&incoming->steps);
        (void)step_describe(&plan->steps.items[i], step->text, sizeof(step->text));
    }
}

/* Claims keep their author. */
static void sign(struct plan *plan, const struct change *change)
{
    for (vec_each(&plan->claims, entry)) {
        STR_SET(entry->claim.author, change->caller.author);
        entry->claim.created_us = clock_realtime_us();
    }
}

static void offer_asked(void *data)
{
    struct asking *asking = data;
    struct change *change = asking->change;
    struct manager *m = change->manager;
    const struct migration_offer *offer = change->offer;
    char reason[PLAN_REASON_SIZE];
    str_print(reason, sizeof(reason), "vm migrate %s from %s", offer->vm, offer->host);
    struct plan_request request = {
        .author = change->caller.author, .reason = reason, .new_uuid = id_uuid};
    struct planner planner = manager_planner(m);
    struct plan *plan = NULL;
    struct error err = {0};
    change->incoming = incoming_of(offer, m, change->caller.author);
    preflight_target(&planner, offer, &asking->answers, &request, &plan, &change->incoming->checks);
    name_steps(change->incoming, plan);
    vec_done(&asking->answers);
    free(asking);
    const struct check *refusal = checks_refusal(&change->incoming->checks, offer->strict);
    if (change->dry_run) {
        if (plan != NULL) {
            take_assignments(change->incoming, plan);
        }
        plan_free(plan);
        change_answer(change, reply_incoming(change->incoming));
        return;
    }
    if (refusal != NULL || plan == NULL) {
        if (refusal != NULL) {
            refuse_check(change->incoming, refusal, &err);
        } else {
            error_set(&err, REASON_NO_CAPACITY, SUBJECT("vm", offer->vm),
                      "there is no room for VM \"%s\"", offer->vm);
        }
        plan_free(plan);
        change_refuse(change, &err);
        return;
    }
    sign(plan, change);
    change->show = show_change;
    change_carry_out(change, plan);
}

static int refuse_second(const struct manager *m, const struct migration_offer *offer,
                         struct error *err)
{
    if (m->host->libvirt_problem[0] != '\0') {
        return error_set(err, REASON_UNAVAILABLE, "libvirt", "VMs can't be reached on %s: %s",
                         m->host->name, m->host->libvirt_problem);
    }
    return hold_check(&m->holds, hold_vm(offer->vm, ""), WANT_VM_ARRIVE, NULL, err);
}

static void run_offer(struct change *change)
{
    struct manager *m = change->manager;
    struct error err = {0};
    struct incoming_vm *known = incoming_vm_find(m, change->offer->id);
    if (known != NULL) {
        change_answer(change, show_now(known));
        return;
    }
    if (refuse_second(m, change->offer, &err) != 0) {
        change_refuse(change, &err);
        return;
    }
    if (looks_wait_for_driver(m)) {
        error_set(&err, REASON_UNAVAILABLE, "NVML", "no VM can come here now: %s",
                  looks_driver_problem(m));
        error_hint(&err, "try again later; `cleave host show` there tells what hangs");
        change_refuse(change, &err);
        return;
    }
    struct asking *asking = xcalloc(1, sizeof(*asking));
    asking->change = change;
    asking->gpu = m->config.ports.gpu;
    for (size_t i = 0; asking->gpu->ops->compatible != NULL && i < change->offer->n_claims; i++) {
        for (vec_each(&m->host->gpus, gpu)) {
            if (change->offer->claims[i].metadata[0] != '\0' && gpu->index != NO_ID) {
                *vec_push(&asking->answers) = (struct nvml_answer){.claim = i, .gpu = gpu->addr};
            }
        }
    }
    looks_ask_driver(m, ask_nvml, offer_asked, asking);
}

void manager_offer_incoming(struct manager *m, const struct request *request)
{
    struct migration_offer *offer = migration_offer_take(request->body);
    struct change *change = change_new(m, run_offer, request, offer->vm);
    change->offer = offer;
    change_enqueue(change);
}

/* ---- questions ---- */

static struct incoming_vm *find_incoming_vm(const struct manager *m, const char *id,
                                            struct error *err)
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

static void run_get(struct change *change)
{
    struct error err = {0};
    const struct incoming_vm *incoming_vm = find_incoming_vm(change->manager, change->name, &err);
    if (incoming_vm == NULL) {
        change_refuse(change, &err);
        return;
    }
    change_answer(change, show_now(incoming_vm));
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

void manager_get_incoming(struct manager *m, const struct request *request)
{
    struct error err = {0};
    if (find_incoming_vm(m, request->target, &err) == NULL) {
        request_refuse(request, &err);
        return;
    }
    /* Not in turn: its own plan may have that. */
    manager_observe(m, get_observed, change_new(m, run_get, request, request->target));
}

/* ---- the end: the VM is here ---- */

static void own(struct claim *claim, const struct incoming *incoming)
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
        log_info("VM %s came in from %s", incoming->vm, incoming->host);
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
            own(&claim, next);
            txn_put_claim(&txn, &claim);
        }
    }
    txn_put_incoming(&txn, next);
    txn_event(&txn, "vm-arrived", SUBJECT("vm", next->vm), next->author,
              "it came from %s, migration %s", next->host, next->id);
    txn_commit_then(&txn, commit_stored, incoming_vm);
}

/* Claims and record change hands in one transaction: this is the moment of the switch. */
void incoming_vm_commit(struct incoming_vm *incoming_vm, draft_done_fn *done, void *data)
{
    if (incoming_vm->committing) {
        struct error err = {0};
        error_set(&err, REASON_UNAVAILABLE, SUBJECT("vm", incoming_vm->incoming->vm),
                  "that VM \"%s\" is here is being stored", incoming_vm->incoming->vm);
        error_hint(&err, "try again");
        done(&err, data);
        return;
    }
    incoming_vm->committing = true;
    incoming_vm->committed = done;
    incoming_vm->data = data;
    ledger_take_turn(incoming_vm->manager->ledger, commit_in_turn, incoming_vm);
}

static int check_here(const struct incoming_vm *incoming_vm, struct error *err)
{
    const struct incoming *incoming = incoming_vm->incoming;
    const struct vm *vm = NULL;
    if (!incoming_vm_see_vm(incoming_vm, &vm)) {
        return error_set(err, REASON_UNAVAILABLE, SUBJECT("vm", incoming->vm),
                         "libvirt on %s does not say yet whether VM \"%s\" is there",
                         incoming->target, incoming->vm);
    }
    return vm != NULL ? 0
                      : error_set(err, REASON_CONFLICT, SUBJECT("vm", incoming->vm),
                                  "VM \"%s\" is not here", incoming->vm);
}

static void commit_ended(const struct error *err, void *data)
{
    struct change *change = data;
    struct error own = {0};
    struct incoming_vm *incoming_vm = find_incoming_vm(change->manager, change->name, &own);
    if (err != NULL || incoming_vm == NULL) {
        change_refuse(change, err != NULL ? err : &own);
        return;
    }
    change_answer(change, show_now(incoming_vm));
}

static void run_commit(struct change *change)
{
    struct manager *m = change->manager;
    struct error err = {0};
    struct incoming_vm *incoming_vm = find_incoming_vm(m, change->name, &err);
    int r = incoming_vm == NULL ? -REASON_NOT_FOUND : 0;
    bool commits = r == 0 && incoming_vm->incoming->state != INCOMING_COMMITTED;
    r = commits ? check_here(incoming_vm, &err) : r;
    if (r != 0) {
        change_refuse(change, &err);
    } else if (commits && !change->dry_run) {
        incoming_vm_commit(incoming_vm, commit_ended, change);
    } else {
        change_answer(change, show_now(incoming_vm));
    }
}

void manager_commit_incoming(struct manager *m, const struct request *request)
{
    change_enqueue(change_new(m, run_commit, request, request->target));
}

/* ---- the end: it does not come ---- */

static int refuse_present(const struct incoming_vm *incoming_vm, struct error *err)
{
    const struct vm *vm = NULL;
    if (!incoming_vm_see_vm(incoming_vm, &vm) && vm == NULL) {
        return error_set(err, REASON_UNAVAILABLE, "libvirt", "VMs can't be reached: %s",
                         incoming_vm->manager->host->libvirt_problem);
    }
    if (vm == NULL || vm->state == VM_SHUT_OFF || vm->state == VM_CRASHED) {
        return 0;
    }
    return error_set(err, REASON_IN_USE, SUBJECT("vm", vm->name), "VM \"%s\" is here, %s", vm->name,
                     vm_state_name(vm->state));
}

static int plan_abort(const struct change *change, struct plan **ret_plan, struct error *err)
{
    struct manager *m = change->manager;
    const struct incoming *incoming = change->incoming_vm->incoming;
    const char *names[MIGRATION_MAX_CLAIMS];
    size_t n = 0;
    for (vec_each(&incoming->devices, device)) {
        if (claims_find(&m->claims, device->claim) != NULL) {
            names[n++] = device->claim;
        }
    }
    char reason[PLAN_REASON_SIZE];
    str_print(reason, sizeof(reason), "vm migrate %s from %s: give back", incoming->vm,
              incoming->host);
    struct plan_request request = {.remove = names,
                                   .n_remove = n,
                                   .author = incoming->author,
                                   .reason = reason,
                                   .new_uuid = id_uuid};
    struct planner planner = manager_planner(m);
    return planner_build(&planner, &request, ret_plan, err);
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
            change_answer(change, show_now(change->incoming_vm));
        }
        return;
    }
    if (refuse_present(change->incoming_vm, &err) != 0 || plan_abort(change, &plan, &err) != 0) {
        change_refuse(change, &err);
        return;
    }
    if (change->dry_run) {
        plan_free(plan);
        change_answer(change, show_now(change->incoming_vm));
        return;
    }
    change->show = show_change;
    STR_SET(change->operation, change->incoming_vm->incoming->id);
    change_carry_out(change, plan);
}

static void abort_replied(json_t *body, const struct error *err, void *data)
{
    (void)data;
    json_decref(body);
    if (err != NULL) {
        log_warning("giving back what a VM that comes in would have had (%s): %s", err->subject,
                    err->message);
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

static int want_abort(struct incoming_vm *incoming_vm, struct error *err)
{
    struct incoming *incoming = incoming_vm->incoming;
    if (incoming->state == INCOMING_COMMITTED) {
        return error_set(err, REASON_CONFLICT, SUBJECT("vm", incoming->vm),
                         "VM \"%s\" came in already and lives here", incoming->vm);
    }
    if (incoming->abort || incoming_is_over(incoming)) {
        return 0;
    }
    incoming->abort = true; /* anyone who looks next begins */
    int r = incoming_vm_store(incoming_vm, err);
    incoming->abort = r == 0;
    return r;
}

void manager_abort_incoming(struct manager *m, const struct request *request)
{
    struct error err = {0};
    if (manager_call_in_turn(m, manager_abort_incoming, request)) {
        return;
    }
    struct incoming_vm *incoming_vm = find_incoming_vm(m, request->target, &err);
    if (incoming_vm == NULL) {
        request_refuse(request, &err);
        return;
    }
    if (incoming_vm_is_idle(
            incoming_vm)) { /* its answer is that of the plan, or why there is none */
        change_enqueue(change_new(m, run_abort, request, request->target));
        return;
    }
    if (!request->dry_run && want_abort(incoming_vm, &err) != 0) {
        request_refuse(request, &err);
        return;
    }
    request_answer(request, show_now(incoming_vm));
}
