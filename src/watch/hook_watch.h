/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does libvirt call our hook? A script in the right folder proves nothing: libvirt looks there when
 * its daemon starts. What proves it is a call; and a VM that is seen to start without one proves
 * the contrary, whatever the reason. Loop thread only; nothing is kept beyond this process.
 */
#ifndef WATCH_HOOK_WATCH_H
#define WATCH_HOOK_WATCH_H

#include <jansson.h>

#include "base/str.h"
#include "model/host.h"

enum hook_state {
    HOOK_UNKNOWN, /* no VM has started since cleaved did */
    HOOK_CALLED,  /* for the VM that was heard of last */
    HOOK_MISSED,  /* a VM started without a call */
    HOOK_STATE_COUNT
};
WORDS_DECLARE(hook_state, hook_state_words)

/* A VM for which the hook was called, until it is off again. */
struct hook_call {
    char vm[VM_NAME_SIZE], uuid[40];
    bool seen_on;   /* since the call */
    unsigned looks; /* at the guests that did not show it on */
    uint64_t
        off_look; /* its end was reported: looks before this one may show it on; 0: it was not */
};

struct hook_watch {
    enum hook_state state;
    char vm[VM_NAME_SIZE]; /* what the state is about; "" while it is unknown */
    uint64_t at_us;        /* realtime, likewise */
    VEC(struct hook_call) calls;
};

void hook_watch_done(struct hook_watch *watch);
/* libvirt asks before the VM starts. */
void hook_watch_called(struct hook_watch *watch, const char *vm, const char *uuid, uint64_t now_us);
/* The VM is off, or was refused. `look`: the number of the latest look at the guests that began. */
void hook_watch_off(struct hook_watch *watch, const char *vm, const char *uuid, uint64_t look);
/* Borrowed from what was looked at. */
struct missed_vms {
    const struct vm **items;
    size_t n;
    size_t cap;
};
/* Compares what look number `look` saw with what was known before, both from a libvirt that
 * answered. Appends the VMs that started without a call. */
void hook_watch_look(struct hook_watch *watch, const struct host *was, const struct host *now,
                     uint64_t look, uint64_t now_us, struct missed_vms *ret_missed);
/* Schema Hook in openapi.yaml. */
json_t *hook_watch_to_json(const struct hook_watch *watch);

#endif
