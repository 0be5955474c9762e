/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libvirt's qemu hook. Until it is answered libvirt holds the VM's lock, and tells nothing of any
 * VM: so nothing here waits for libvirt, neither for a look at the guests nor for a step of a plan
 * that changes this VM, and every wait has an end. docs/internals/lifecycle.md tells the whole
 * story.
 */
#include "vm/hook.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/stopping.h"
#include "base/str.h"
#include "state/listeners.h"
#include "state/released_record.h"
#include "state/state.h"
#include "state/txn.h"
#include "turn/plans.h"
#include "turn/queue.h"
#include "turn/vm_lines.h"
#include "vm/power.h"
#include "vm/saved.h"
#include "vm/start_check.h"
#include "watch/adopt.h"
#include "watch/claim_view.h"
#include "watch/hook_watch.h"
#include "watch/looks.h"
#include "watch/observe.h"
#include "watch/vm_overlay.h"

#define DEADLINE_US 60000000
/* How often a hook that waits looks whether that makes sense, and how often it may look blocked. */
#define TICK_US 1000000
#define ENTRANCE_US 30000000 /* from `migrate` or `restore` to `prepare`, at most */
#define MAX_BLOCKED 5
/* How often it looks whether another VM has given back what it needs; the pauses grow. */
#define FIRST_PAUSE_US 20000
#define LONGEST_PAUSE_US 1000000

struct hook {
    struct manager *manager;
    struct vm vm; /* as libvirt described it */
    struct caller caller;
    reply_fn *reply; /* NULL once it was called */
    void *data;
    struct evloop_timer *timer;
    uint64_t until_us; /* monotonic */
    enum entrance entrance;
    unsigned blocked;  /* ticks for which the plan in hand has been at a VM's definition */
    bool parked;       /* waits, without a change, for what another VM is giving back */
    bool out_of_time;  /* waits for that no longer */
    uint64_t pause_us; /* before the next look at it */
    struct backoff backoff;
};

static void hook_free(struct hook *hook)
{
    struct manager *m = hook->manager;
    for (size_t i = m->hooks.n; i > 0; i--) {
        if (m->hooks.items[i - 1] == hook) {
            vec_remove(&m->hooks, i - 1);
        }
    }
    evloop_timer_free(hook->timer);
    vm_drop_devices(&hook->vm);
    free(hook);
}

static json_t *allow(void)
{
    return json_pack("{s:s}", "answer", "allow");
}

static bool has_alias(const struct vm *vm)
{
    for (vec_each(&vm->devices, device)) {
        if (device->claim[0] != '\0') {
            return true;
        }
    }
    return false;
}

/* Has libvirt a saved state of the VM? Of a file that a person named it knows nothing. */
static bool is_saved(const struct hook *hook)
{
    const struct host *host = hook->manager->host;
    const struct vm *seen =
        host != NULL ? host_find_vm_of(host, hook->vm.name, hook->vm.uuid) : NULL;
    return seen != NULL && seen->saved;
}

/* What the file names is in no definition: any other hint leads nowhere. */
static void explain_file(const struct hook *hook, struct error *err)
{
    const char *claim = "";
    for (vec_each(&hook->vm.devices, device)) {
        claim = claim[0] == '\0' ? device->claim : claim;
    }
    bool released = claim[0] != '\0' && released_has(hook->manager, claim);
    char first[sizeof(err->hint)];
    STR_SET(first, err->hint);
    if (claim[0] == '\0') {
        error_hint(err, "the restored file names the device, not the VM's definition: `virsh "
                        "save-image-edit FILE` changes the file");
    } else if (released) {
        error_hint(err,
                   "%s; if the claim has another device then (`cleave claim show %s`), write that "
                   "into the file: `virsh save-image-edit FILE`",
                   first, claim);
    } else {
        error_hint(
            err,
            "the restored file names the device, not the VM's definition: create the claim again "
            "(`cleave claim create %s --vm %s …`), and if it has another device now (`cleave claim "
            "show %s`), write that into the file: `virsh save-image-edit FILE`",
            claim, SHELL_ARG(hook->vm.name), claim);
    }
}

