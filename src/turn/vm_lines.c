/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections to libvirt, each with a worker, on which VMs are started and stopped: libvirt returns
 * from a VM's start when its emulator runs, and one that hangs holds up neither another VM nor a
 * plan. Starts that hang take no line from the stops that are to end them, nor do stops that ask
 * the guest take one from those that pull the plug; and some of each are root's alone.
 */
#include "turn/vm_lines.h"

#include <assert.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/encode.h"
#include "state/config.h"
#include "state/lateness.h"
#include "state/state.h"
#include "turn/change.h"
#include "watch/looks.h"

#define USECS_PER_S UINT64_C(1000000)

static const struct {
    size_t lines, roots; /* of them */
    const char *one, *many;
} uses[] = {
    [VM_LINE_START] = {VM_START_LINES, 2, "start", "starts"},
    [VM_LINE_ASK] = {VM_ASK_LINES, 1, "stop", "stops"},
    [VM_LINE_KILL] = {VM_KILL_LINES, 1, "stop (--now)", "stops (--now)"},
};
static_assert(ARRAY_SIZE(uses) == VM_LINE_USE_COUNT, "one of each");

static enum vm_line_use use_of(size_t line, bool *ret_roots)
{
    enum vm_line_use use = VM_LINE_START;
    while (line >= uses[use].lines) {
        line -= uses[use++].lines;
    }
    *ret_roots = line >= uses[use].lines - uses[use].roots;
    return use;
}

int vm_lines_open(struct manager *m)
{
    int r = 0;
    m->vm_lines = xcalloc(VM_LINES, sizeof(*m->vm_lines));
    for (size_t i = 0; r == 0 && i < VM_LINES && m->config.vm_guests[i] != NULL; i++) {
        struct vm_line *line = &m->vm_lines[i];
        line->port = m->config.vm_guests[i];
        line->use = use_of(i, &line->roots);
        r = worker_new(m->config.loop, "vm-power", &line->worker);
        m->n_vm_lines += r == 0;
    }
    return r;
}

/* Libvirt has not answered the same call about the same VM: asked again it would hang again, and
 * hold another line. */
static struct vm_line *find_same(struct manager *m, enum vm_line_use use, const char *vm)
{
    for (size_t i = 0; i < m->n_vm_lines; i++) {
        struct vm_line *line = &m->vm_lines[i];
        for (size_t j = 0; line->use == use && j < line->changes.n; j++) {
            if (str_eq(line->changes.items[j]->name, vm)) {
                return line;
            }
        }
    }
    return NULL;
}

/* An idle one, else behind the fewest calls that have not taken too long yet. */
static struct vm_line *choose(struct manager *m, enum vm_line_use use, bool root)
{
    struct vm_line *best = NULL;
    for (size_t i = 0; i < m->n_vm_lines; i++) {
        struct vm_line *line = &m->vm_lines[i];
        bool may = line->use == use && (root || !line->roots);
        if (may && line->late == 0 && (best == NULL || line->changes.n < best->changes.n)) {
            best = line;
        }
    }
    return best;
}

static void hint_locked(struct error *err)
{
    error_hint(
        err, "libvirt does not answer about a VM while the VM's start, or one of its hooks, runs: "
             "`ps -ef | grep hooks/qemu` shows a hook that hangs; try again when it has ended");
}

static int refuse_line(const struct change *change, enum vm_line_use use,
                       const struct vm_line *same, struct error *err)
{
    if (same != NULL) {
        error_set(err, REASON_UNAVAILABLE, "libvirt",
                  "libvirt has not answered an earlier %s of VM \"%s\" yet", uses[use].one,
                  change->name);
        hint_locked(err);
        return -REASON_UNAVAILABLE;
    }
    error_set(
        err, REASON_UNAVAILABLE, "libvirt", "libvirt has not answered %zu %s of other VMs yet",
        uses[use].lines - (caller_is_root(&change->caller) ? 0 : uses[use].roots), uses[use].many);
    error_hint(err, "GET /v1/health and libvirt's log name them; try again when libvirt answers");
    return -REASON_UNAVAILABLE;
}

