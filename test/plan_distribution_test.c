/* SPDX-License-Identifier: Apache-2.0 */
/* Several claims of one request, where one by one, the largest first, they don't all find room. */
#include "test.h"

#include <string.h>

#include "base/str.h"
#include "sim_world.h"

static struct claim bare(const char *name, const char *profile)
{
    struct claim claim = {.spec = {.mode = CLAIM_GPU_INSTANCE, .start = NO_ID}};
    STR_SET(claim.name, name);
    STR_SET(claim.spec.profile, profile);
    return claim;
}

/* Two A100, of which the second has half of its slices left: what comes goes there first. */
static struct sim_world *new_site(void **state)
{
    struct sim_world *world = sim_world_new(state, "board:a100-pcie-40gb*2");
    struct claim first = bare("first", "3g.20gb");
    sim_world_look(world);
    (void)pci_addr_format(&world->host->gpus.items[1].addr, first.spec.gpu);
    CLEANUP(plan_freep) struct plan *plan = sim_world_plan(world, &first, 1, NULL, 0, false);
    assert_non_null(plan);
    assert_true(sim_world_run(world, plan));
    return world;
}

static void claims_that_fit_together_are_all_served(void **state)
{
    CLEANUP(sim_world_freep) struct sim_world *world = new_site(state);
    /* The 3g.20gb would choose the GPU with half of its slices left; there both 2g.10gb must go. */
    struct claim add[] = {bare("c3", "3g.20gb"), bare("c4", "4g.20gb"), bare("c2a", "2g.10gb"),
                          bare("c2b", "2g.10gb")};
    for (enum plan_moves moves = PLAN_MOVES_NONE; moves <= PLAN_MOVES_IDLE; moves++) {
        world->moves = moves;
        CLEANUP(plan_freep)
        struct plan *plan = sim_world_plan(world, add, ARRAY_SIZE(add), NULL, 0, false);
        assert_non_null(plan);
        assert_int_equal(plan->moves.n, 0); /* not even where it may */
    }
    world->moves = PLAN_MOVES_NONE;
    CLEANUP(plan_freep)
    struct plan *plan = sim_world_plan(world, add, ARRAY_SIZE(add), NULL, 0, false);
    assert_true(sim_world_run(world, plan));
    const struct pci_addr *second = &world->host->gpus.items[1].addr;
    for (vec_each(&world->claims, claim)) {
        bool on_second = strstr(claim->name, "c2") != NULL || str_eq(claim->name, "first");
        assert_int_equal(pci_addr_cmp(&claim->assigned.gpu, second) == 0, on_second);
    }
}

/* The need of the first is served by 3g.20gb, 4g.20gb and 7g.40gb. */
static void so_they_are_by_need(void **state)
{
    CLEANUP(sim_world_freep) struct sim_world *world = new_site(state);
    struct claim add[] = {bare("c3", ""), bare("c4", "4g.20gb"), bare("c2a", "2g.10gb"),
                          bare("c2b", "2g.10gb")};
    add[0].spec.mode = CLAIM_MODE_AUTO;
    add[0].has_need = true;
    add[0].need = (struct need){
        .consumer = CONSUMER_HOST, .memory_mib = 16384, .isolation = ISOLATION_HARDWARE};
    add[0].need.compute = 40;
    CLEANUP(plan_freep)
    struct plan *plan = sim_world_plan(world, add, ARRAY_SIZE(add), NULL, 0, false);
    if (plan == NULL) {
        fail_msg("%s", world->err.message);
    }
    assert_true(sim_world_run(world, plan));
    const struct claim *chosen = claims_find(&world->claims, "c3");
    assert_string_equal(chosen->spec.profile, "3g.20gb");
    assert_non_null(strstr(chosen->choice, "chosen of"));
    assert_int_equal(pci_addr_cmp(&chosen->assigned.gpu, &world->host->gpus.items[0].addr), 0);
}

static void a_refusal_says_how_many_have_room(void **state)
{
    CLEANUP(sim_world_freep) struct sim_world *world = new_site(state);
    struct claim add[] = {bare("c3", "3g.20gb"), bare("c4", "4g.20gb"), bare("c4b", "4g.20gb"),
                          bare("c2", "2g.10gb")};
    CLEANUP(plan_freep)
    struct plan *plan = sim_world_plan(world, add, ARRAY_SIZE(add), NULL, 0, false);
    assert_null(plan);
    assert_int_equal(world->err.reason, REASON_NO_CAPACITY);
    assert_non_null(strstr(world->err.message,
                           "no distribution of the 4 claims over the GPUs serves "
                           "all, there is room for at most 3 of them"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims_that_fit_together_are_all_served),
        cmocka_unit_test(so_they_are_by_need),
        cmocka_unit_test(a_refusal_says_how_many_have_room),
    };
    return cmocka_run_group_tests_name("distribution", tests, sim_world_set_up,
                                       sim_world_tear_down);
}
