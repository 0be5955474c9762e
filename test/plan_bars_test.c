/* SPDX-License-Identifier: Apache-2.0 */
/* Definitions that people wrote name GPUs and functions: claims go elsewhere while they can, and a
 * plan that takes what is named says whose VM won't start. */
#include "test.h"

#include "base/str.h"
#include "sim_world.h"

/* Two boards of a kind; VM "hand" is off and names the first by hand. */
static struct sim_world *world_new(void **state, const char *boards)
{
    struct sim_world *world = sim_world_new(state, boards);
    char bdf[BDF_SIZE];
    pci_addr_format(&world->machine.host->gpus[0].addr, bdf);
    sim_machine_define(sim_machine_add_vm(&world->machine, "hand"), bdf);
    sim_machine_add_vm(&world->machine, "v1");
    return world;
}

#define WORLD(boards)                                                                              \
    CLEANUP(sim_world_freep) struct sim_world *world = world_new(state, boards);                   \
    const struct pci_addr *first = &world->machine.host->gpus[0].addr;                             \
    (void)first

static struct claim make(const char *name, const char *vm, const char *type, const char *profile)
{
    struct claim claim = {.spec = {.mode = CLAIM_MODE_AUTO, .start = NO_ID}};
    STR_SET(claim.name, name);
    STR_SET(claim.vm, vm);
    STR_SET(claim.spec.type, type);
    STR_SET(claim.spec.profile, profile);
    if (type[0] == '\0' && profile[0] == '\0') {
        claim.spec.mode = CLAIM_PASSTHROUGH;
    }
    return claim;
}

static struct plan *must(struct sim_world *world, struct claim *add, bool allocate)
{
    struct plan *plan = sim_world_plan(world, add, 1, NULL, 0, allocate);
    if (plan == NULL || !sim_world_run(world, plan)) {
        fail_msg("%s", world->err.message);
    }
    return plan;
}

static const struct claim *of(const struct plan *plan)
{
    return &plan->claims.items[0].claim;
}

static void every_kind_of_claim_avoids_a_gpu_that_a_definition_names(void **state)
{
    static const struct {
        const char *boards, *type, *profile;
    } rows[] = {
        {"board:l40s*2", "L40S-8Q", ""},
        {"board:a100-pcie-40gb*2", "A100-1-5C", ""},
        {"board:a100-pcie-40gb*2", "", "1g.5gb"},
        {"board:rtx-pro-6000-blackwell-se*2", "DC-1-8C", ""},
        {"board:l40s*2", "", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        WORLD(rows[i].boards);
        struct claim one = make("one", "", rows[i].type, rows[i].profile);
        CLEANUP(plan_freep) struct plan *plan = must(world, &one, false);
        if (pci_addr_cmp(&of(plan)->assigned.gpu, first) == 0) {
            fail_msg("%s %s goes to the GPU that VM hand names", rows[i].type, rows[i].profile);
        }
        assert_int_equal(plan->bars.n, 0);
    }
}

static void what_must_go_there_names_the_vm(void **state)
{
    WORLD("board:l40s*2");
    char bdf[BDF_SIZE];
    struct claim one = make("one", "", "L40S-8Q", "");
    STR_SET(one.spec.gpu, pci_addr_format(first, bdf));
    CLEANUP(plan_freep) struct plan *plan = must(world, &one, false);
    assert_int_equal(plan->bars.n, 1);
    assert_string_equal(plan->bars.items[0].vm, "hand");
    CLEANUP_JSON json_t *json = plan_to_json(plan);
    CLEANUP(plan_freep) struct plan *again = NULL;
    assert_int_equal(plan_from_stored_json(json, &again, NULL), 0);
    assert_string_equal(again->bars.items[0].vm, "hand");
    /* The next one there makes nothing worse. */
    struct claim two = make("two", "", "L40S-8Q", "");
    STR_SET(two.spec.gpu, bdf);
    CLEANUP(plan_freep) struct plan *more = must(world, &two, false);
    assert_int_equal(more->bars.n, 0);
}

static void a_claim_of_the_vm_itself_gets_what_its_definition_names(void **state)
{
    WORLD("board:l40s*2");
    struct claim own = make("own", "hand", "", "");
    CLEANUP(plan_freep) struct plan *plan = must(world, &own, false);
    assert_int_equal(pci_addr_cmp(&of(plan)->assigned.gpu, first), 0);
    assert_int_equal(plan->bars.n, 0);
    assert_int_equal(plan->warnings.n, 0);
    struct error err = {0};
    assert_int_equal(sim_machine_start(&world->machine, &world->machine.vms.items[0], &err), 0);
}

static void what_waits_for_its_vm_is_named_elsewhere_too(void **state)
{
    WORLD("board:l40s*2");
    struct claim later = make("later", "v1", "L40S-8Q", "");
    later.spec.hold = CLAIM_ON_DEMAND;
    CLEANUP(plan_freep) struct plan *parked = must(world, &later, false);
    assert_int_not_equal(pci_addr_cmp(&of(parked)->reserved.gpu, first), 0);
    struct claim drawn = world->claims.items[0];
    CLEANUP(plan_freep) struct plan *plan = must(world, &drawn, true);
    assert_int_not_equal(pci_addr_cmp(&of(plan)->assigned.gpu, first), 0);
}

static void a_function_that_a_definition_names_is_left_to_it(void **state)
{
    WORLD("board:l40s");
    struct sim_host *host = world->machine.host;
    world->machine.vms.items[0].devices.n = 0;
    sim_lock(host);
    assert_int_equal(sim_sriov(host, &host->gpus[0], true), 0);
    sim_unlock(host);
    char bdf[BDF_SIZE];
    pci_addr_format(&host->gpus[0].vfs[0].addr, bdf);
    sim_machine_define(&world->machine.vms.items[0], bdf)->managed = false;
    struct claim one = make("one", "v1", "L40S-8Q", "");
    CLEANUP(plan_freep) struct plan *plan = must(world, &one, false);
    assert_int_not_equal(pci_addr_cmp(&of(plan)->assigned.device, &host->gpus[0].vfs[0].addr), 0);
    const char *remove = "one";
    CLEANUP(plan_freep) struct plan *back = sim_world_plan(world, NULL, 0, &remove, 1, false);
    assert_true(sim_world_run(world, back));
    /* To pass the board through takes its functions away. */
    struct claim whole = make("whole", "v1", "", "");
    CLEANUP(plan_freep) struct plan *last = must(world, &whole, false);
    assert_int_equal(last->bars.n, 1);
    assert_string_equal(last->bars.items[0].vm, "hand");
}

static void a_mode_that_shares_a_gpu_that_a_vm_names_whole_names_the_vm(void **state)
{
    static const enum gpu_mode modes[] = {GPU_TIME_SLICED, GPU_MIG, GPU_PASSTHROUGH};
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        WORLD("board:a100-pcie-40gb");
        char bdf[BDF_SIZE];
        CLEANUP(plan_freep) struct plan *plan = NULL;
        sim_world_look(world);
        struct planner planner = sim_world_planner(world);
        assert_int_equal(
            planner_mode(&planner, pci_addr_format(first, bdf), modes[i], &plan, &world->err), 0);
        assert_int_equal(plan->bars.n, modes[i] == GPU_PASSTHROUGH ? 0 : 1);
    }
}

