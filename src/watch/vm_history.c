/* SPDX-License-Identifier: Apache-2.0 */
#include "watch/vm_history.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "model/host_device.h"
#include "model/known_vms.h"
#include "state/state.h"
#include "state/txn.h"
#include "watch/looks.h"
#include "watch/own_changes.h"

#define KNOWN_KEY "vms"       /* in RECORD_HOST */
#define ONE_REBOOT_US 1000000 /* an emulator may report one several times */

struct vm_history {
    struct known_vms known; /* as of the last look */
    struct own_changes own;
    uint64_t session; /* libvirt's, at the last look; 0: none yet */
    bool unstored;    /* the store lacks some of what is known */
    bool storing;     /* it is on its way there */
};

struct vm_history *vm_history_new(void)
{
    return xcalloc(1, sizeof(struct vm_history));
}

void vm_history_free(struct vm_history *events)
{
    if (events != NULL) {
        known_vms_done(&events->known);
        own_changes_done(&events->own);
        free(events);
    }
}

int vm_history_load(struct manager *m, struct error *err)
{
    CLEANUP_JSON json_t *documents = NULL;
    int r = ledger_records(m->ledger, RECORD_HOST, &documents, err);
    const json_t *document = r == 0 ? json_object_get(documents, KNOWN_KEY) : NULL;
    return document == NULL ? r : known_vms_from_stored_json(document, &m->vm_history->known, err);
}

/* ---- what is cleave's own ---- */

void vm_history_expect(struct manager *m, const char *vm, enum event_kind kind)
{
    own_changes_note(&m->vm_history->own, vm, kind, clock_realtime_us());
}

void vm_history_expect_plan(struct manager *m, const struct plan *plan)
{
    for (vec_each(&plan->steps, step)) {
        if (step_kind_port(step->kind) == PORT_GUEST && step->state != STEP_PLANNED) {
            own_changes_note_plan(&m->vm_history->own, step->vm, plan->created_us,
                                  clock_realtime_us());
        }
    }
}

/* No request of cleave's makes a guest crash or reboot; a migration may make the emulator end that
 * is not needed any more. */
static bool is_in_hand(const struct manager *m, const struct vm_report *report)
{
    const struct hold_object vm = hold_vm(report->name, report->uuid);
    const struct hold *hold = holds_find(&m->holds, &vm, WANT_VM_REPORT, NULL);
    bool alone =
        report->happening == VM_HAPPENED_CRASHED || report->happening == VM_HAPPENED_REBOOTED;
    if (report->happening == VM_HAPPENED_DEFINED && holds_have(&m->holds, HOLD_PLAN, vm)) {
        return true;
    }
    return hold != NULL && (!alone || hold->kind == HOLD_OUTGOING || hold->kind == HOLD_INCOMING);
}

static bool is_own(struct manager *m, const struct vm_report *report)
{
    if (own_changes_take(&m->vm_history->own, report)) {
        return true;
    }
    bool in_hand = is_in_hand(m, report);
    if (in_hand) {
        own_changes_note_report(&m->vm_history->own, report);
    }
    return in_hand;
}

/* ---- which VMs ---- */

/* Also of the name alone: a VM that was just defined again is not yet the claim's own. */
static bool has_claim(const struct manager *m, const char *name, const char *uuid)
{
    for (vec_each(&m->claims, claim)) {
        if (claim_is_of(claim, name, uuid) || str_eq(claim->vm, name)) {
            return true;
        }
    }
    return false;
}

static bool has_gpu(const struct manager *m, const struct vm *vm)
{
    for (vec_each(&vm->devices, device)) {
        if (host_device_find(m->host, device).gpu != NULL) {
            return true;
        }
    }
    return false;
}

static bool is_watched(const struct manager *m, const struct vm *vm)
{
    return has_claim(m, vm->name, vm->uuid) || has_gpu(m, vm);
}

static bool is_report_watched(const struct manager *m, const struct host *now,
                              const struct vm_report *report)
{
    const struct vm *vm = host_find_vm(now, report->uuid);
    return known_vms_find(&m->vm_history->known, report->uuid) != NULL ||
           has_claim(m, report->name, report->uuid) || (vm != NULL && has_gpu(m, vm));
}