/* Of a VM that comes from elsewhere the definition is not here, and can't be changed here. */
static void explain_entrance(const struct hook *hook, struct error *err)
{
    const char *name = hook->vm.name;
    const struct host *host = hook->manager->host;
    if (hook->entrance == ENTRANCE_MIGRATION) {
        if (has_alias(&hook->vm)) {
            error_set(err, err->reason, SUBJECT("vm", name),
                      "VM \"%s\" can't migrate to this host by libvirt alone: only a migration by "
                      "cleave makes the devices of its claims here",
                      name);
        }
        error_hint(err,
                   "migrate it with `cleave vm migrate %s qemu+ssh://%s/system`, on the host where "
                   "it runs",
                   SHELL_ARG(name), host != NULL && host->name[0] != '\0' ? host->name : "HOST");
    } else if (hook->entrance == ENTRANCE_RESTORE && !is_saved(hook)) {
        explain_file(hook, err);
    } else if (hook->entrance == ENTRANCE_RESTORE &&
               saved_find_stuck(hook->manager, &hook->vm, hook->vm.devices.items,
                                hook->vm.devices.n) != NULL) {
        saved_hint_forget(&hook->vm, err);
    } else if (hook->entrance == ENTRANCE_RESTORE) {
        error_hint(err,
                   "its saved state names the device, not its definition: if its claim exists, "
                   "`cleave vm start %s` puts the claim's device into a managed save; `virsh "
                   "managedsave-remove %s` deletes the state, and the guest's memory with it",
                   SHELL_ARG(name), SHELL_WORD(name));
    }
}

static void answer(struct hook *hook, const struct error *refusal)
{
    struct error own = {0};
    const struct error *err = refusal;
    if (refusal != NULL && hook->entrance != ENTRANCE_START) {
        own = *refusal;
        explain_entrance(hook, &own);
        err = &own;
    }
    reply_fn *reply = TAKE_PTR(hook->reply);
    if (reply == NULL) {
        return; /* its deadline answered */
    }
    if (err != NULL) {
        hook_watch_off(hook->manager->hook_watch, hook->vm.name, hook->vm.uuid,
                       looks_begun(hook->manager, SOURCE_GUESTS));
        txn_event_alone(hook->manager, EVENT_VM_REFUSED, SUBJECT("vm", hook->vm.name),
                        hook->caller.author, "%s", err->message);
        reply(NULL, err, hook->data);
        hook->manager->listeners->vm_refused(hook->manager, hook->vm.name);
        return;
    }
    vm_overlay_note(hook->manager, &hook->vm, true);
    json_t *body = allow();
    json_t *without = claim_view_without(hook->manager, hook->vm.name, hook->vm.uuid);
    for (size_t i = 0; i < json_array_size(without); i++) {
        txn_event_alone(hook->manager, EVENT_VM_LACKS_CLAIM, SUBJECT("vm", hook->vm.name),
                        hook->caller.author, "%s", json_string_value(json_array_get(without, i)));
    }
    if (without != NULL) {
        json_object_set_new(body, "warnings", without);
    }
    reply(body, NULL, hook->data);
}

static void finish(struct hook *hook, const struct error *err)
{
    answer(hook, err);
    hook_free(hook);
}

/* ---- prepare ---- */

static struct start_check check_of(const struct hook *hook)
{
    return (struct start_check){
        .manager = hook->manager, .vm = &hook->vm, .out_of_time = hook->out_of_time};
}

/* The same as start_check_judge(). */
static int judge(const struct hook *hook, struct missing_devices *ret_needs, struct error *err)
{
    const struct start_check check = check_of(hook);
    return start_check_judge(&check, ret_needs, err);
}

static void turn_over(json_t *body, const struct error *err, void *data)
{
    json_decref(body);
    finish(data, err);
}

