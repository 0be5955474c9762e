/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario.h"

#include <stdlib.h>

#include "base/attr.h"
#include "base/str.h"
#include "state/state.h"
#include "test.h"

static void create_mig_backed(struct lab *lab)
{
    lab_create(lab, "{\"name\": \"a\", \"type\": \"A100-2-10C\", \"vm\": \"web1\"}", NULL);
}

static void create_second(struct lab *lab)
{
    lab_create(lab, "{\"name\": \"b\", \"type\": \"A100-3-20C\", \"vm\": \"web2\"}", NULL);
}

static void create_mixed(struct lab *lab)
{
    lab_create(lab, "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"mixed\": true, \"vm\": \"web1\"}",
               NULL);
}

static void create_passthrough(struct lab *lab)
{
    lab_create(lab,
               "{\"name\": \"a\", \"mode\": \"passthrough\", \"gpu\": \"" LAB_L40S
               "\", \"vm\": \"web1\"}",
               NULL);
}

static void create_bare(struct lab *lab)
{
    lab_create(lab, "{\"name\": \"a\", \"profile\": \"3g.20gb\", \"gpu\": \"" LAB_A100 "\"}", NULL);
}

static void two_mig_backed(struct lab *lab)
{
    create_mig_backed(lab);
    create_second(lab);
}

static void delete_a(struct lab *lab)
{
    lab_delete(lab, "a", NULL);
}

static void apply_first(struct lab *lab)
{
    lab_apply(lab,
              "{\"name\": \"s\", \"claims\": ["
              "{\"name\": \"a\", \"type\": \"A100-2-10C\", \"vm\": \"web1\"},"
              "{\"name\": \"b\", \"type\": \"A100-2-10C\", \"vm\": \"web2\"}]}",
              NULL);
}

static void create_on_demand(struct lab *lab)
{
    lab_create(lab,
               "{\"name\": \"a\", \"type\": \"A100-2-10C\", \"vm\": \"web1\", "
               "\"hold\": \"on-demand\"}",
               NULL);
}

static void switch_on(struct lab *lab)
{
    lab_hook(lab, "web1", "prepare", NULL);
}

static void create_and_switch_on(struct lab *lab)
{
    create_on_demand(lab);
    (void)lab_settle(lab);
    switch_on(lab);
}

static void switch_off(struct lab *lab)
{
    lab_hook(lab, "web1", "release", NULL);
}

static void collect_garbage(struct lab *lab)
{
    struct answer answer = {0};
    lab_ask(lab, VERB_COLLECT_GARBAGE, &answer);
    (void)lab_wait(lab, &answer);
    answer_done(&answer);
}

static void look(struct lab *lab, enum verb_id at)
{
    struct answer answer = {0};
    lab_ask(lab, at, &answer);
    (void)lab_wait(lab, &answer);
    answer_done(&answer);
}

/* web1 is deleted behind our back, with what its claim put in. Its claim is kept unless libvirt was
 * seen to have it before. */
static void lose_vm(struct lab *lab)
{
    look(lab, VERB_LIST_VMS);
    *fake_host_vm(lab->host, "web1") = (struct fake_vm){0};
}

/* One goes, one becomes another, one comes on another GPU. */
static void apply_second(struct lab *lab)
{
    lab_apply(lab,
              "{\"name\": \"s\", \"claims\": ["
              "{\"name\": \"b\", \"type\": \"A100-3-20C\", \"vm\": \"web2\"},"
              "{\"name\": \"c\", \"type\": \"DC-1-8C\", \"vm\": \"web3\"}]}",
              NULL);
}

/* Two claims on a GPU that needs a reset now. */
static void wedge(struct lab *lab)
{
    two_mig_backed(lab);
    (void)lab_settle(lab);
    lab->host->gpus[0].wedged = true;
    look(lab, VERB_LIST_GPUS);
}

static void recover(struct lab *lab)
{
    struct answer answer = {0};
    lab_ask(lab, VERB_RECOVER_GPU, &answer, .target = LAB_A100);
    (void)lab_wait(lab, &answer);
    answer_done(&answer);
}

/* Claims whose vGPUs could stand on one instance, and may not. */
static void apply_alone(struct lab *lab)
{
    lab_apply(
        lab,
        "{\"name\": \"s\", \"claims\": ["
        "{\"name\": \"a\", \"type\": \"DC-1-8C\", \"mode\": \"mig-backed\", \"vm\": \"web1\"},"
        "{\"name\": \"b\", \"type\": \"DC-1-8C\", \"vm\": \"web2\"},"
        "{\"name\": \"c\", \"type\": \"DC-1-8C\", \"mode\": \"mig-backed\", \"vm\": \"web3\"}]}",
        NULL);
}

static void release_one_alone(struct lab *lab)
{
    lab_delete(lab, "c", NULL);
}

/* 2g.10gb at 4 and 1g.5gb at 6, with room before them that a 3g.20gb fills, and 1g.5gb next to it.
 */
static void leave_a_hole(struct lab *lab)
{
    static const char *const claims[] = {
        "{\"name\": \"a\", \"profile\": \"4g.20gb\", \"gpu\": \"" LAB_A100 "\"}",
        "{\"name\": \"b\", \"type\": \"A100-2-10C\", \"vm\": \"web1\"}",
        "{\"name\": \"c\", \"profile\": \"1g.5gb\"}"};
    for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
        lab_create(lab, claims[i], NULL);
        (void)lab_settle(lab);
    }
    delete_a(lab);
}

static void make_room(struct lab *lab)
{
    lab_apply(lab,
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
    {.name = "recover a GPU", .before = wedge, .act = recover, .mend = recover},
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

struct plan *scenario_last_plan(struct lab *lab)
{
    struct plan **plans = NULL;
    size_t n = 0;
    assert_int_equal(ledger_load_plans(lab->manager->ledger, 1, false, &plans, &n, NULL), 0);
    struct plan *plan = n > 0 ? plans[0] : NULL;
    free(plans);
    return plan;
}

bool scenario_did_something(const struct plan *before, const struct plan *after)
{
    return after != NULL && (before == NULL || !str_eq(before->id, after->id)) &&
           after->state == PLAN_DONE && after->steps.n + after->claims.n > 0;
}
