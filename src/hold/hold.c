/* SPDX-License-Identifier: Apache-2.0 */
#include "hold/hold.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/str.h"

/* ---- objects ---- */

struct hold_object hold_vm(const char *name, const char *uuid)
{
    struct hold_object object = {.kind = HELD_VM};
    STR_SET(object.name, name);
    STR_SET(object.uuid, uuid);
    return object;
}

struct hold_object hold_claim_named(const char *name)
{
    struct hold_object object = {.kind = HELD_CLAIM};
    STR_SET(object.name, name);
    return object;
}

struct hold_object hold_claim(const struct claim *claim)
{
    struct hold_object object = hold_claim_named(claim->name);
    object.in_plan = claim->state == CLAIM_BINDING || claim->state == CLAIM_RELEASING;
    return object;
}

struct hold_object hold_gpu(const struct pci_addr *gpu)
{
    return (struct hold_object){.kind = HELD_GPU, .gpu = *gpu};
}

static bool is_name_of(const char *name, const struct hold_object *vm)
{
    return name[0] != '\0' && (str_eq(name, vm->name) || str_eq_case(name, vm->uuid));
}

static bool is_same(const struct hold_object *a, const struct hold_object *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case HELD_VM:
        return is_name_of(a->name, b) || is_name_of(b->name, a) ||
               (a->uuid[0] != '\0' && str_eq_case(a->uuid, b->uuid));
    case HELD_CLAIM:
        return str_eq(a->name, b->name);
    case HELD_GPU:
        break;
    }
    return pci_addr_cmp(&a->gpu, &b->gpu) == 0;
}

/* ---- what bars what ---- */

#define REPORTS                                                                                    \
    (HOLD_BAR(WANT_VM_REPORT) | HOLD_BAR(WANT_VM_TAKE_FOR_OFF) | HOLD_BAR(WANT_GPU_REPORT))
#define MIGRATES                                                                                   \
    (HOLD_BAR(WANT_VM_START) | HOLD_BAR(WANT_VM_STOP) | HOLD_BAR(WANT_VM_MIGRATE) |                \
     HOLD_BAR(WANT_VM_FORESEE_MOVE) | HOLD_BAR(WANT_VM_ARRIVE) | HOLD_BAR(WANT_VM_DELETE) |        \
     HOLD_BAR(WANT_VM_REPORT) | HOLD_BAR(WANT_VM_TAKE_FOR_OFF) | HOLD_BAR(WANT_CLAIM_CHANGE) |     \
     HOLD_BAR(WANT_CLAIM_FOLLOW) | HOLD_BAR(WANT_CLAIM_COLLECT))

static const uint32_t bars[HOLD_KIND_COUNT] = {
    [HOLD_OUTGOING] = MIGRATES | HOLD_BAR(WANT_VM_BOOT), /* it must not start here a second time */
    [HOLD_INCOMING] = MIGRATES,
    [HOLD_START] = HOLD_BAR(WANT_VM_MIGRATE) | HOLD_BAR(WANT_VM_REDEFINE) |
                   HOLD_BAR(WANT_VM_REPORT) | HOLD_BAR(WANT_VM_TAKE_FOR_OFF),
    [HOLD_CHANGE] = HOLD_BAR(WANT_VM_REPORT) | HOLD_BAR(WANT_VM_TAKE_FOR_OFF),
    /* A plan has the turn, so that nothing but a hook can ask for a VM whose definition it changes.
     */
    [HOLD_PLAN] = HOLD_BAR(WANT_VM_BOOT) | HOLD_BAR(WANT_CLAIM_FOLLOW) | HOLD_BAR(WANT_GPU_REPORT),
    [HOLD_LATE_PLAN] = HOLD_BAR(WANT_VM_START) | HOLD_BAR(WANT_VM_BOOT) |
                       HOLD_BAR(WANT_CLAIM_CHANGE) | HOLD_BAR(WANT_GPU_CHANGE) |
                       HOLD_BAR(WANT_GPU_REPORT),
};

uint32_t hold_bars(enum hold_kind kind)
{
    return bars[kind];
}

uint32_t hold_bars_reports(uint32_t set)
{
    return set & REPORTS;
}

/* ---- taking and ending ---- */

void holds_take(struct holds *holds, const struct hold *hold)
{
    for (size_t i = holds->n; i > 0; i--) {
        const struct hold *known = &holds->items[i - 1];
        if (str_eq(known->operation, hold->operation) && is_same(&known->object, &hold->object)) {
            vec_remove(holds, i - 1);
        }
    }
    if (hold->bars != 0 || hold->lends) {
        *vec_push(holds) = *hold;
    }
}

