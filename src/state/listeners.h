/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Followers of what is seen, and of plans. Those that look at the host, run plans and give turns
 * name none of those who follow: wiring.c lists them in tables (struct listeners), and each is
 * called in its table's order, on the loop thread.
 */
#ifndef STATE_LISTENERS_H
#define STATE_LISTENERS_H

#include <stdbool.h>

#include "model/host.h"
#include "model/plan.h"

struct change;
struct manager;
struct txn;

/* A look at the hardware that has ended. Borrowed for the call. */
struct hardware_look {
    struct host *now; /* until it is taken, a listener may mark what is in it */
    bool late;        /* NVML's GPUs are as they were seen before: it has not answered */
    bool was_late;    /* they were so at the look before, and NVML has answered now */
    bool driver_came; /* NVML works after it did not, or the driver was loaded again */
    bool works_again; /* set by a listener: a GPU works that did not at the look before */
};

typedef void hardware_listener_fn(struct manager *m, struct hardware_look *look);
/* `now`: the guests' half alone. */
typedef void guests_listener_fn(struct manager *m, const struct host *now);

/* A part that has to do with plans, and stores records together with theirs. `change`: whose plan
 * it is; NULL: cleaved's. */
struct plan_follower {
    /* In the transaction that reserves the plan; and once that is stored. */
    void (*reserve)(struct txn *txn, const struct change *change, const struct plan *plan);
    void (*reserved)(struct manager *m, struct change *change, const struct plan *plan);
    /* Is the plan its own, so that new claims of one that was undone go with it? */
    bool (*owns)(const struct manager *m, const struct plan *plan);
    /* Id of the operation that it is part of, and is cancelled with; NULL: it is one alone. */
    const char *(*operation_of)(const struct manager *m, const struct plan *plan);
    /* In the transaction that ends the plan; and once that is stored. */
    void (*end)(struct txn *txn, const struct plan *plan);
    void (*ended)(struct manager *m, const struct plan *plan);
};

/* Each table ends with NULL. */
struct listeners {
    /* NVML answered, and has before: what differs between was and now has changed. */
    hardware_listener_fn *const *hardware_compared;
    /* NVML answered. `now` is about to become manager->host. */
    hardware_listener_fn *const *hardware_seen;
    /* The look is manager->host. */
    hardware_listener_fn *const *hardware_taken;
    /* The VMs were seen before; theirs are still in manager->host. */
    guests_listener_fn *const *guests_compared;
    guests_listener_fn *const *guests_seen;
    /* The VMs are in manager->host, and libvirt answers. */
    guests_listener_fn *const *guests_taken;
    const struct plan_follower *plans;
    /* By enum operation_kind_id; NULL: such operations are not stored. */
    const struct operation_kind *const *kinds;
    /* Puts into the transaction that the author wants the plan cancelled. */
    void (*put_plan_cancel)(struct txn *txn, const struct plan *plan, const char *author);
    /* The turn is free: one that takes it goes before the changes that wait. True: it has. */
    bool (*take_turn)(struct manager *m);
    /* The ledger is free again: what the last looks showed is noted. */
    void (*note_again)(struct manager *m);
    /* The hook refused to let a VM start. */
    void (*vm_refused)(struct manager *m, const char *vm);
};

#endif
