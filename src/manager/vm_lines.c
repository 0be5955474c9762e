/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections to libvirt, each with a worker, on which VMs are started and stopped: libvirt returns
 * from a VM's start when its emulator runs, and one that hangs holds up neither another VM nor a
 * plan.
 */
#include "base/str.h"
#include "manager/state.h"

int vm_lines_open(struct manager *m)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < VM_LINES && m->config.vm_guests[i] != NULL; i++) {
        struct vm_line *line = &m->vm_lines[i];
        line->port = m->config.vm_guests[i];
        r = worker_new(m->config.loop, "vm-power", &line->worker);
        m->n_vm_lines += r == 0;
    }
    return r;
}

/* An idle one, else behind the fewest calls that have not taken too long yet. */
static struct vm_line *choose(struct manager *m)
{
    struct vm_line *best = NULL;
    for (size_t i = 0; i < m->n_vm_lines; i++) {
        struct vm_line *line = &m->vm_lines[i];
        if (line->late == 0 && (best == NULL || line->jobs < best->jobs)) {
            best = line;
        }
    }
    return best;
}

int vm_line_take(struct change *change, struct error *err)
{
    struct manager *m = change->manager;
    if (m->n_vm_lines == 0) { /* the one connection has to bear it */
        return manager_check_port(m, PORT_GUEST, err);
    }
    change->line = choose(m);
    if (change->line != NULL) {
        change->line->jobs++;
        return 0;
    }
    error_set(err, REASON_UNAVAILABLE, "libvirt",
              "libvirt has not answered %zu starts and stops of other VMs yet", m->n_vm_lines);
    error_hint(err, "`cleave vm list` and libvirt's log tell which; try again when it answers");
    return -REASON_UNAVAILABLE;
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
