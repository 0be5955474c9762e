/* SPDX-License-Identifier: Apache-2.0 */
#include "watch/hook_watch.h"

#include "base/attr.h"
#include "model/encode.h"

/* A call whose VM has not been seen on for so many looks: it never started. */
#define LOOKS_MAX 1000

WORDS_DEFINE(hook_state_words, "state of the hook", HOOK_STATE_COUNT, WORD(HOOK_UNKNOWN, "unknown"),
             WORD(HOOK_CALLED, "called"), WORD(HOOK_MISSED, "missed"))

void hook_watch_done(struct hook_watch *watch)
{
    vec_done(&watch->calls);
}

static struct hook_call *find(struct hook_watch *watch, const char *vm, const char *uuid)
{
    for (vec_each(&watch->calls, call)) {
        bool by_uuid = uuid[0] != '\0' && call->uuid[0] != '\0';
        if (by_uuid ? str_eq_case(call->uuid, uuid) : str_eq(call->vm, vm)) {
            return call;
        }
    }
    return NULL;
}

static void note(struct hook_watch *watch, enum hook_state state, const char *vm, uint64_t now_us)
{
    watch->state = state;
    STR_SET(watch->vm, vm);
    watch->at_us = now_us;
}

void hook_watch_called(struct hook_watch *watch, const char *vm, const char *uuid, uint64_t now_us)
{
    struct hook_call *call = find(watch, vm, uuid);
    call = call == NULL ? vec_push(&watch->calls) : call;
    *call = (struct hook_call){0};
    STR_SET(call->vm, vm);
    STR_SET(call->uuid, uuid);
    note(watch, HOOK_CALLED, vm, now_us);
}

void hook_watch_off(struct hook_watch *watch, const char *vm, const char *uuid, uint64_t look)
{
    struct hook_call *call = find(watch, vm, uuid);
    call = call == NULL ? vec_push(&watch->calls) : call;
    *call = (struct hook_call){.off_look = look + 1};
    STR_SET(call->vm, vm);
    STR_SET(call->uuid, uuid);
}

static bool has_ended(const struct hook_call *call, bool on, uint64_t look)
{
    if (call->off_look != 0) {
        return !on && look >= call->off_look;
    }
    return !on && (call->seen_on || call->looks >= LOOKS_MAX);
}

static void forget(struct hook_watch *watch, const struct host *now, uint64_t look)
{
    for (size_t i = watch->calls.n; i > 0; i--) {
        struct hook_call *call = &watch->calls.items[i - 1];
        bool on = vm_is_on(host_find_vm_of(now, call->vm, call->uuid));
        if (has_ended(call, on, look)) {
            vec_remove(&watch->calls, i - 1);
            continue;
        }
        if (on && look >= call->off_look) { /* also one whose end was reported, and was none */
            call->off_look = 0;
            call->seen_on = true;
        }
        call->looks += on ? 0 : 1;
    }
}

void hook_watch_look(struct hook_watch *watch, const struct host *was, const struct host *now,
                     uint64_t look, uint64_t now_us, struct missed_vms *ret_missed)
{
    forget(watch, now, look);
    for (vec_each(&now->vms, vm)) {
        const struct vm *before = host_find_vm_of(was, vm->name, vm->uuid);
        bool was_off = before == NULL || before->state == VM_SHUT_OFF;
        if (vm_is_on(vm) && was_off && find(watch, vm->name, vm->uuid) == NULL) {
            note(watch, HOOK_MISSED, vm->name, now_us);
            *vec_push(ret_missed) = vm;
        }
    }
}

json_t *hook_watch_to_json(const struct hook_watch *watch)
{
    return json_pack("{s:s, s:o, s:o}", "state", hook_state_name(watch->state), "vm",
                     encode_text(watch->vm), "at", encode_time(watch->at_us));
}
