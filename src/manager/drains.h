/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Emptying the host: asks about every VM that runs here at each target (drain_plan.c), then moves
 * and stops them, some at once (drain_run.c). It only does what a person could do with `vm migrate`
 * and `vm stop`, in their order; what it has begun goes on after a restart. Private to src/manager;
 * loop thread only.
 */
#ifndef MANAGER_DRAINS_H
#define MANAGER_DRAINS_H

#include "base/sm.h"
#include "manager/state.h"
#include "model/drain.h"
#include "operation/operation.h"

#define DRAIN_KEY "host" /* in RECORD_DRAIN */
#define DRAIN_CORDON "the host is being drained"
#define DRAIN_TICK_US 250000
#define DRAIN_ATTEMPTS 2 /* to move a VM to one target */

/* One call of the manager for one VM, and back. */
struct drain_call {
    struct drainage *drainage;
    size_t vm;
};

struct drainage;
typedef void drain_planned_fn(struct drainage *d);

/* A drain and what hangs on it. */
struct drainage {
    struct manager *manager;
    struct drain *drain;
    struct operation *operation;
    VEC(struct drain_call *) calls; /* that will come back: it must live until then */
    bool gone;                      /* goes with the last of them */
    bool unseen;                    /* found in the store; what runs here is not known yet */
    drain_planned_fn *planned;      /* of the planning under way */
    reply_fn *reply;                /* of a dry run */
    void *data;
};

/* Takes the drain, whose operation begins; nothing is scheduled. */
struct drainage *drainage_new(struct manager *m, struct drain *drain,
                              const struct operation_start *start);
/* The next state, of the drain and of its operation. */
void drainage_enter(struct drainage *d, enum drain_state state);
enum operation_state drain_operation_state(enum drain_state state);
/* Once the last of its calls is back. */
void drainage_free(struct drainage *d);
/* Ends a dry run: its answer, or why there is none. */
void drainage_answer(struct drainage *d, const struct error *err);

struct drain_call *drain_call_new(struct drainage *d, size_t vm);
/* The call is over: false when the drainage went with it, or the manager stops. */
bool drain_call_end(struct drain_call *call, struct drainage **ret_d, size_t *ret_vm);
/* Who calls verbs for the drain. What its author may name was judged with his request, so ROLES_ALL
 * is for addresses from there. */
struct caller drain_caller(const struct drainage *d, unsigned roles);
struct migration_request drain_migration_request(const struct drainage *d,
                                                 const struct drain_vm *vm);

/* Fills in the VMs that run here. */
void drain_collect(struct drainage *d);
/* Asks on; `planned` when every VM has its verdict. Any time. */
void drain_plan(struct drainage *d, drain_planned_fn *planned);
/* Answers a dry run with the verdicts; else begins. */
void drain_planned(struct drainage *d);

/* Does what comes next. */
void drain_advance(struct operation *operation);
/* The states as they are, stored; what can't be is said and tried again with the next tick. */
int drain_store(struct drainage *d, struct error *err);

/* Reads the store. */
int drains_open(struct manager *m, struct error *err);
/* When nothing comes back any more. */
void drains_free(struct manager *m);

#endif
