/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The k-th call of a port or of the store fails, for every k: before it did anything, or after it
 * did all. Whatever fails, the plan is done or undone, and nothing is lost or left over.
 */
#include <stdio.h>

#include "base/str.h"
#include "data.h"
#include "scenario.h"
#include "state/state.h"
#include "store/memory.h"
#include "test.h"

#define MAX_CALLS 1000

struct run {
    struct fake_host host, before;
    struct mhost mhost;
};

static void must_settle(struct run *run, const struct scenario *scenario)
{
    if (!mhost_settle(&run->mhost)) {
        fail_msg("%s: the manager does not come to rest", scenario->name);
    }
}

static void open_run(struct run *run, const struct scenario *scenario)
{
    memset(&run->host, 0, sizeof(run->host));
    mhost_furnish(&run->host);
    mhost_open(&run->mhost, &fault_data, &run->host, memory_store_new());
    assert_int_equal(mhost_start(&run->mhost), 0);
    if (scenario->before != NULL) {
        scenario->before(&run->mhost);
    }
    must_settle(run, scenario);
    if (scenario->meanwhile != NULL) {
        scenario->meanwhile(&run->mhost);
        must_settle(run, scenario);
    }
    run->before = run->host;
    run->mhost.faults.calls = 0;
}

static void check(struct run *run, const struct scenario *scenario, unsigned k,
                  enum fault_kind kind)
{
    char why[256] = "";
    char where[128];
    snprintf(where, sizeof(where), "%s, call %u fails %s", scenario->name, k,
             kind == FAULT_FAIL_BEFORE ? "before its effect" : "after its effect");
    if (!mhost_is_sound(&run->mhost, why, sizeof(why))) {
        fail_msg("%s: %s", where, why);
    }
    CLEANUP(plan_freep) struct plan *plan = scenario_last_plan(&run->mhost);
    enum plan_state state = plan != NULL ? plan->state : PLAN_PLANNED;
    if (state == PLAN_RUNNING || state == PLAN_UNDOING || state == PLAN_STUCK) {
        fail_msg("%s: the plan is %s", where, plan_state_name(state));
    }
    if (state == PLAN_UNDONE && !fake_host_same(&run->before, &run->host)) {
        fail_msg("%s: undone, and the host is not as before", where);
    }
}

static unsigned count_calls(const struct scenario *scenario)
{
    struct run run;
    open_run(&run, scenario);
    CLEANUP(plan_freep) struct plan *before = scenario_last_plan(&run.mhost);
    scenario->act(&run.mhost);
    must_settle(&run, scenario);
    unsigned calls = run.mhost.faults.calls;
    CLEANUP(plan_freep) struct plan *after = scenario_last_plan(&run.mhost);
    if (!scenario_did_something(before, after)) {
        fail_msg("%s: it carried out no plan, and so tests nothing", scenario->name);
    }
    check(&run, scenario, 0, FAULT_NONE);
    mhost_close(&run.mhost);
    return calls;
}

static void fail_at(const struct scenario *scenario, unsigned k, enum fault_kind kind)
{
    struct run run;
    open_run(&run, scenario);
    run.mhost.faults.kind = kind;
    run.mhost.faults.at = k;
    scenario->act(&run.mhost);
    must_settle(&run, scenario);
    run.mhost.faults.kind = FAULT_NONE;
    if (scenario->mend != NULL) {
        scenario->mend(&run.mhost);
        must_settle(&run, scenario);
    }
    check(&run, scenario, k, kind);
    /* What the store has is what the manager believes. */
    mhost_stop(&run.mhost);
    assert_int_equal(mhost_start(&run.mhost), 0);
    must_settle(&run, scenario);
    check(&run, scenario, k, kind);
    mhost_close(&run.mhost);
}

static void every_call_may_fail(void **state)
{
    const struct scenario *scenario = *state;
    unsigned calls = count_calls(scenario);
    assert_in_range(calls, 10, MAX_CALLS);
    for (unsigned k = 1; k <= calls; k++) {
        fail_at(scenario, k, FAULT_FAIL_BEFORE);
        fail_at(scenario, k, FAULT_FAIL_AFTER);
    }
    print_message("# %s: %u calls, each failed twice\n", scenario->name, calls);
}

int main(void)
{
    return scenarios_run("fail", every_call_may_fail);
}
