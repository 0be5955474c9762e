/* SPDX-License-Identifier: Apache-2.0 */
/* A drain that is under way, with its calls of the manager. Loop thread only. */
#ifndef DRAIN_DRAIN_RUN_H
#define DRAIN_DRAIN_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "model/drain.h"
#include "operation/operation.h"
#include "service/service.h"

struct txn;

/* One call of the manager for one VM, and back. */
struct drain_call {
    struct drain_run *drain_run;
    size_t vm;
};

typedef void drain_planned_fn(struct drain_run *d);

/* A drain and what hangs on it. */
struct drain_run {
    struct manager *manager;
    struct drain *drain;
    struct operation *operation;
    VEC(struct drain_call *) calls; /* that will come back: it must live until then */
    bool gone;                      /* goes with the last of them */
    bool unseen;                    /* found in the store; what runs here is not known yet */
    bool looks;                     /* for what is left, before it ends */
    bool store_due;                 /* it waits for the ledger's turn */
    drain_planned_fn *planned;      /* of the planning under way */
    reply_fn *reply;                /* of a dry run */
    void *data;
};

/* Takes the drain, whose operation begins; nothing is scheduled. */
struct drain_run *drain_run_new(struct manager *m, struct drain *drain,
                                const struct operation_start *start);
/* The next state, of the drain and of its operation. */
void drain_run_enter(struct drain_run *d, enum drain_state state);
/* A drain that is over and no longer the host's: only its operation is left. NULL: nothing. */
void drain_run_keep(struct drain_run *d);
/* With its operation, once the last of its calls is back. */
void drain_run_free(struct drain_run *d);
/* Ends a dry run: its answer, or why there is none. */
void drain_run_answer(struct drain_run *d, const struct error *err);

void txn_put_drain(struct txn *txn, const struct drain *drain);

struct drain_call *drain_call_new(struct drain_run *d, size_t vm);
/* The call is over: false when the drain went with it, or the manager stops. */
bool drain_call_end(struct drain_call *call, struct drain_run **ret_d, size_t *ret_vm);
/* The caller in whose name the drain calls verbs: its author. ROLES_ALL is only for calls that name
 * the drain's targets, which were judged with the author's request; else ROLES_CONNECTED. */
struct caller drain_caller(const struct drain_run *d, unsigned roles);

#endif
