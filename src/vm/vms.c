/* SPDX-License-Identifier: Apache-2.0 */
/* VMs: created and deleted in turn with plans; started in turn, but for the start itself. */
#include "vm/vms.h"

#include <stdio.h>

#include "base/json.h"
#include "base/stopping.h"
#include "base/str.h"
#include "state/reply_json.h"
#include "state/state.h"
#include "state/txn.h"
#include "turn/foresight.h"
#include "turn/plans.h"
#include "turn/queue.h"
#include "turn/vm_lines.h"
#include "vm/by_hand.h"
#include "vm/foreign.h"
#include "vm/power.h"
#include "vm/saved.h"
#include "watch/claim_view.h"
#include "watch/looks.h"
#include "watch/observe.h"
#include "watch/vm_history.h"
#include "watch/vm_overlay.h"

int vms_find(const struct manager *m, const char *name, struct vm **ret_vm, struct error *err)
{
    if (m->host->libvirt_problem[0] != '\0') {
        return error_set(err, REASON_UNAVAILABLE, "libvirt",
                         "cleaved can't reach libvirt's VMs: %s", m->host->libvirt_problem);
    }
    *ret_vm = host_find_vm(m->host, name);
    if (*ret_vm != NULL) {
        return 0;
    }
    CLEANUP_FREE const char **names = xcalloc(m->host->vms.n + 1, sizeof(*names));
    for (size_t i = 0; i < m->host->vms.n; i++) {
        names[i] = m->host->vms.items[i].name;
    }
    const char *nearest = str_nearest(name, names, m->host->vms.n);
    int r = error_set(err, REASON_NOT_FOUND, SUBJECT("vm", name), "there is no VM \"%s\"", name);
    if (nearest != NULL) {
        error_hint(err, "did you mean \"%s\"?", nearest);
    } else {
        error_hint(err, "`cleave vm list` shows all VMs");
    }
    return r;
}

/* ---- what happens on the worker ---- */

/* The definition may have been replaced since the claim was bound: what the claim got is put in
 * again. Nothing is done for one that is there. */
static struct step attach_again(const struct manager *m, const struct claim *claim)
{
    struct step step = step_make(STEP_ATTACH, &claim->assigned.gpu);
    step_set_gpu(&step, host_find_gpu_addr(m->host, &claim->assigned.gpu));
    step_set_claim(&step, claim);
    step.device = claim->assigned.device;
    STR_SET(step.mdev_uuid, claim->assigned.mdev_uuid);
    return step;
}

struct guest_port *vm_port_of(const struct change *change)
{
    return change->line != NULL ? change->line->port : change->manager->config.ports.guest;
}

static void start_work(void *data)
{
    struct change *change = data;
    struct guest_port *port = vm_port_of(change);
    for (size_t i = 0; change->result == 0 && i < change->steps.n; i++) {
        change->result = port->ops->apply(port, &change->steps.items[i], &change->err);
    }
    if (change->result == 0) {
        change->result = port->ops->start(port, change->name, &change->err);
    }
}

static void define_work(void *data)
{
    struct change *change = data;
    struct guest_port *port = change->manager->config.ports.guest;
    change->result = change->dry_run
                         ? port->ops->may_define(port, change->template, change->name, &change->err)
                         : port->ops->define(port, change->template, change->name, &change->err);
}

static void undefine_work(void *data)
{
    struct change *change = data;
    struct guest_port *port = change->manager->config.ports.guest;
    change->result = change->dry_run ? port->ops->may_undefine(port, change->name, &change->err)
                                     : port->ops->undefine(port, change->name, &change->err);
}

/* ---- and after it ---- */

void vm_note_change(const struct change *change, enum event_kind kind, const char *what)
{
    vm_history_expect(change->manager, change->name, kind);
    txn_event_alone(change->manager, kind, SUBJECT("vm", change->name), change->caller.author, "%s",
                    what);
}

/* While libvirt is late with a look, as with one that waits for another VM's start, the VM is taken
 * as it was seen last, or as its own start reported: libvirt itself refuses to start one that runs.
 */
