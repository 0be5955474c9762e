/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about VMs. Loop thread only. */
#ifndef VM_VMS_H
#define VM_VMS_H

#include "model/event.h"
#include "service/service.h"

struct change;
struct guest_port;

/* By name or UUID; -NOT_FOUND with the nearest name in the hint, -UNAVAILABLE without libvirt. */
int vms_find(const struct manager *m, const char *name, struct vm **ret_vm, struct error *err);

/* For those who act on a VM. The connection that the change's worker has for itself; borrowed. */
struct guest_port *vm_port_of(const struct change *change);
/* Stores the event that the change did that to its VM. */
void vm_note_change(const struct change *change, enum event_kind kind, const char *what);

/* Verbs (service/verbs.def). */
verb_fn verb_create_vm, verb_delete_vm, verb_start_vm;

#endif
