/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario.h"

#include <assert.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/str.h"
#include "data.h"
#include "state/state.h"
#include "test.h"

static void create_mig_backed(struct mhost *mhost)
{
    mhost_create(mhost, "{\"name\": \"a\", \"type\": \"A100-2-10C\", \"vm\": \"web1\"}", NULL);
}

static void create_second(struct mhost *mhost)
{
    mhost_create(mhost, "{\"name\": \"b\", \"type\": \"A100-3-20C\", \"vm\": \"web2\"}", NULL);
}

static void create_mixed(struct mhost *mhost)
{
    mhost_create(mhost,
                 "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"mixed\": true, \"vm\": \"web1\", "
                 "\"params\": {\"profiler\": true}}",
                 NULL);
}

static void create_passthrough(struct mhost *mhost)
{
    mhost_create(mhost,
                 "{\"name\": \"a\", \"mode\": \"passthrough\", \"gpu\": \"" MHOST_L40S
                 "\", \"vm\": \"web1\"}",
                 NULL);
}

static void create_bare(struct mhost *mhost)
{
    mhost_create(mhost, "{\"name\": \"a\", \"profile\": \"3g.20gb\", \"gpu\": \"" MHOST_A100 "\"}",
                 NULL);
}

static void two_mig_backed(struct mhost *mhost)
{
    create_mig_backed(mhost);
    create_second(mhost);
}

static void delete_a(struct mhost *mhost)
{
    mhost_delete(mhost, "a", NULL);
}

static void apply_first(struct mhost *mhost)
{
    mhost_apply(mhost,
                "{\"name\": \"s\", \"claims\": ["
                "{\"name\": \"a\", \"type\": \"A100-2-10C\", \"vm\": \"web1\"},"
                "{\"name\": \"b\", \"type\": \"A100-2-10C\", \"vm\": \"web2\"}]}",
                NULL);
}

static void create_on_demand(struct mhost *mhost)
{
    mhost_create(mhost,
                 "{\"name\": \"a\", \"type\": \"A100-2-10C\", \"vm\": \"web1\", "
                 "\"hold\": \"on-demand\", \"params\": {\"unifiedMemory\": true}}",
                 NULL);
}

static void switch_on(struct mhost *mhost)
{
    mhost_hook(mhost, "web1", "prepare", NULL);
}

static void create_and_switch_on(struct mhost *mhost)
{
    create_on_demand(mhost);
    (void)mhost_settle(mhost);
    switch_on(mhost);
}

static void switch_off(struct mhost *mhost)
{
    mhost_hook(mhost, "web1", "release", NULL);
}

static void collect_garbage(struct mhost *mhost)
{
    struct answer answer = {0};
    mhost_ask(mhost, VERB_COLLECT_GARBAGE, &answer);
    (void)mhost_wait(mhost, &answer);
    answer_done(&answer);
}

static void look(struct mhost *mhost, enum verb_id at)
{
    struct answer answer = {0};
    mhost_ask(mhost, at, &answer);
    (void)mhost_wait(mhost, &answer);
    answer_done(&answer);
}

/* web1 is deleted behind our back, with what its claim put in. Its claim is kept unless libvirt was
 * seen to have it before. */
static void lose_vm(struct mhost *mhost)
{
    look(mhost, VERB_LIST_VMS);
    *fake_host_vm(mhost->host, "web1") = (struct fake_vm){0};
}

/* One goes, one becomes another, one comes on another GPU. */
static void apply_second(struct mhost *mhost)
{
    mhost_apply(mhost,
                "{\"name\": \"s\", \"claims\": ["
                "{\"name\": \"b\", \"type\": \"A100-3-20C\", \"vm\": \"web2\"},"
                "{\"name\": \"c\", \"type\": \"DC-1-8C\", \"vm\": \"web3\"}]}",
                NULL);
}

/* Two claims on a GPU that needs a reset now. */
static void wedge(struct mhost *mhost)
{
    two_mig_backed(mhost);
    (void)mhost_settle(mhost);
    mhost->host->gpus[0].wedged = true;
    look(mhost, VERB_LIST_GPUS);
}

static void recover(struct mhost *mhost)
{
    struct answer answer = {0};
    mhost_ask(mhost, VERB_RECOVER_GPU, &answer, .target = MHOST_A100);
    (void)mhost_wait(mhost, &answer);
    answer_done(&answer);
}