void holds_end(struct holds *holds, const char *operation, uint64_t until)
{
    for (size_t i = holds->n; i > 0; i--) {
        struct hold *hold = &holds->items[i - 1];
        if (!str_eq(hold->operation, operation)) {
            continue;
        }
        hold->bars =
            until == 0 ? 0 : hold_bars_reports(hold->bars) & ~HOLD_BAR(WANT_VM_TAKE_FOR_OFF);
        hold->lends = false;
        hold->until = until;
        if (hold->bars == 0) {
            vec_remove(holds, i - 1);
        }
    }
}

void holds_forget_seen(struct holds *holds, uint64_t look)
{
    for (size_t i = holds->n; i > 0; i--) {
        if (holds->items[i - 1].until != 0 && holds->items[i - 1].until <= look) {
            vec_remove(holds, i - 1);
        }
    }
}

void holds_done(struct holds *holds)
{
    vec_done(holds);
}

/* ---- asking ---- */

const struct hold *holds_find(const struct holds *holds, const struct hold_object *object,
                              enum hold_want want, const char *operation)
{
    static const struct hold by_state = {.kind = HOLD_PLAN, .object = {.kind = HELD_CLAIM}};
    const char *own = operation == NULL ? "" : operation;
    for (vec_each(holds, hold)) {
        if ((hold->bars & HOLD_BAR(want)) != 0 && is_same(&hold->object, object) &&
            (own[0] == '\0' || !str_eq(hold->operation, own))) {
            return hold;
        }
    }
    return object->in_plan && (bars[HOLD_PLAN] & HOLD_BAR(want)) != 0 ? &by_state : NULL;
}

bool holds_bar(const struct holds *holds, struct hold_object object, enum hold_want want)
{
    return holds_find(holds, &object, want, NULL) != NULL;
}

bool holds_have(const struct holds *holds, enum hold_kind kind, struct hold_object object)
{
    for (vec_each(holds, hold)) {
        if (hold->kind == kind && hold->until == 0 && is_same(&hold->object, &object)) {
            return true;
        }
    }
    return false;
}

bool holds_lend(const struct holds *holds, const char *claim, const char *vm, const char *uuid)
{
    struct hold_object object = hold_claim_named(claim);
    struct hold_object asker = hold_vm(vm, uuid);
    for (vec_each(holds, hold)) {
        if (hold->lends && is_same(&hold->object, &object) && is_same(&hold->vm, &asker)) {
            return true;
        }
    }
    return false;
}

/* ---- refusing ---- */

#define WHEN_SIZE 24

static const char *when(const struct hold *hold, char out[WHEN_SIZE])
{
    char text[32];
    (void)clock_format(hold->since_us, text, sizeof(text));
    (void)snprintf(out, WHEN_SIZE, "%.19sZ", text); /* without microseconds */
    return out;
}

/* "VM "web1" can't be stopped: ..." */
static const char *const verbs[HOLD_WANT_COUNT] = {
    [WANT_VM_START] = "start",
    [WANT_VM_BOOT] = "start",
    [WANT_VM_STOP] = "be stopped",
    [WANT_VM_MIGRATE] = "migrate",
    [WANT_VM_FORESEE_MOVE] = "migrate",
    [WANT_VM_ARRIVE] = "arrive a second time",
    [WANT_VM_DELETE] = "be deleted",
    [WANT_VM_REDEFINE] = "be changed",
    [WANT_VM_REPORT] = "be judged by what is seen",
    [WANT_VM_TAKE_FOR_OFF] = "be taken for off",
    [WANT_CLAIM_CHANGE] = "be changed",
    [WANT_CLAIM_FOLLOW] = "follow its VM",
    [WANT_CLAIM_COLLECT] = "be collected",
    [WANT_GPU_CHANGE] = "be changed",
    [WANT_GPU_REPORT] = "be judged by what is seen",
};

#define WHY_SIZE (ERROR_TEXT_SIZE - 2 * VM_NAME_SIZE)