/* The devices are there, or are not; nothing more is tried. */
static void plan_ended(struct manager *m, const struct plan *plan, const struct error *why,
                       void *data)
{
    struct change *change = data;
    struct hook *hook = change->data;
    CLEANUP(needs_done) struct missing_devices needs = {0};
    struct error err = {0};
    (void)m;
    if (plan == NULL) {
        err = *why;
    } else if (plan->state != PLAN_DONE) {
        power_failed(plan, hook->vm.name, &err);
    } else if (judge(hook, &needs, &err) == 0 && (needs_any(&needs) || needs.in_progress)) {
        error_set(&err, REASON_DRIVER, SUBJECT("vm", hook->vm.name),
                  "VM \"%s\" can't start: its device was made, but has disappeared again",
                  hook->vm.name);
    }
    if (err.reason != REASON_NONE) {
        change_refuse(change, &err);
    } else {
        change_answer(change, NULL);
    }
}

/* ---- what another VM gives back ---- */

/* Room that is taken by what is being given back will be there. */
static bool is_release_under_way(const struct manager *m)
{
    for (vec_each(&m->claims, claim)) {
        if (power_gives_back(m, claim)) {
            return true;
        }
    }
    return false;
}

/* Its turn goes to the release; it looks again soon. */
static void park(struct hook *hook, struct change *change)
{
    struct manager *m = hook->manager;
    for (vec_each(&m->claims, claim)) {
        if (power_gives_back(m, claim) && power_may_give_back(m, claim->vm)) {
            power_give_back(m, claim->vm, claim->vm_uuid);
        }
    }
    hook->parked = true;
    hook->pause_us = backoff_take(&hook->backoff, FIRST_PAUSE_US, LONGEST_PAUSE_US);
    *vec_push(&m->parked_hooks) = hook;
    (void)evloop_timer_set(hook->timer, hook->pause_us);
    change_detach(change);
}

static void unpark(struct hook *hook)
{
    struct manager *m = hook->manager;
    for (size_t i = m->parked_hooks.n; i > 0; i--) {
        if (m->parked_hooks.items[i - 1] == hook) {
            vec_remove(&m->parked_hooks, i - 1);
        }
    }
    hook->parked = false;
}

void hook_refuse_all(struct manager *m, const struct error *err)
{
    while (m->parked_hooks.n > 0) {
        struct hook *hook = m->parked_hooks.items[0];
        unpark(hook);
        finish(hook, err);
    }
    vec_done(&m->parked_hooks);
}

/* ---- a start that is to end ---- */

static void say_ended(const struct hook *hook, struct error *err)
{
    error_set(err, REASON_CONFLICT, SUBJECT("vm", hook->vm.name),
              "VM \"%s\" can't start: `cleave vm stop --now` ended the start", hook->vm.name);
    error_hint(err, "start it again: `cleave vm start %s`", SHELL_ARG(hook->vm.name));
}

bool hook_end_all(struct manager *m, const char *vm)
{
    bool found = false;
    for (size_t i = m->hooks.n; i > 0; i--) {
        struct error err = {0};
        struct hook *hook = m->hooks.items[i - 1];
        bool own = str_eq(hook->vm.name, vm) || str_eq_case(hook->vm.uuid, vm);
        if (!own || hook->reply == NULL) {
            continue;
        }
        found = true;
        say_ended(hook, &err);
        if (hook->parked) {
            unpark(hook);
            finish(hook, &err);
        } else {
            answer(hook, &err); /* what is under way for it comes to its end */
        }
    }
    return found;
}

static void run_prepare(struct change *change)
{
    struct hook *hook = change->data;
    CLEANUP(needs_done) struct missing_devices needs = {0};
    struct error err = {0};
    struct plan *plan = NULL;
    int r = judge(hook, &needs, &err);
    r = r != 0 ? r : needs_refuse_wait(&needs, &hook->vm, &err); /* our turn has come */
    if (hook->reply == NULL || (r == 0 && !needs_any(&needs) && !needs.release)) {
        change_answer(change, NULL); /* too late; or made meanwhile */
        return;
    }
    if (r == 0 && needs.release) {
        park(hook, change);
        return;
    }
    char reason[PLAN_REASON_SIZE];
    str_print(reason, sizeof(reason), "VM %s starts", hook->vm.name);
    if (r == 0) {
        r = power_plan(change->manager, &needs, true, "libvirt", reason, &plan, &err);
        if (r != 0 && !hook->out_of_time && is_release_under_way(change->manager)) {
            park(hook, change);
            return;
        }
    }
    if (r != 0) {
        const struct start_check check = check_of(hook);
        start_check_explain(&check, &needs, &err);
        change_refuse(change, &err);
        return;
    }
    plans_run(change->manager, plan, plan_ended, change);
}