static void a_mode_that_is_chosen_by_hand_names_the_vm(void **state)
{
    WORLD("board:l40s");
    struct sim_host *host = world->machine.host;
    world->machine.vms.items[0].devices.n = 0;
    sim_lock(host);
    assert_int_equal(sim_sriov(host, &host->gpus[0], true), 0);
    sim_unlock(host);
    char bdf[BDF_SIZE];
    pci_addr_format(&host->gpus[0].vfs[3].addr, bdf);
    sim_machine_define(&world->machine.vms.items[0], bdf)->managed = false;
    sim_world_look(world);
    struct planner planner = sim_world_planner(world);
    CLEANUP(plan_freep) struct plan *plan = NULL;
    assert_int_equal(planner_mode(&planner, pci_addr_format(first, bdf), GPU_IDLE, &plan, NULL), 0);
    assert_int_equal(plan->bars.n, 1);
}

static void a_claim_next_to_what_the_vm_has_by_hand_says_that_there_will_be_two(void **state)
{
    static const bool on_demand[] = {false, true};
    for (size_t i = 0; i < ARRAY_SIZE(on_demand); i++) {
        WORLD("board:l40s*2");
        char bdf[BDF_SIZE];
        struct claim second = make("second", "hand", "L40S-8Q", "");
        second.spec.hold = on_demand[i] ? CLAIM_ON_DEMAND : CLAIM_HELD;
        CLEANUP(plan_freep) struct plan *plan = must(world, &second, false);
        assert_int_equal(plan->warnings.n, 1);
        assert_string_equal(plan->warnings.items[0].claim, "second");
        assert_non_null(strstr(plan->warnings.items[0].text, "VM \"hand\" already has"));
        assert_non_null(strstr(plan->warnings.items[0].text, pci_addr_format(first, bdf)));
        struct claim other = make("other", "v1", "L40S-8Q", "");
        CLEANUP(plan_freep) struct plan *none = must(world, &other, false);
        assert_int_equal(none->warnings.n, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_claim_avoids_a_gpu_that_a_definition_names),
        cmocka_unit_test(what_must_go_there_names_the_vm),
        cmocka_unit_test(a_claim_of_the_vm_itself_gets_what_its_definition_names),
        cmocka_unit_test(what_waits_for_its_vm_is_named_elsewhere_too),
        cmocka_unit_test(a_function_that_a_definition_names_is_left_to_it),
        cmocka_unit_test(a_mode_that_shares_a_gpu_that_a_vm_names_whole_names_the_vm),
        cmocka_unit_test(a_claim_next_to_what_the_vm_has_by_hand_says_that_there_will_be_two),
        cmocka_unit_test(a_mode_that_is_chosen_by_hand_names_the_vm),
    };
    return cmocka_run_group_tests_name("plan bars", tests, sim_world_set_up, sim_world_tear_down);
}