static void say_vm(const struct hold *hold, const char *since, char out[WHY_SIZE])
{
    const char *other = hold->what[0] != '\0' ? hold->what : "another host";
    switch (hold->kind) {
    case HOLD_OUTGOING:
        str_print(out, WHY_SIZE, "it is migrating to %s (%s, begun %s)", other, hold->state, since);
        return;
    case HOLD_INCOMING:
        str_print(out, WHY_SIZE, "it is migrating to this host from %s (%s, begun %s)", other,
                  hold->state, since);
        return;
    case HOLD_START:
        str_print(out, WHY_SIZE, "it is being started (since %s)", since);
        return;
    case HOLD_PLAN:
        str_print(out, WHY_SIZE, "plan %s (%s, begun %s) is changing its devices", hold->operation,
                  hold->what, since);
        return;
    case HOLD_LATE_PLAN:
        str_print(out, WHY_SIZE,
                  "plan %.8s (%s) is changing its GPU, and waits: %s has not answered since %s",
                  hold->operation, hold->what, hold->state, since);
        return;
    case HOLD_CHANGE:
    case HOLD_KIND_COUNT:
        break;
    }
    str_print(out, WHY_SIZE, "it is being changed (since %s)", since);
}

/* Of a claim or a GPU. */
static void say_device(const struct hold *hold, const char *since, char out[WHY_SIZE])
{
    switch (hold->kind) {
    case HOLD_OUTGOING:
    case HOLD_INCOMING:
        str_print(out, WHY_SIZE, "VM \"%s\" is %s with it (migration %s, begun %s)", hold->vm.name,
                  hold->kind == HOLD_OUTGOING ? "leaving" : "coming in", hold->operation, since);
        return;
    case HOLD_LATE_PLAN:
        str_print(out, WHY_SIZE,
                  "plan %.8s (%s) is changing it, and waits: %s has not answered since %s",
                  hold->operation, hold->what, hold->state, since);
        return;
    case HOLD_PLAN:
    case HOLD_START:
    case HOLD_CHANGE:
    case HOLD_KIND_COUNT:
        break;
    }
    str_print(out, WHY_SIZE, "a plan is changing it");
}

static void hint(const struct hold *hold, struct error *err)
{
    switch (hold->kind) {
    case HOLD_OUTGOING:
        error_hint(err,
                   "wait until the migration is over, or cancel it: `cleave migration cancel %s`",
                   hold->operation);
        return;
    case HOLD_INCOMING:
        error_hint(err,
                   "wait until the VM has arrived, or cancel the migration on its source: `cleave "
                   "migration cancel %s`",
                   hold->operation);
        return;
    case HOLD_START:
        error_hint(err,
                   "try again when the VM runs; `cleave vm stop --now %s` ends the start, or says "
                   "what blocks it",
                   SHELL_ARG(hold->object.name));
        return;
    case HOLD_LATE_PLAN:
        error_hint(err, "the plan continues when %s answers; see `cleave plan show %s`",
                   hold->state, hold->operation);
        return;
    case HOLD_PLAN:
        if (hold->operation[0] != '\0') {
            error_hint(err, "try again when the plan is done: `cleave plan show %s`",
                       hold->operation);
            return;
        }
        break;
    case HOLD_CHANGE:
    case HOLD_KIND_COUNT:
        break;
    }
    error_hint(err, "try again when that is over; see `cleave plan list`");
}

static const enum reason reasons[HOLD_KIND_COUNT] = {
    [HOLD_OUTGOING] = REASON_IN_USE, [HOLD_INCOMING] = REASON_IN_USE,
    [HOLD_START] = REASON_IN_USE,    [HOLD_CHANGE] = REASON_IN_USE,
    [HOLD_PLAN] = REASON_CONFLICT,   [HOLD_LATE_PLAN] = REASON_UNAVAILABLE,
};

int hold_check(const struct holds *holds, struct hold_object object, enum hold_want want,
               const char *operation, struct error *err)
{
    const struct hold *hold = holds_find(holds, &object, want, operation);
    if (hold == NULL) {
        return 0;
    }
    char since[WHEN_SIZE];
    char why[WHY_SIZE];
    char bdf[BDF_SIZE];
    enum reason reason = reasons[hold->kind];
    const char *known = hold->object.name[0] != '\0' ? hold->object.name : object.name;
    switch (object.kind) {
    case HELD_VM:
        say_vm(hold, when(hold, since), why);
        error_set(err, reason, SUBJECT("vm", known), "VM \"%s\" can't %s: %s", known, verbs[want],
                  why);
        break;
    case HELD_CLAIM:
        say_device(hold, when(hold, since), why);
        error_set(err, reason, SUBJECT("claim", object.name), "claim \"%s\" can't %s: %s",
                  object.name, verbs[want], why);
        break;
    case HELD_GPU:
        say_device(hold, when(hold, since), why);
        error_set(err, reason, SUBJECT("gpu", pci_addr_format(&object.gpu, bdf)),
                  "GPU %s can't %s: %s", bdf, verbs[want], why);
        break;
    }
    hint(hold, err);
    return -(int)reason;
}
