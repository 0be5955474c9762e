/* SPDX-License-Identifier: Apache-2.0 */
/* Several vGPUs in one VM: what the planner refuses is what the simulated kernel refuses at open.
 */
#include "test.h"

#include "base/str.h"
#include "sim_world.h"

static struct claim make(const char *name, const char *type, enum claim_hold hold)
{
    struct claim claim = {.vm = "v1", .spec = {.mode = CLAIM_MODE_AUTO, .start = NO_ID}};
    STR_SET(claim.name, name);
    STR_SET(claim.spec.type, type);
    claim.spec.hold = hold;
    return claim;
}

static const struct {
    const char *boards, *first, *second, *rule; /* rule NULL: they go together */
} rows[] = {
    {"board:l40s*2", "L40S-1B", "L40S-1B", "several-vgpus-of-one-type"},
    {"board:l40s*2", "L40S-8A", "L40S-8A", "several-vgpus-of-one-type"},
    {"board:l40s*2", "L40S-8Q", "L40S-8C", "several-vgpus-of-one-family"},
    {"board:l40s*2", "L40S-8Q", "L40S-8A", "several-vgpus-of-one-family"},
    {"board:l40s,a40", "L40S-8Q", "A40-8Q", "several-vgpus-of-one-family"},
    {"board:l40s*2", "L40S-8Q", "L40S-8Q", NULL},
    {"board:l40s*2", "L40S-8Q", "L40S-16Q", NULL},
    {"board:l40s*2", "L40S-8C", "L40S-8C", NULL},
};

static void check_row(struct sim_world *world, size_t i, enum claim_hold hold)
{
    struct claim first = make("first", rows[i].first, CLAIM_HELD);
    struct claim second = make("second", rows[i].second, hold);
    CLEANUP(plan_freep) struct plan *one = sim_world_plan(world, &first, 1, NULL, 0, false);
    assert_non_null(one);
    assert_true(sim_world_run(world, one));
    CLEANUP(plan_freep) struct plan *two = sim_world_plan(world, &second, 1, NULL, 0, false);
    if (rows[i].rule != NULL) {
        assert_null(two);
        assert_string_equal(world->err.rule, rows[i].rule);
        assert_non_null(strstr(world->err.message, "first"));
        assert_non_null(strstr(world->err.message, "second"));
        return;
    }
    assert_non_null(two);
    assert_true(sim_world_run(world, two));
    struct error err = {0};
    if (hold == CLAIM_HELD &&
        sim_machine_start(&world->machine, &world->machine.vms.items[0], &err) != 0) {
        fail_msg("%s and %s: %s", rows[i].first, rows[i].second, err.message);
    }
}

static void vgpus_of_one_vm_go_together_or_are_refused(void **state)
{
    (void)state;
    CLEANUP(catalog_freep) struct catalog *catalog = NULL;
    CLEANUP(rules_freep) struct rules *rules = NULL;
    assert_int_equal(catalog_load_default(&catalog, NULL), 0);
    assert_int_equal(rules_load_default(&rules, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        for (int hold = CLAIM_HELD; hold < CLAIM_HOLD_COUNT; hold++) {
            struct sim_world world;
            sim_world_init(&world, catalog, rules, rows[i].boards, NULL);
            sim_machine_add_vm(&world.machine, "v1");
            check_row(&world, i, (enum claim_hold)hold);
            sim_world_done(&world);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vgpus_of_one_vm_go_together_or_are_refused)};
    return cmocka_run_group_tests_name("plan together", tests, NULL, NULL);
}
