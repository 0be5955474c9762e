/* SPDX-License-Identifier: Apache-2.0 */
/* Decorators that let the k-th call fail, or the process die at it. Ports and store share one
 * count, so that "every k" covers every boundary between them. */
#ifndef TEST_LIB_FAULTY_H
#define TEST_LIB_FAULTY_H

#include <stdatomic.h>

#include "exec/ports.h"
#include "store/store.h"

enum fault_kind {
    FAULT_NONE,
    FAULT_FAIL_BEFORE, /* nothing happens, and the call fails */
    FAULT_FAIL_AFTER,  /* it happens, and the call fails all the same (ports only) */
    FAULT_DIE_BEFORE,
    FAULT_DIE_AFTER,
};

/* What is counted, and may fail. The runner's workers, looks and the ledger's thread make calls at
 * the same time: a test that wants one of these to fail names which, and never counts all. */
enum fault_calls {
    FAULT_ALL_CALLS,
    FAULT_STEPS,   /* a port applies a step */
    FAULT_COMMITS, /* the store commits */
    FAULT_LOADS, /* the store loads; only named: a start makes many, and changes nothing by them */
};

/* A disk that hangs: in faults.hang. */
#define HANG_STORE (1U << (PORT_GUEST + 1))
#define HANG_LOADS (1U << (PORT_GUEST + 2))

/* Written by the test while other threads make calls. */
struct faults {
    _Atomic enum fault_kind kind;
    _Atomic enum fault_calls only;
    atomic_uint at;     /* 1: the first call */
    atomic_uint length; /* how many calls in a row fail; 0 as 1 */
    atomic_uint calls;
    /* Calls that don't come back while their port's bit (1 << enum port_kind) is set, or the
     * store's for commits or loads, but for the first `spared` of them. */
    atomic_uint hang;
    atomic_uint hang_steps; /* likewise, of steps only: a look comes back */
    atomic_int spared;
    atomic_uint hanging; /* how many do now */
};

/* Wrap and own the inner ones; `faults` is borrowed. Port calls are made one at a time,
 * whatever threads they come from. */
struct ports faulty_ports_new(struct ports inner, struct faults *faults);
struct guest_port *faulty_guest_new(struct guest_port *inner, struct faults *faults);
struct store *faulty_store_new(struct store *inner, struct faults *faults);

#endif
