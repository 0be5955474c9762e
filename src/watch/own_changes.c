/* SPDX-License-Identifier: Apache-2.0 */
#include "watch/own_changes.h"

#include "base/str.h"

#define LATEST_US 5000000 /* libvirt reports what it did within milliseconds */
#define SOON_US 1000000   /* likewise, where others may do the same right after */
#define KEPT_US 300000000 /* longer than the pause between looks */

void own_changes_done(struct own_changes *own)
{
    vec_done(own);
}

/* One that is cancelled while it starts is destroyed, and noted as stopped. */
static enum vm_happening kin_of(enum vm_happening happening)
{
    return happening == VM_HAPPENED_KILLED ? VM_HAPPENED_STOPPED : happening;
}

static bool is_about(const struct own_change *change, const char *vm, const char *uuid,
                     enum vm_happening happening)
{
    bool same = str_eq(change->vm, vm) || (uuid[0] != '\0' && str_eq_case(change->vm, uuid)) ||
                (uuid[0] != '\0' && str_eq_case(change->uuid, uuid));
    return same && kin_of(change->happening) == kin_of(happening);
}

static void forget(struct own_changes *own, const struct own_change *change)
{
    vec_remove(own, (size_t)(change - own->items));
}

/* False: cleave's events of that kind have no report of libvirt's. */
static bool find_happening(enum event_kind kind, enum vm_happening *ret_happening)
{
    static const struct {
        enum event_kind kind;
        enum vm_happening happening;
    } rows[] = {
        {EVENT_VM_CREATED, VM_HAPPENED_DEFINED}, {EVENT_VM_DELETED, VM_HAPPENED_UNDEFINED},
        {EVENT_VM_KILLED, VM_HAPPENED_KILLED},   {EVENT_VM_STARTED, VM_HAPPENED_STARTED},
        {EVENT_VM_STOPPED, VM_HAPPENED_STOPPED},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].kind == kind) {
            *ret_happening = rows[i].happening;
            return true;
        }
    }
    return false;
}

void own_changes_note(struct own_changes *own, const char *vm, enum event_kind kind,
                      uint64_t now_us)
{
    enum vm_happening happening = VM_HAPPENING_COUNT;
    if (!find_happening(kind, &happening)) {
        return;
    }
    for (vec_each(own, change)) {
        bool same = str_eq(change->vm, vm) || str_eq_case(change->uuid, vm);
        if (change->reported && same && kin_of(change->happening) == kin_of(happening)) {
            forget(own, change);
            return;
        }
    }
    struct own_change *change = vec_push(own);
    *change = (struct own_change){
        .happening = happening, .from_us = 0, .until_us = now_us + LATEST_US, .once = true};
    STR_SET(change->vm, vm);
}

void own_changes_note_plan(struct own_changes *own, const char *vm, uint64_t from_us,
                           uint64_t until_us)
{
    struct own_change *change = vec_push(own);
    *change = (struct own_change){
        .happening = VM_HAPPENED_DEFINED, .from_us = from_us, .until_us = until_us + SOON_US};
    STR_SET(change->vm, vm);
}

void own_changes_note_report(struct own_changes *own, const struct vm_report *report)
{
    struct own_change *change = vec_push(own);
    *change = (struct own_change){
        .happening = report->happening, .until_us = report->at_us + LATEST_US, .reported = true};
    STR_SET(change->vm, report->name);
    STR_SET(change->uuid, report->uuid);
}

bool own_changes_take(struct own_changes *own, const struct vm_report *report)
{
    for (vec_each(own, change)) {
        if (!change->reported && is_about(change, report->name, report->uuid, report->happening) &&
            report->at_us >= change->from_us && report->at_us <= change->until_us) {
            if (change->once) {
                forget(own, change);
            }
            return true;
        }
    }
    return false;
}

void own_changes_trim(struct own_changes *own, uint64_t now_us)
{
    for (size_t i = own->n; i > 0; i--) {
        const struct own_change *change = &own->items[i - 1];
        if (change->until_us + (change->reported ? 0 : KEPT_US) < now_us) {
            vec_remove(own, i - 1);
        }
    }
}
