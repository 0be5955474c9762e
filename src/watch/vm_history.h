/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others do to VMs: started, ended, crashed, rebooted, paused, defined, undefined. Each is one
 * event, with the cause that libvirt gives. Only of VMs that hold a claim or have a GPU's device:
 * the others are none of cleaved's business, and a host may have hundreds of them. What happened
 * while libvirt's reports did not come, as cleaved was not running, is seen by the state that the
 * store remembers. Loop thread only.
 */
#ifndef WATCH_VM_HISTORY_H
#define WATCH_VM_HISTORY_H

#include "model/event.h"
#include "model/host.h"

struct manager;
struct plan;

struct vm_history *vm_history_new(void);
void vm_history_free(struct vm_history *events);
/* What the store remembers. */
int vm_history_load(struct manager *m, struct error *err);
/* Before `now` takes the place of what was seen of the VMs. */
void vm_history_look(struct manager *m, const struct host *now);
/* A request of cleave's did that to the VM. */
void vm_history_expect(struct manager *m, const char *vm, enum event_kind kind);
/* The plan changed definitions. */
void vm_history_expect_plan(struct manager *m, const struct plan *plan);

#endif