static int find_seen(const struct change *change, struct vm **ret_vm, struct error *err)
{
    const struct manager *m = change->manager;
    if (looks_are_late(m, SOURCE_GUESTS) && looks_are_known(m, SOURCE_GUESTS) &&
        m->n_vm_lines > 0) {
        *ret_vm = host_find_vm(m->host, change->name);
        if (*ret_vm != NULL) {
            return 0;
        }
    }
    return vms_find(m, change->name, ret_vm, err);
}

/* Answers with the VM as it is now. */
static void reply_observed(struct manager *m, const struct error *err, void *data)
{
    struct change *change = data;
    struct error own = {0};
    struct vm *vm = NULL;
    if (err == NULL && find_seen(change, &vm, &own) != 0) {
        err = &own;
    }
    if (err != NULL) {
        change_refuse(change, err);
        return;
    }
    json_t *body = reply_vm(vm);
    json_t *without = vm_is_on(vm) ? claim_view_without(m, vm->name, vm->uuid) : NULL;
    if (without != NULL) {
        json_object_set_new(body, "warnings", without);
    }
    change_answer(change, body);
}

static void vm_done(struct change *change, enum event_kind kind, const char *what)
{
    struct manager *m = change->manager;
    queue_end_holds(m, change->operation);
    if (change->result != 0) {
        change_refuse(change, &change->err);
        return;
    }
    vm_note_change(change, kind, what);
    /* Seeing it may take as long as another VM's hook script runs, which may wait for its turn. */
    change_release_turn(change);
    observe_all(m, reply_observed, change);
}

/* Whether one that failed is off only libvirt can tell: what it has is given back when it was seen
 * so. */
static void start_done(void *data)
{
    struct change *change = data;
    struct manager *m = change->manager;
    vm_overlay_end_start(m, change->name);
    if (change->result != 0 && !m->stopping) {
        queue_end_holds(m, change->operation);
        observe_all(m, NULL, NULL);
    }
    vm_done(change, EVENT_VM_STARTED, "started");
}

/* Faults that only libvirt knows, and only when it is asked to define the VM. */
static void answer_definable(struct change *change)
{
    struct vm vm = {.state = VM_SHUT_OFF};
    STR_SET(vm.name, change->name);
    json_t *body = reply_vm(&vm);
    json_object_set_new(
        body, "notChecked",
        json_pack(
            "[s]",
            "whether libvirt accepts the rest of the template, and whether what it names exists"));
    change_answer(change, body);
}

static void define_done(void *data)
{
    struct change *change = data;
    if (change->dry_run) {
        if (change->result != 0) {
            change_refuse(change, &change->err);
        } else {
            answer_definable(change);
        }
        return;
    }
    vm_done(data, EVENT_VM_CREATED, "defined from a template");
}

static void undefine_done(void *data)
{
    struct change *change = data;
    struct manager *m = change->manager;
    if (!change->dry_run) {
        queue_end_holds(m, change->operation);
    }
    if (change->result != 0) {
        change_refuse(change, &change->err);
        return;
    }
    if (!change->dry_run) {
        vm_note_change(change, EVENT_VM_DELETED, "definition removed");
    }
    /* An observation meanwhile may have missed it: libvirt comes and goes. */
    struct vm gone = {.state = VM_SHUT_OFF};
    STR_SET(gone.name, change->name);
    struct vm *vm = host_find_vm(m->host, change->name);
    change_answer(change, reply_vm(vm != NULL ? vm : &gone));
}

/* ---- start ---- */

static int check_start(struct change *change, struct vm **ret_vm, struct missing_devices *ret_needs,
                       struct error *err)
{
    struct manager *m = change->manager;
    int r = find_seen(change, ret_vm, err);
    if (r == 0 && vm_is_on(*ret_vm)) {
        r = error_set(err, REASON_CONFLICT, SUBJECT("vm", change->name), "VM \"%s\" %s already",
                      (*ret_vm)->name,
                      holds_have(&m->holds, HOLD_START, hold_vm((*ret_vm)->name, ""))
                          ? "is being started"
                          : "runs");
    }
    r = r != 0 ? r
               : hold_check(&m->holds, hold_vm((*ret_vm)->name, (*ret_vm)->uuid), WANT_VM_START,
                            NULL, err);
    /* Started without it, the VM would lack a GPU that only a plan may take from it. */
    r = r != 0 ? r : foreign_refuse(m, *ret_vm, err);
    r = r != 0 ? r : by_hand_refuse(m, *ret_vm, err);
    r = r != 0 ? r : saved_refuse(m, *ret_vm, NULL, err);
    r = r != 0 ? r : power_needs(m, *ret_vm, ret_needs, err);
    return r != 0 ? r : needs_refuse_wait(ret_needs, *ret_vm, err);
}