static void looked(struct manager *m, const struct error *observe_err, void *data)
{
    struct hook *hook = data;
    CLEANUP(needs_done) struct missing_devices needs = {0};
    struct error err = {0};
    if (observe_err == NULL && judge(hook, &needs, &err) == 0 &&
        (needs_any(&needs) || needs.in_progress || needs.release)) {
        struct request request = {.caller = &hook->caller, .reply = turn_over, .data = hook};
        change_enqueue_urgent(change_new(m, run_prepare, &request, hook->vm.name));
        return;
    }
    observe_err = observe_err == NULL && err.reason != REASON_NONE ? &err : observe_err;
    finish(hook, observe_err);
}

/* Defining a VM can wait for the hook of any other, when someone asks about that other one: a plan
 * that is doing so for long may be waiting for us. */
static bool is_at_definition(const struct manager *m)
{
    for (size_t i = 0; m->running != NULL && i < m->running->steps.n; i++) {
        const struct step *step = &m->running->steps.items[i];
        if ((step->state == STEP_RUNNING || step->state == STEP_UNDOING) &&
            step_kind_port(step->kind) == PORT_GUEST) {
            return true;
        }
    }
    return false;
}

/* A plan under way goes on; what comes of it is given back when libvirt tells that the VM did not
 * start, or when it is seen off. */
static void give_up(struct hook *hook)
{
    struct error err = {0};
    const struct plan *plan = hook->manager->running;
    error_set(&err, REASON_UNAVAILABLE, SUBJECT("vm", hook->vm.name),
              "VM \"%s\" can't start: its device was not ready in time%s%s%s", hook->vm.name,
              plan == NULL ? "" : "; plan ", plan == NULL ? "" : plan->id,
              plan == NULL ? "" : " still runs");
    error_hint(&err,
               "try again; `cleave plan list` and `cleave event list` show what takes so long");
    answer(hook, &err);
}

static void on_tick(void *data);

/* 0 or -errno. */
static int wait_on(struct hook *hook)
{
    uint64_t now_us = clock_monotonic_us();
    uint64_t left_us = hook->until_us > now_us ? hook->until_us - now_us : 0;
    return evloop_timer_set(hook->timer, left_us < TICK_US ? left_us : TICK_US);
}

static void on_tick(void *data)
{
    struct hook *hook = data;
    if (hook->reply == NULL) {
        return;
    }
    if (hook->parked) {
        unpark(hook);
        hook->out_of_time = clock_monotonic_us() + hook->pause_us >= hook->until_us;
        (void)wait_on(hook);
        observe_hardware(hook->manager, looked, hook);
        return;
    }
    hook->blocked = is_at_definition(hook->manager) ? hook->blocked + 1 : 0;
    if (clock_monotonic_us() >= hook->until_us || hook->blocked >= MAX_BLOCKED ||
        wait_on(hook) < 0) {
        give_up(hook);
    }
}

/* In the ledger's turn: what its claims say of it is stored. */
static void adopted(void *data)
{
    struct hook *hook = data;
    observe_hardware(hook->manager, looked, hook);
}

static void prepare(struct hook *hook, struct error *err)
{
    struct manager *m = hook->manager;
    bool adopts = m->host != NULL && adopt_claims(m, &hook->vm);
    struct change *end = vm_line_find_end(m, &hook->vm);
    if (end != NULL) {
        end->ends_start = true;
        say_ended(hook, err);
        finish(hook, err);
        return;
    }
    const struct start_check check = check_of(hook);
    if (!adopts && !start_check_concerns_us(&check)) {
        finish(hook, NULL);
        return;
    }
    *vec_push(&m->hooks) = hook;
    uint64_t deadline_us =
        m->config.hook_deadline_us == 0 ? DEADLINE_US : m->config.hook_deadline_us;
    hook->until_us = clock_monotonic_us() + deadline_us;
    int r = evloop_timer_new(m->config.loop, on_tick, hook, &hook->timer);
    r = r < 0 ? r : wait_on(hook);
    if (r < 0) {
        error_set_errno(err, -r, "cleaved", "starting a timer");
        finish(hook, err);
        return;
    }
    if (adopts) {
        ledger_take_turn(m->ledger, adopted, hook);
    } else {
        observe_hardware(m, looked, hook);
    }
}

