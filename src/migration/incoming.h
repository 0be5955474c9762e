/* SPDX-License-Identifier: Apache-2.0 */
/* VMs that come in: requests of another host, and the reservations for them. Loop thread only. */
#ifndef MIGRATION_INCOMING_H
#define MIGRATION_INCOMING_H

#include <stdbool.h>

#include "model/incoming.h"
#include "service/service.h"
#include "state/txn.h"

struct incoming_vm;

/* The reservation as it is, stored; in the ledger's turn. Waits for the disk. */
int incoming_vm_store(struct incoming_vm *incoming_vm, struct error *err);
void incoming_vm_after_plan(struct incoming *incoming, const struct plan *plan);
/* What libvirt says of the VM, here. False: libvirt does not answer, or has not said more yet than
 * that the VM's hook was called, which it is before anything of the VM arrives. NULL: it is not
 * here. */
bool incoming_vm_see_vm(const struct incoming_vm *incoming_vm, const struct vm **ret_vm);
/* The reservation is ready, and no change that gives it back waits for its turn: one that has begun
 * has moved it to another state. */
bool incoming_vm_is_idle(const struct incoming_vm *incoming_vm);
/* The VM lives here: its claims own what was reserved. `done` is called once that is stored, or
 * can't be. */
void incoming_vm_commit(struct incoming_vm *incoming_vm, draft_done_fn *done, void *data);
/* Begins to give back what was reserved. */
void incoming_vm_give_back(struct incoming_vm *incoming_vm);

/* Verbs (service/verbs.def). */
verb_fn manager_offer_incoming, manager_get_incoming, manager_abort_incoming,
    manager_commit_incoming;

#endif