/* Everything that its claims need is there, and is the VM's from now on: libvirt may take long, and
 * nothing else waits for it. */
static void start_prepared(struct change *change)
{
    struct manager *m = change->manager;
    struct error err = {0};
    const struct vm *vm = host_find_vm(m->host, change->name);
    for (vec_each(&m->claims, claim)) {
        if (claim->spec.mode != CLAIM_GPU_INSTANCE && claim->state == CLAIM_BOUND &&
            claim_is_of(claim, change->name, vm != NULL ? vm->uuid : "")) {
            *vec_push(&change->steps) = attach_again(m, claim);
        }
    }
    if (vm_line_take(change, VM_LINE_START, &err) != 0) {
        if (vm != NULL) {
            power_give_back(m, vm->name, vm->uuid);
        }
        change_refuse(change, &err);
        return;
    }
    change_hold_vm(change, HOLD_START);
    if (vm != NULL) {
        vm_overlay_begin_start(m, vm, change->steps.items, change->steps.n);
    }
    change_release_turn(change);
    change_call_guest(change, start_work, start_done);
}

static void start_planned(struct manager *m, const struct plan *plan, const struct error *why,
                          void *data)
{
    struct change *change = data;
    struct error err = {0};
    (void)m;
    if (plan != NULL && plan->state == PLAN_DONE) {
        start_prepared(change);
        return;
    }
    if (plan != NULL) {
        power_failed(plan, change->name, &err);
    }
    change_refuse(change, plan != NULL ? &err : why);
}

/* What it lacks is allocated or made again first; the hook then finds all in place. */
static int plan_start(struct change *change, struct plan **ret_plan, struct error *err)
{
    CLEANUP(needs_done) struct missing_devices needs = {0};
    struct manager *m = change->manager;
    struct vm *vm = NULL;
    char reason[PLAN_REASON_SIZE];
    int r = check_start(change, &vm, &needs, err);
    if (r != 0 || !needs_any(&needs)) {
        return r;
    }
    str_print(reason, sizeof(reason), "vm start %s", vm->name);
    /* What a saved state names comes back if it can; else the saved state follows. */
    r = vm->saved ? power_plan(m, &needs, true, change->caller.author, reason, ret_plan, err)
                  : -REASON_NO_CAPACITY;
    r = r == 0 ? 0 : power_plan(m, &needs, false, change->caller.author, reason, ret_plan, err);
    return r != 0 ? r : saved_refuse(m, vm, *ret_plan, err);
}

static void run_start(struct change *change)
{
    CLEANUP(plan_freep) struct plan *plan = NULL;
    struct manager *m = change->manager;
    struct foresight foresight;
    struct error err = {0};
    foresight_begin(&foresight, change, plan_start);
    int r = plan_start(change, &plan, &err);
    const struct vm *vm = r == 0 ? host_find_vm(m->host, change->name) : NULL;
    if (r == 0 && change->dry_run) {
        json_t *body = reply_vm_plan(vm, plan);
        if (by_hand_takes_gpu(m, vm) &&
            json_object_get(json_object_get(body, "plan"), "notChecked") == NULL) {
            json_object_set_new(
                body, "notChecked",
                json_pack("[s]", "whether a program other than a VM has the GPU open"));
        }
        change_answer(change, body);
        foresight_end(&foresight);
        return;
    }
    foresight_end(&foresight); /* of a dry run that is refused */
    if (r == 0) {
        STR_SET(change->name, vm->name);
    }
    if (r == 0 && plan == NULL) {
        start_prepared(change);
        return;
    }
    if (r != 0) {
        change_refuse(change, &err);
        return;
    }
    plans_run(m, TAKE_PTR(plan), start_planned, change);
}