int vm_line_take(struct change *change, enum vm_line_use use, struct error *err)
{
    struct manager *m = change->manager;
    if (m->n_vm_lines == 0) { /* the one connection has to bear it */
        return lateness_check_port(m, PORT_GUEST, err);
    }
    struct vm_line *same = find_same(m, use, change->name);
    struct vm_line *line = same != NULL ? same : choose(m, use, caller_is_root(&change->caller));
    if (line == NULL || line->late > 0) {
        return refuse_line(change, use, same, err);
    }
    line->since_us = line->changes.n == 0 ? clock_monotonic_us() : line->since_us;
    *vec_push(&line->changes) = change;
    change->line = line;
    return 0;
}

void vm_line_give_back(struct change *change)
{
    struct vm_line *line = TAKE_PTR(change->line);
    if (line != NULL) {
        for (size_t i = line->changes.n; i > 0; i--) {
            if (line->changes.items[i - 1] == change) {
                vec_remove(&line->changes, i - 1);
            }
        }
        line->since_us = clock_monotonic_us();
        line->late -= change->late;
    }
}

/* ---- what takes long ---- */

bool vm_line_only_asks(const struct change *change)
{
    return change->line != NULL && change->line->use != VM_LINE_START && !change->found;
}

struct change *vm_line_find_end(const struct manager *m, const struct vm *vm)
{
    for (size_t i = 0; i < m->n_vm_lines; i++) {
        const struct vm_line *line = &m->vm_lines[i];
        for (size_t j = 0; line->use == VM_LINE_KILL && j < line->changes.n; j++) {
            struct change *change = line->changes.items[j];
            bool own = str_eq(change->name, vm->name) || str_eq_case(change->name, vm->uuid);
            if (own && !change->found && !change->late && !change->dry_run) {
                return change;
            }
        }
    }
    return NULL;
}

void vm_line_explain(const struct change *change, uint64_t waited_us, struct error *err)
{
    char at[WHEN_SIZE];
    const struct vm_line *line = change->line;
    const struct change *first = line != NULL ? line->changes.items[0] : change;
    bool asks = vm_line_only_asks(change);
    const char *then = asks ? "nothing was done" : "it may still be carried out";
    if (!str_eq(first->name, change->name)) {
        error_set(err, REASON_UNAVAILABLE, "libvirt",
                  "the request for VM \"%s\" waits behind the %s of VM \"%s\", which libvirt has "
                  "not answered since %s; %s",
                  change->name, uses[line->use].one, first->name, lateness_when(line->since_us, at),
                  then);
        error_hint(err, "%s", asks ? "try again" : "see the result in `cleave vm list`");
    } else if (asks) {
        error_set(err, REASON_UNAVAILABLE, "libvirt",
                  "libvirt has not said for %u s whether VM \"%s\" is on%s; %s",
                  (unsigned)(waited_us / USECS_PER_S), change->name,
                  holds_have(&change->manager->holds, HOLD_START, hold_vm(change->name, ""))
                      ? ", which is being started"
                      : "",
                  then);
        hint_locked(err);
    } else {
        error_set(
            err, REASON_UNAVAILABLE, "libvirt",
            "libvirt has not answered for %u s; the request for VM \"%s\" may still be carried out",
            (unsigned)(waited_us / USECS_PER_S), change->name);
        error_hint(err, "see the result in `cleave vm list`, once libvirt answers");
    }
}

void vm_lines_add_problems(const struct manager *m, json_t *list)
{
    char at[WHEN_SIZE];
    uint64_t now_us = clock_monotonic_us();
    for (size_t i = 0; i < m->n_vm_lines; i++) {
        const struct vm_line *line = &m->vm_lines[i];
        bool holds_up = line->late > 0 || line->changes.n > 1;
        if (!holds_up || now_us < line->since_us + looks_patience_us(m, SOURCE_GUESTS)) {
            continue;
        }
        CLEANUP_FREE char *text = xasprintf(
            "libvirt has not answered the %s of VM \"%s\" since %s; %zu more wait behind it",
            uses[line->use].one, line->changes.items[0]->name, lateness_when(line->since_us, at),
            line->changes.n - 1);
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:o}", "what", "libvirt", "text", text, "since",
                                        encode_time(clock_realtime_of(line->since_us))));
    }
}

void vm_lines_finish(struct manager *m, uint64_t until_us, bool *all)
{
    for (size_t i = 0; i < m->n_vm_lines; i++) {
        *all = worker_finish(m->vm_lines[i].worker, until_us) && *all;
    }
}

void vm_lines_close(struct manager *m)
{
    for (size_t i = 0; i < m->n_vm_lines; i++) {
        worker_free(TAKE_PTR(m->vm_lines[i].worker));
        vec_done(&m->vm_lines[i].changes);
    }
}