/* ---- what libvirt reported ---- */

static const struct {
    enum event_kind kind;
    enum vm_state state; /* VM_UNKNOWN: as it was */
} outcomes[VM_HAPPENING_COUNT] = {
    [VM_HAPPENED_STARTED] = {EVENT_VM_STARTED, VM_RUNNING},
    [VM_HAPPENED_STOPPED] = {EVENT_VM_STOPPED, VM_SHUT_OFF},
    [VM_HAPPENED_KILLED] = {EVENT_VM_KILLED, VM_SHUT_OFF},
    [VM_HAPPENED_CRASHED] = {EVENT_VM_CRASHED, VM_UNKNOWN}, /* what follows says it */
    [VM_HAPPENED_LEFT] = {EVENT_VM_MIGRATED, VM_SHUT_OFF},
    [VM_HAPPENED_REBOOTED] = {EVENT_VM_REBOOTED, VM_UNKNOWN},
    [VM_HAPPENED_PAUSED] = {EVENT_VM_CHANGED, VM_PAUSED},
    [VM_HAPPENED_RESUMED] = {EVENT_VM_CHANGED, VM_RUNNING},
    [VM_HAPPENED_DEFINED] = {EVENT_VM_DEFINED, VM_UNKNOWN},
    [VM_HAPPENED_UNDEFINED] = {EVENT_VM_LOST, VM_UNKNOWN},
};

/* A step on the way to another report, or the end of a start that failed. */
static bool says_nothing(const struct vm_report *report, enum vm_state was)
{
    switch (report->happening) {
    case VM_HAPPENED_RESUMED:
        return was != VM_PAUSED; /* each start says so */
    case VM_HAPPENED_STOPPED:
    case VM_HAPPENED_KILLED:
    case VM_HAPPENED_CRASHED:
    case VM_HAPPENED_LEFT:
    case VM_HAPPENED_PAUSED:
        return was == VM_SHUT_OFF;
    case VM_HAPPENED_STARTED:
    case VM_HAPPENED_REBOOTED:
    case VM_HAPPENED_DEFINED:
    case VM_HAPPENED_UNDEFINED:
    case VM_HAPPENING_COUNT:
        break;
    }
    return false;
}

/* Is it another report of one and the same reboot? */
static bool is_repeated(struct known_vm *vm, const struct vm_report *report)
{
    if (vm == NULL || report->happening != VM_HAPPENED_REBOOTED) {
        return false;
    }
    uint64_t before_us = vm->rebooted_us;
    vm->rebooted_us = report->at_us;
    return before_us != 0 && report->at_us < before_us + ONE_REBOOT_US;
}

static void take_report(struct manager *m, const struct vm_report *report)
{
    struct known_vms *known = &m->vm_history->known;
    struct known_vm *vm = known_vms_find(known, report->uuid);
    enum vm_state was = vm != NULL ? vm->reported : VM_UNKNOWN;
    enum vm_state is = outcomes[report->happening].state;
    if (says_nothing(report, was) || is_repeated(vm, report)) {
        return;
    }
    if (!is_own(m, report)) {
        txn_event_alone(m, outcomes[report->happening].kind, SUBJECT("vm", report->name), "", "%s",
                        report->text);
    }
    if (is != VM_UNKNOWN) {
        (void)known_vms_put(known, report->uuid, report->name, is);
        vm = known_vms_find(known, report->uuid);
        if (vm != NULL) {
            vm->reported = is;
        }
    } else if (report->happening == VM_HAPPENED_UNDEFINED && vm != NULL) {
        known_vms_remove(known, vm); /* it may go on without a definition */
    }
}

/* ---- what it could not report ---- */

/* NULL: nothing can have been missed. */
static const char *find_gap(const struct manager *m, const struct host *now)
{
    const struct vm_history *events = m->vm_history;
    if (events->session == 0) {
        return m->boot_is_new ? "; the host was rebooted since"
                              : "; it happened while cleaved was not running";
    }
    if (events->session != now->libvirt_session) {
        return "; it happened while cleaved had no connection to libvirt";
    }
    return now->vm_reports_whole ? NULL : "";
}

