/* SPDX-License-Identifier: Apache-2.0 */
/* A guest port that carries VMs from one host in memory to another, under faults. */
#ifndef TEST_FAULT_CARRIER_H
#define TEST_FAULT_CARRIER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "mhost.h"

struct carrier_way {
    struct fake_host *from, *to;
    const bool *is_lost_there; /* the caller hears of no arrival, */
    atomic_bool *lost;         /* and this is set then */
};

/* Moves VMs that way. Its calls, and those of the port of the memory host below it, are under
 * that one's faults: they count as its calls. */
struct guest_port *carrier_new(struct mhost *mhost, const struct carrier_way *way);

#endif
