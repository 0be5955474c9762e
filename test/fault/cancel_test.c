/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan is cancelled at the k-th call of its steps, for every k: it ends as cancelled, the host
 * and the claims are as they were before it, and nothing is lost or left over; or it was too late,
 * the cancel said so, and the plan is done.
 */
#include <stdio.h>

#include "base/json.h"
#include "base/str.h"
#include "cancel.h"
#include "data.h"
#include "scenario.h"
#include "state/state.h"
#include "store/memory.h"
#include "test.h"

#define MAX_CALLS 400

struct run {
    struct fake_host host, before;
    struct mhost mhost;
    json_t *claims; /* before */
};

/* As they are stored, but for how often they were, for what a look shows of their VMs, and for the
 * number that the driver gives an instance that is made again. */
static json_t *list_claims(const struct mhost *mhost)
{
    json_t *list = json_array();
    for (vec_each(&mhost->manager->claims, claim)) {
        json_t *json = claim_to_json(claim);
        json_object_del(json, "version");
        json_object_del(json, "vmGoneUs");
        json_object_del(json_object_get(json, "assigned"), "gpuInstance");
        json_array_append_new(list, json);
    }
    return list;
}

static void must_settle(struct run *run, const char *where)
{
    if (!mhost_settle(&run->mhost)) {
        fail_msg("%s: the manager does not come to rest", where);
    }
}

static void open_run(struct run *run, const struct scenario *scenario)
{
    memset(run, 0, sizeof(*run));
    mhost_furnish(&run->host);
    mhost_open(&run->mhost, &fault_data, &run->host, memory_store_new());
    assert_int_equal(mhost_start(&run->mhost), 0);
    if (scenario->before != NULL) {
        scenario->before(&run->mhost);
    }
    must_settle(run, scenario->name);
    if (scenario->meanwhile != NULL) {
        scenario->meanwhile(&run->mhost);
        must_settle(run, scenario->name);
    }
    run->before = run->host;
    run->claims = list_claims(&run->mhost);
}

static void close_run(struct run *run)
{
    json_decref(run->claims);
    mhost_close(&run->mhost);
}

static enum plan_state state_of(const struct mhost *mhost, const char *id)
{
    CLEANUP(plan_freep) struct plan *plan = NULL;
    assert_int_equal(ledger_load_plan(mhost->manager->ledger, id, &plan, NULL), 0);
    assert_non_null(plan);
    return plan->state;
}

static void check(struct run *run, const char *where, const char *plan, bool accepted)
{
    char why[256] = "";
    CLEANUP_JSON json_t *now = list_claims(&run->mhost);
    enum plan_state state = state_of(&run->mhost, plan);
    if (!mhost_is_sound(&run->mhost, why, sizeof(why))) {
        fail_msg("%s: %s", where, why);
    }
    if (state != (accepted ? PLAN_CANCELLED : PLAN_DONE)) {
        fail_msg("%s: its cancel was %s, and the plan is %s", where,
                 accepted ? "accepted" : "refused", plan_state_name(state));
    }
    if (accepted && !fake_host_same(&run->before, &run->host)) {
        fail_msg("%s: cancelled, and the host is not as before", where);
    }
    if (accepted && !json_equal(run->claims, now)) {
        CLEANUP_FREE char *was = json_dumps(run->claims, JSON_SORT_KEYS);
        CLEANUP_FREE char *is = json_dumps(now, JSON_SORT_KEYS);
        fail_msg("%s: cancelled, and the claims are not as before:\n%s\n%s", where, was, is);
    }
}

/* False: the plan has no such call. */
static bool cancel_at(const struct scenario *scenario, unsigned k, unsigned *accepted)
{
    struct run run;
    struct cancel cancel;
    char where[160];
    snprintf(where, sizeof(where), "%s, cancelled at call %u", scenario->name, k);
    open_run(&run, scenario);
    operations_stop(
        &run.mhost.manager->operations); /* what was to be given back is not tried again */
    cancel_begin(&run.mhost, k, &cancel);
    scenario->act(&run.mhost);
    must_settle(&run, where);
    bool asked = cancel.asked;
    bool was_accepted = cancel_was_accepted(&cancel);
    cancel_end(&run.mhost, &cancel);
    if (asked) {
        *accepted += was_accepted;
        check(&run, where, cancel.plan, was_accepted);
        mhost_stop(&run.mhost); /* what the store has is what the manager believes */
        assert_int_equal(mhost_start(&run.mhost), 0);
        must_settle(&run, where);
        check(&run, where, cancel.plan, was_accepted);
    }
    close_run(&run);
    return asked;
}

static void a_plan_may_be_cancelled_at_every_call(void **state)
{
    const struct scenario *scenario = *state;
    unsigned accepted = 0;
    unsigned k = 0;
    while (cancel_at(scenario, k, &accepted)) {
        assert_in_range(++k, 0, MAX_CALLS);
    }
    print_message("# %s: cancelled at %u of %u calls\n", scenario->name, accepted, k);
    assert_true(k > 0);
    assert_int_equal(accepted, scenario->no_way_back ? 0 : k);
}

int main(void)
{
    return scenarios_run("cancel", a_plan_may_be_cancelled_at_every_call);
}
