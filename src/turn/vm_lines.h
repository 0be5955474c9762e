/* SPDX-License-Identifier: Apache-2.0 */
/* Lines to libvirt, to start and stop VMs. Loop thread only. */
#ifndef TURN_VM_LINES_H
#define TURN_VM_LINES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"

struct change;
struct error;
struct guest_port;
struct manager;
struct vm;
struct worker;

/* What a line is for: what hangs must not keep from being tried what is to end it. */
enum vm_line_use { VM_LINE_START, VM_LINE_ASK, VM_LINE_KILL, VM_LINE_USE_COUNT };

struct vm_line {
    struct guest_port *port;
    struct worker *worker;
    enum vm_line_use use;
    bool roots;                   /* no other's change may take it */
    VEC(struct change *) changes; /* one after another; libvirt is asked for the first */
    uint64_t since_us;            /* monotonic: since when it is */
    unsigned late;                /* of them: they have been given up */
};

/* 0 or -errno. */
int vm_lines_open(struct manager *m);
/* For one call of the change, about its VM; -UNAVAILABLE when libvirt answers on none that it may
 * use, or has not answered the same call about the same VM. */
int vm_line_take(struct change *change, enum vm_line_use use, struct error *err);
void vm_line_give_back(struct change *change);
/* The change only asks libvirt whether there is a VM to stop: given up, it has done nothing. */
bool vm_line_only_asks(const struct change *change);
/* Why the change had no answer in `waited_us`. */
void vm_line_explain(const struct change *change, uint64_t waited_us, struct error *err);
/* The change that is to pull the VM's plug, and has not found it yet; NULL: none. */
struct change *vm_line_find_end(const struct manager *m, const struct vm *vm);
/* Appends to health's problems what has been asked of libvirt for so long that others wait. */
void vm_lines_add_problems(const struct manager *m, json_t *list);
/* As worker_finish() and worker_free(). */
void vm_lines_finish(struct manager *m, uint64_t until_us, bool *all);
void vm_lines_close(struct manager *m);

#endif
