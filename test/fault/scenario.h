/* SPDX-License-Identifier: Apache-2.0 */
/* What the fault tests do to a host: a few requests before, one under faults. */
#ifndef TEST_FAULT_SCENARIO_H
#define TEST_FAULT_SCENARIO_H

#include "lab.h"

struct scenario {
    const char *name;
    void (*before)(struct lab *lab); /* without faults; may be NULL */
    void (*act)(struct lab *lab);    /* one request, answered; its plan may still run */
    void (*mend)(struct lab *lab);   /* what a person does when it failed; may be NULL */
};

extern const struct scenario scenarios[];
extern const size_t n_scenarios;

#endif
