/* SPDX-License-Identifier: Apache-2.0 */
/* A VM is stopped at any time, next to plans and to other VMs' changes: asked, looked at and asked
 * again, or its plug is pulled. */
#include "vm/vm_stop.h"

#include <time.h>

#include "base/clock.h"
#include "base/stopping.h"
#include "base/str.h"
#include "state/reply_json.h"
#include "state/state.h"
#include "turn/queue.h"
#include "turn/vm_lines.h"
#include "vm/hook.h"
#include "vm/vms.h"
#include "watch/observe.h"
#include "watch/vm_overlay.h"

/* A guest that boots does not hear; one that is asked twice shuts down once. */
#define STOP_ASK_AGAIN_US UINT64_C(15000000)
#define STOP_LOOK_NS 200000000L

/* One piece of the wait, so that several VMs that are slow take turns on the workers. */
static void stop_work(void *data)
{
    struct change *change = data;
    struct guest_port *port = vm_port_of(change);
    enum guest_stop how = GUEST_STOP_LOOK;
    if (!change->found) {
        how = change->timeout_ms == 0 ? GUEST_STOP_FIND : GUEST_STOP_CHECK;
    } else if (change->timeout_ms == 0) {
        how = GUEST_STOP_KILL;
    } else if (clock_monotonic_us() >= change->ask_us) {
        how = GUEST_STOP_ASK;
        change->ask_us = clock_monotonic_us() + STOP_ASK_AGAIN_US;
    } else {
        nanosleep(&(struct timespec){.tv_nsec = STOP_LOOK_NS}, NULL);
    }
    change->result = port->ops->stop(port, change->name, how, &change->off, &change->err);
}

static void stop_again(struct change *change);
static void stop_found(void *data);

/* As libvirt says: it needs no look at the GPUs, which may hang; that follows. */
static void answer_stopped(struct change *change)
{
    struct manager *m = change->manager;
    const struct vm *seen = m->host != NULL ? host_find_vm(m->host, change->name) : NULL;
    struct vm off = {.state = VM_SHUT_OFF};
    STR_SET(off.name, change->name);
    if (seen != NULL) {
        vm_overlay_note(m, seen, false);
        off = *host_find_vm(m->host, change->name); /* borrows its devices */
        off.state = VM_SHUT_OFF;
    }
    json_t *body = reply_vm(&off);
    if (!m->stopping) {
        observe_all(m, NULL, NULL);
    }
    change_answer(change, body);
}

/* What the port refused to ask for: it is paused. */
static void hint_paused(struct change *change)
{
    if (change->result == -REASON_CONFLICT && change->err.hint[0] == '\0') {
        error_hint(&change->err,
                   "`virsh resume %s` lets the VM run; `cleave vm stop --now %s` destroys it",
                   SHELL_WORD(change->name), SHELL_ARG(change->name));
    }
}

static void refuse_to_wait(struct change *change)
{
    change->result = error_set(&change->err, REASON_DRIVER, SUBJECT("vm", change->name),
                               "VM \"%s\" was asked to shut down, and still runs after %u s",
                               change->name, change->timeout_ms / 1000);
    error_hint(&change->err,
               "its guest may be busy, or ignore the request; `--timeout SECONDS` waits longer, "
               "`cleave vm stop --now %s` destroys the VM",
               SHELL_ARG(change->name));
}

static void stop_done(void *data)
{
    struct change *change = data;
    struct manager *m = change->manager;
    if (change->result == 0 && !change->off && m->stopping) {
        change->err = stopping_error();
        change->result = -(int)change->err.reason;
    } else if (change->result == 0 && !change->off && !change->late &&
               (change->timeout_ms == 0 || clock_monotonic_us() < change->until_us)) {
        stop_again(change);
        return;
    } else if (change->result == 0 && !change->off) {
        refuse_to_wait(change);
    }
    queue_end_holds(m, change->operation);
    if (change->result != 0) {
        hint_paused(change);
        change_refuse(change, &change->err);
        return;
    }
    if (change->timeout_ms == 0) {
        vm_note_change(change, EVENT_VM_KILLED, "destroyed: its guest was not asked to shut down");
    } else {
        vm_note_change(change, EVENT_VM_STOPPED, "stopped: its guest has shut down");
    }
    answer_stopped(change);
}

static void stop_again(struct change *change)
{
    struct error err = {0};
    enum vm_line_use use = change->timeout_ms == 0 ? VM_LINE_KILL : VM_LINE_ASK;
    if (vm_line_take(change, use, &err) != 0) {
        queue_end_holds(change->manager, change->operation);
        change_refuse(change, &err);
        return;
    }
    change_call_guest(change, stop_work, change->found ? stop_done : stop_found);
}

/* libvirt has the VM, or says why not: nothing else is asked, and no other VM. */
static void stop_found(void *data)
{
    struct change *change = data;
    struct manager *m = change->manager;
    struct vm *vm = NULL;
    hint_paused(change);
    if (m->stopping) {
        change->err = stopping_error();
        change->result = -(int)change->err.reason;
    } else if (change->result == -REASON_NOT_FOUND && m->host != NULL &&
               m->host->libvirt_problem[0] == '\0') {
        (void)vms_find(m, change->name, &vm, &change->err); /* with the nearest name */
    } else if (change->result == 0 && change->off && change->ends_start && !change->late) {
        vm_note_change(change, EVENT_VM_STOPPED, "off: its start was cancelled");
        answer_stopped(change);
        return;
    } else if (change->result == 0 && change->off) {
        change->result = error_set(&change->err, REASON_CONFLICT, SUBJECT("vm", change->name),
                                   "VM \"%s\" is %s", change->name, vm_state_name(VM_SHUT_OFF));
    }
    if (change->result != 0 || change->late) {
        change_refuse(change, &change->err);
        return;
    }
    vm = m->host != NULL ? host_find_vm(m->host, change->name) : NULL;
    if (change->dry_run) {
        struct vm on = {.state = VM_RUNNING};
        STR_SET(on.name, change->name);
        change_answer(change, reply_vm(vm != NULL ? vm : &on));
        return;
    }
    change->found = true;
    change_hold_vm(change, HOLD_CHANGE);
    change->until_us = clock_monotonic_us() + (uint64_t)change->timeout_ms * 1000;
    stop_again(change);
}

void verb_stop_vm(struct manager *m, const struct request *request)
{
    const struct stop_body *body = request->body;
    struct change *change = change_new(m, NULL, request, request->target);
    change->timeout_ms = body->force ? 0 : body->timeout_s * 1000;
    struct error err = {0};
    const struct vm *seen = m->host != NULL ? host_find_vm(m->host, request->target) : NULL;
    if (seen != NULL) {
        STR_SET(change->name, seen->name);
    }
    if (hold_check(&m->holds, hold_vm(change->name, ""), WANT_VM_STOP, NULL, &err) != 0) {
        change_refuse(change, &err);
        return;
    }
    if (body->force && !request->dry_run) { /* libvirt has it locked until its hook is answered */
        bool starts = holds_have(&m->holds, HOLD_START, hold_vm(change->name, ""));
        change->ends_start = hook_end_all(m, change->name) || starts;
    }
    stop_again(change);
}
