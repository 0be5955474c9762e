/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims that go along with their VM's name: renamed, deleted and defined again. Loop thread only.
 */
#ifndef WATCH_ADOPT_H
#define WATCH_ADOPT_H

#include <stdbool.h>
#include <stddef.h>

#include "model/claim.h"
#include "model/event.h"
#include "model/host.h"

struct manager;

/* Stores what the claim says of its VM, in the ledger's turn, with an event `kind` if it is not
 * EVENT_NONE: "`what` "`was`" "its VM"". `what` is constant. A store that fails is logged.
 */
void claim_store(struct manager *m, const struct claim *claim, enum event_kind kind,
                 const char *was, const char *what);
/* Is that on its way? Until it is stored the claim is as it was, and is not to be judged. */
bool claim_is_noted(const struct manager *m, const struct claim *claim);
/* The claim at `i` follows its VM's name to `vm`; `ended`: the one that had it was seen to end. */
void claim_take_over(struct manager *m, size_t i, const struct vm *vm, bool ended);
/* The claim at `i` follows what the last look saw of its VM's name. */
void claim_follow_name(struct manager *m, size_t i);
/* A VM that starts takes over the claims of its name when their VM is gone. True: some of its
 * claims are on their way to the store (claim_is_noted()). */
bool adopt_claims(struct manager *m, const struct vm *vm);

#endif
