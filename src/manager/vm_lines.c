/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections to libvirt, each with a worker, on which VMs are started and stopped: libvirt returns
 * from a VM's start when its emulator runs, and one that hangs holds up neither another VM nor a
 * plan. Starts that hang take no line from the stops that are to end them, nor do stops that ask
 * the guest take one from those that pull the plug.
 */
#include <assert.h>

#include "base/attr.h"
#include "base/str.h"
#include "manager/state.h"

static const struct {
    size_t lines;
    const char *one, *many;
} uses[] = {
    [VM_LINE_START] = {VM_START_LINES, "start", "starts"},
    [VM_LINE_ASK] = {VM_ASK_LINES, "stop", "stops"},
    [VM_LINE_KILL] = {VM_KILL_LINES, "stop (--now)", "stops (--now)"},
};
static_assert(ARRAY_SIZE(uses) == VM_LINE_USE_COUNT, "one of each");

static enum vm_line_use use_of(size_t line)
{
    enum vm_line_use use = VM_LINE_START;
    while (line >= uses[use].lines) {
        line -= uses[use++].lines;
    }
    return use;
}

int vm_lines_open(struct manager *m)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < VM_LINES && m->config.vm_guests[i] != NULL; i++) {
        struct vm_line *line = &m->vm_lines[i];
        line->port = m->config.vm_guests[i];
        line->use = use_of(i);
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
        if (line->jobs > 0 && line->use == use && str_eq(line->vm, vm)) {
            return line;
        }
    }
    return NULL;
}

/* An idle one, else behind the fewest calls that have not taken too long yet. */
static struct vm_line *choose(struct manager *m, enum vm_line_use use)
{
    struct vm_line *best = NULL;
    for (size_t i = 0; i < m->n_vm_lines; i++) {
        struct vm_line *line = &m->vm_lines[i];
        if (line->use == use && line->late == 0 && (best == NULL || line->jobs < best->jobs)) {
            best = line;
        }
    }
    return best;
}

static int refuse_line(enum vm_line_use use, const struct vm_line *same, struct error *err)
{
    if (same != NULL) {
        error_set(err, REASON_UNAVAILABLE, "libvirt",
                  "libvirt has not answered an earlier %s of VM \"%s\" yet", uses[use].one,
                  same->vm);
    } else {
        error_set(err, REASON_UNAVAILABLE, "libvirt",
                  "libvirt has not answered %zu %s of other VMs yet", uses[use].lines,
                  uses[use].many);
    }
    error_hint(err, "`cleave vm list` and libvirt's log tell which; try again when it answers");
    return -REASON_UNAVAILABLE;
}

int vm_line_take(struct change *change, enum vm_line_use use, struct error *err)
{
    struct manager *m = change->manager;
    if (m->n_vm_lines == 0) { /* the one connection has to bear it */
        return manager_check_port(m, PORT_GUEST, err);
    }
    struct vm_line *same = find_same(m, use, change->name);
    struct vm_line *line = same != NULL ? same : choose(m, use);
    if (line == NULL || line->late > 0) {
        return refuse_line(use, same, err);
    }
    line->jobs++;
    STR_SET(line->vm, change->name);
    change->line = line;
    return 0;
}

void vm_line_give_back(struct change *change)
{
    struct vm_line *line = TAKE_PTR(change->line);
    if (line != NULL) {
        line->jobs--;
        line->late -= change->late;
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
    }
}