/* Claims whose vGPUs could stand on one instance, and may not. */
static void apply_alone(struct mhost *mhost)
{
    mhost_apply(
        mhost,
        "{\"name\": \"s\", \"claims\": ["
        "{\"name\": \"a\", \"type\": \"DC-1-8C\", \"mode\": \"mig-backed\", \"vm\": \"web1\"},"
        "{\"name\": \"b\", \"type\": \"DC-1-8C\", \"vm\": \"web2\"},"
        "{\"name\": \"c\", \"type\": \"DC-1-8C\", \"mode\": \"mig-backed\", \"vm\": \"web3\"}]}",
        NULL);
}

static void release_one_alone(struct mhost *mhost)
{
    mhost_delete(mhost, "c", NULL);
}

/* 2g.10gb at 4 and 1g.5gb at 6, with room before them that a 3g.20gb fills, and 1g.5gb next to it.
 */
static void leave_a_hole(struct mhost *mhost)
{
    static const char *const claims[] = {
        "{\"name\": \"a\", \"profile\": \"4g.20gb\", \"gpu\": \"" MHOST_A100 "\"}",
        "{\"name\": \"b\", \"type\": \"A100-2-10C\", \"vm\": \"web1\"}",
        "{\"name\": \"c\", \"profile\": \"1g.5gb\"}"};
    for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
        mhost_create(mhost, claims[i], NULL);
        (void)mhost_settle(mhost);
    }
    delete_a(mhost);
}

static void make_room(struct mhost *mhost)
{
    mhost_apply(mhost,
                "{\"name\": \"s\", \"moveIdle\": true, \"claims\": ["
                "{\"name\": \"d\", \"profile\": \"3g.20gb\"},"
                "{\"name\": \"e\", \"profile\": \"1g.5gb\"}]}",
                NULL);
}

const struct scenario scenarios[] = {
    {.name = "create a MIG-backed vGPU", .act = create_mig_backed},
    {.name = "create a second one", .before = create_mig_backed, .act = create_second},
    {.name = "create a mixed-size vGPU", .act = create_mixed},
    {.name = "pass a GPU through", .act = create_passthrough},
    {.name = "give a passed-through GPU back", .before = create_passthrough, .act = delete_a},
    {.name = "create a bare GPU instance", .act = create_bare},
    {.name = "delete one of two", .before = two_mig_backed, .act = delete_a},
    {.name = "change a site", .before = apply_first, .act = apply_second},
    {.name = "recover a GPU",
     .before = wedge,
     .act = recover,
     .no_way_back = true,
     .mend = recover},
    {.name = "create an on-demand claim", .act = create_on_demand},
    {.name = "draw it", .before = create_on_demand, .act = switch_on},
    {.name = "give it back", .before = create_and_switch_on, .act = switch_off},
    {.name = "delete one that waits", .before = create_on_demand, .act = delete_a},
    {.name = "create claims that share no instance", .act = apply_alone},
    {.name = "delete one of them", .before = apply_alone, .act = release_one_alone},
    {.name = "move claims to make room", .before = leave_a_hole, .act = make_room},
    {.name = "collect what a VM left",
     .before = create_mig_backed,
     .meanwhile = lose_vm,
     .act = collect_garbage},
};
const size_t n_scenarios = ARRAY_SIZE(scenarios);

struct plan *scenario_last_plan(struct mhost *mhost)
{
    struct plan **plans = NULL;
    size_t n = 0;
    assert_int_equal(ledger_load_plans(mhost->manager->ledger, 1, false, &plans, &n, NULL), 0);
    struct plan *plan = n > 0 ? plans[0] : NULL;
    free(plans);
    return plan;
}

bool scenario_did_something(const struct plan *before, const struct plan *after)
{
    return after != NULL && (before == NULL || !str_eq(before->id, after->id)) &&
           after->state == PLAN_DONE && after->steps.n + after->claims.n > 0;
}

/* ---- a test of each ---- */

int scenarios_run(const char *group, void (*test)(void **state))
{
    struct CMUnitTest tests[24] = {0};
    assert(n_scenarios <= ARRAY_SIZE(tests));
    for (size_t i = 0; i < n_scenarios; i++) {
        tests[i] = (struct CMUnitTest){.name = scenarios[i].name,
                                       .test_func = test,
                                       .initial_state = (void *)(uintptr_t)&scenarios[i]};
    }
    cmocka_set_test_filter(getenv("CLEAVE_TEST_FILTER"));
    return _cmocka_run_group_tests(group, tests, n_scenarios, fault_data_load, fault_data_unload);
}
