/* SPDX-License-Identifier: Apache-2.0 */
/* A reservation for a VM that comes in. Loop thread only. */
#ifndef MIGRATION_INCOMING_VM_H
#define MIGRATION_INCOMING_VM_H

#include <jansson.h>
#include <stdbool.h>

#include "model/incoming.h"
#include "state/txn.h"

struct change;
struct incoming_vm;

/* The incoming migration of that id, from which the source was heard now; NULL: this host has none.
 */
struct incoming_vm *incoming_vm_require(const struct manager *m, const char *id, struct error *err);
/* The plan says where the devices are. */
void incoming_take_assignments(struct incoming *incoming, const struct plan *plan);
/* The plan that prepared or aborted it is over. */
void incoming_vm_after_plan(struct incoming *incoming, const struct plan *plan);
/* The VM as this host's libvirt shows it; NULL: it is not here. False: that is not known. So it is
 * while libvirt does not answer, and while all that tells of the VM is the call of its hook, which
 * comes before anything of the VM arrives. */
bool incoming_vm_see_vm(const struct incoming_vm *incoming_vm, const struct vm **ret_vm);
/* The reservation as it is now, with what the VM does: schema Incoming in api/openapi.yaml. */
json_t *incoming_vm_show(const struct incoming_vm *incoming_vm);
/* The same of the reservation whose plan the change makes. */
json_t *incoming_vm_show_change(const struct change *change);
/* The VM lives here: its claims own what was reserved. `done` is called once that is stored, or
 * can't be. */
void incoming_vm_commit(struct incoming_vm *incoming_vm, draft_done_fn *done, void *data);

#endif