/* All that its claims need is there: nothing has to be stored for its start. */
static bool starts_as_it_is(struct change *change)
{
    CLEANUP(needs_done) struct missing_devices needs = {0};
    struct error err = {0};
    struct vm *vm = NULL;
    return check_start(change, &vm, &needs, &err) == 0 && !needs_any(&needs);
}

static void start_seen(struct manager *m, const struct error *err, void *data)
{
    struct change *change = data;
    if (err == NULL && !m->stopping && starts_as_it_is(change)) {
        run_start(change);
    } else {
        change_enqueue(change);
    }
}

/* A store that is busy, or hangs, holds up no VM that needs nothing of it: libvirt's hook lets it
 * start, too. Plans that are on their way there have their holds already. */
void verb_start_vm(struct manager *m, const struct request *request)
{
    struct change *change = change_new(m, run_start, request, request->target);
    change->starts_vm = change->behind != NULL;
    if (change->behind == NULL && queue_needs_store(m)) {
        observe_all(m, start_seen, change);
    } else {
        change_enqueue(change);
    }
}

/* ---- create ---- */

static void run_define(struct change *change)
{
    struct manager *m = change->manager;
    struct error err = {0};
    int r = 0;
    if (m->host->libvirt_problem[0] != '\0') {
        r = error_set(&err, REASON_UNAVAILABLE, "libvirt", "cleaved can't reach libvirt's VMs: %s",
                      m->host->libvirt_problem);
    } else if (host_find_vm(m->host, change->name) != NULL) {
        r = error_set(&err, REASON_CONFLICT, SUBJECT("vm", change->name),
                      "VM \"%s\" exists already", change->name);
    }
    if (r != 0) {
        change_refuse(change, &err);
        return;
    }
    if (!change->dry_run) {
        change_hold_vm(change, HOLD_CHANGE);
    }
    change_release_turn(
        change); /* it can wait for a hook that waits for the turn: docs/internals */
    change_call_guest(change, define_work, define_done);
}

void verb_create_vm(struct manager *m, const struct request *request)
{
    const struct vm_body *body = request->body;
    struct change *change = change_new(m, run_define, request, body->name);
    change->template = xstrdup(body->template);
    change_enqueue(change);
}

/* ---- delete ---- */

static int check_delete(struct change *change, struct vm **ret_vm, struct error *err)
{
    struct manager *m = change->manager;
    int r = vms_find(m, change->name, ret_vm, err);
    if (r != 0) {
        return r;
    }
    const struct vm *vm = *ret_vm;
    if (vm_is_on(vm)) {
        r = error_set(err, REASON_IN_USE, SUBJECT("vm", change->name), "VM \"%s\" is %s", vm->name,
                      vm_state_name(vm->state));
        error_hint(err, "stop it first: `cleave vm stop %s`", SHELL_ARG(vm->name));
        return r;
    }
    for (vec_each(&m->claims, claim)) {
        if (claim_is_of(claim, vm->name, vm->uuid)) {
            r = error_set(err, REASON_IN_USE, SUBJECT("vm", change->name),
                          "claim \"%s\" serves VM \"%s\"", claim->name, vm->name);
            error_hint(err, "delete the claim first: `cleave claim delete %s`", claim->name);
            return r;
        }
    }
    return 0;
}

/* Checks, then hands the change to the worker, which only looks if it is a dry run. */
static void run_on_vm(struct change *change,
                      int (*check)(struct change *, struct vm **, struct error *), evloop_fn *work,
                      evloop_fn *done)
{
    struct error err = {0};
    struct vm *vm = NULL;
    if (check(change, &vm, &err) != 0 ||
        hold_check(&change->manager->holds, hold_vm(vm->name, vm->uuid), WANT_VM_DELETE, NULL,
                   &err) != 0) {
        change_refuse(change, &err);
        return;
    }
    STR_SET(change->name, vm->name);
    if (!change->dry_run) {
        change_hold_vm(change, HOLD_CHANGE);
    }
    change_call_guest(change, work, done);
}

static void run_undefine(struct change *change)
{
    run_on_vm(change, check_delete, undefine_work, undefine_done);
}

void verb_delete_vm(struct manager *m, const struct request *request)
{
    change_enqueue(change_new(m, run_undefine, request, request->target));
}
