/* SPDX-License-Identifier: Apache-2.0 */
/* What the fault tests do to a host: a few requests before, one under faults. */
#ifndef TEST_FAULT_SCENARIO_H
#define TEST_FAULT_SCENARIO_H

#include "mhost.h"

struct scenario {
    const char *name;
    void (*before)(
        struct mhost *mhost); /* without faults, maybe in an earlier process; may be NULL */
    void (*meanwhile)(
        struct mhost *mhost);          /* to the host, before the eyes of who acts; may be NULL */
    void (*act)(struct mhost *mhost);  /* one request, answered; its plan may still run */
    bool no_way_back;                  /* its plan can't be cancelled once it runs */
    void (*mend)(struct mhost *mhost); /* what a person does when it failed; may be NULL */
};

/* The newest plan; NULL: there is none. The caller frees. */
struct plan *scenario_last_plan(struct mhost *mhost);
/* Is the newest plan another one after the act, and done, and not empty? A scenario that carries
 * out nothing tests nothing. */
bool scenario_did_something(const struct plan *before, const struct plan *after);

extern const struct scenario scenarios[];
extern const size_t n_scenarios;

/* Runs the test once for each scenario, which is its state. $CLEAVE_TEST_FILTER: of those names.
 * Returns how many failed. */
int scenarios_run(const char *group, void (*test)(void **state));

#endif
