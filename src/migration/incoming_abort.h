/* SPDX-License-Identifier: Apache-2.0 */
/* A reservation that is given back. Loop thread only. */
#ifndef MIGRATION_INCOMING_ABORT_H
#define MIGRATION_INCOMING_ABORT_H

#include "service/service.h"

struct incoming_vm;

/* The reservation is ready, and no change that gives it back waits for its turn: one that has begun
 * has moved it to another state. */
bool incoming_vm_is_idle(const struct incoming_vm *incoming_vm);
/* Begins to give back what was reserved. */
void incoming_vm_give_back(struct incoming_vm *incoming_vm);

/* Verbs (service/verbs.def). */
verb_fn verb_abort_incoming;

#endif