static void compare(struct manager *m, const struct host *now, const struct known_vm *was,
                    const char *gap)
{
    const struct vm *vm = host_find_vm(now, was->uuid);
    if (holds_bar(&m->holds, hold_vm(was->name, was->uuid), WANT_VM_REPORT)) {
        return;
    }
    if (vm == NULL) {
        txn_event_alone(m, EVENT_VM_LOST, SUBJECT("vm", was->name), "",
                        "its definition was removed%s", gap);
    } else if (vm->state != was->state && vm->state != VM_UNKNOWN && was->state != VM_UNKNOWN) {
        txn_event_alone(m, EVENT_VM_CHANGED, SUBJECT("vm", vm->name), "", "%s, was %s%s",
                        vm_state_name(vm->state), vm_state_name(was->state), gap);
    }
}

/* ---- looks ---- */

/* Renamed VMs, too: libvirt reports those as undefined and defined. */
static void follow(struct manager *m, const struct vm *vm)
{
    struct vm_history *events = m->vm_history;
    struct known_vm *was = known_vms_find(&events->known, vm->uuid);
    if (was != NULL && !str_eq(was->name, vm->name) &&
        !holds_bar(&m->holds, hold_vm(was->name, was->uuid), WANT_VM_REPORT)) {
        txn_event_alone(m, EVENT_VM_RENAMED, SUBJECT("vm", vm->name), "", "was \"%s\"", was->name);
    }
    if (!is_watched(m, vm)) {
        if (was != NULL) {
            known_vms_remove(&events->known, was);
            events->unstored = true;
        }
    } else if (vm->state != VM_UNKNOWN || was == NULL) {
        bool new = known_vms_put(&events->known, vm->uuid, vm->name, vm->state);
        events->unstored = events->unstored || new;
    }
}

static void follow_all(struct manager *m, const struct host *now)
{
    struct vm_history *events = m->vm_history;
    for (size_t i = events->known.n; i > 0; i--) {
        if (host_find_vm(now, events->known.items[i - 1].uuid) == NULL) {
            vec_remove(&events->known, i - 1);
            events->unstored = true;
        }
    }
    for (vec_each(&now->vms, vm)) {
        follow(m, vm);
    }
}

/* A store that fails is asked again at the next look. */
static void known_stored(const struct error *err, void *data)
{
    struct manager *m = data;
    m->vm_history->storing = false;
    if (err != NULL) {
        m->vm_history->unstored = true;
        log_warning("can't store which VMs run: %s", err->message);
    }
}

/* In the ledger's turn. The events go along, so that each is written once. */
static void put_known(void *data)
{
    struct manager *m = data;
    struct txn txn;
    CLEANUP_JSON json_t *document = known_vms_to_json(&m->vm_history->known);
    m->vm_history->unstored = false;
    txn_begin(&txn, m);
    txn_put_record(&txn, RECORD_HOST, KNOWN_KEY, document);
    txn_commit_then(&txn, known_stored, m);
}

void vm_history_look(struct manager *m, const struct host *now)
{
    struct vm_history *events = m->vm_history;
    if (now->libvirt_problem[0] != '\0') {
        return;
    }
    for (vec_each(&now->vm_reports, report)) {
        if (is_report_watched(m, now, report)) {
            take_report(m, report);
            events->unstored = true;
        }
    }
    const char *gap = find_gap(m, now);
    for (size_t i = 0; gap != NULL && i < events->known.n; i++) {
        compare(m, now, &events->known.items[i], gap);
    }
    follow_all(m, now);
    for (size_t i = 0; gap != NULL && i < events->known.n; i++) {
        events->known.items[i].reported = events->known.items[i].state;
    }
    events->session = now->libvirt_session;
    own_changes_trim(&events->own, clock_realtime_us());
    holds_forget_seen(&m->holds, looks_begun(m, SOURCE_GUESTS));
    if (events->unstored && !events->storing) {
        events->storing = true;
        ledger_take_turn(m->ledger, put_known, m);
    }
}