/* ---- release ---- */

/* The emulator is dead. A VM that moved to another host is the migration's business. */
static void release(struct hook *hook, const char *why)
{
    struct manager *m = hook->manager;
    bool saved = str_eq(why, "saved");
    if (saved) {
        vm_overlay_note_saved(m, &hook->vm);
    } else {
        vm_overlay_note(m, &hook->vm, false);
    }
    hook_watch_off(m->hook_watch, hook->vm.name, hook->vm.uuid, looks_begun(m, SOURCE_GUESTS));
    /* One that was saved keeps them for as long as libvirt has its saved state. */
    if (!str_eq(why, "migrated") && !saved) {
        power_give_back(m, hook->vm.name, hook->vm.uuid);
    }
    reply_fn *reply = TAKE_PTR(hook->reply);
    reply(allow(), NULL, hook->data);
    hook_free(hook);
}

/* ---- the request ---- */

/* `migrate` and `restore` come right before the `prepare` of a VM that doesn't boot. */
static void note_entrance(struct manager *m, const struct vm *vm, int operation)
{
    m->entering = (struct entering){
        .how = operation == HOOK_MIGRATE ? ENTRANCE_MIGRATION : ENTRANCE_RESTORE,
        .at_us = clock_monotonic_us(),
    };
    STR_SET(m->entering.vm, vm->name);
}

static enum entrance take_entrance(struct manager *m, const struct vm *vm)
{
    const struct vm *seen = m->host != NULL ? host_find_vm_of(m->host, vm->name, vm->uuid) : NULL;
    bool noted =
        str_eq(m->entering.vm, vm->name) && clock_monotonic_us() < m->entering.at_us + ENTRANCE_US;
    enum entrance how = noted ? m->entering.how : ENTRANCE_START;
    if (noted) {
        m->entering = (struct entering){0};
    }
    return how == ENTRANCE_START && seen != NULL && seen->saved ? ENTRANCE_RESTORE : how;
}

void verb_run_hook(struct manager *m, const struct request *request)
{
    struct error err = {0};
    const struct hook_body *body = request->body;
    enum hook_operation operation = body->operation;
    struct hook *hook = xcalloc(1, sizeof(*hook));
    *hook = (struct hook){
        .manager = m, .caller = *request->caller, .reply = request->reply, .data = request->data};
    struct guest_port *port = m->config.ports.guest;
    int result = port->ops->describe(port, body->xml, &hook->vm, &err);
    if (result != 0) {
        hook_watch_called(m->hook_watch, body->domain, "", clock_realtime_us());
        hook->reply = NULL;
        hook_free(hook);
        request_refuse(request, &err);
        return;
    }
    STR_SET(hook->vm.name, vm_known_as(body->domain, hook->vm.uuid));
    if (m->host != NULL) {
        host_settle_vm_name(m->host, &hook->vm);
    }
    if (operation != HOOK_RELEASE) {
        hook_watch_called(m->hook_watch, hook->vm.name, hook->vm.uuid, clock_realtime_us());
    }
    if (operation == HOOK_PREPARE) {
        hook->entrance = take_entrance(m, &hook->vm);
        prepare(hook, &err);
    } else if (operation == HOOK_RELEASE) {
        release(hook, body->extra);
    } else { /* nothing to say to the others, and nothing that they wait for */
        if (operation == HOOK_MIGRATE || operation == HOOK_RESTORE) {
            note_entrance(m, &hook->vm, operation);
        }
        hook->reply = NULL;
        hook_free(hook);
        request_answer(request, allow());
    }
}
