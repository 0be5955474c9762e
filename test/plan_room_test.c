/* SPDX-License-Identifier: Apache-2.0 */
/* Which claims may move out of the way, which never do, and what a plan and a refusal say of it. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "sim_world.h"

#define A100 "board:a100-pcie-40gb"
#define L40S "board:l40s"

static struct claim vgpu(const char *name, const char *type, const char *vm)
{
    struct claim claim = {.spec = {.mode = CLAIM_MODE_AUTO, .start = NO_ID}};
    STR_SET(claim.name, name);
    STR_SET(claim.spec.type, type);
    STR_SET(claim.vm, vm);
    return claim;
}

static struct claim bare(const char *name, const char *profile)
{
    struct claim claim = {.spec = {.mode = CLAIM_GPU_INSTANCE, .start = NO_ID}};
    STR_SET(claim.name, name);
    STR_SET(claim.spec.profile, profile);
    return claim;
}

static void make(struct sim_world *world, struct claim claim)
{
    CLEANUP(plan_freep) struct plan *plan = sim_world_plan(world, &claim, 1, NULL, 0, false);
    if (plan == NULL || !sim_world_run(world, plan)) {
        fail_msg("%s: %s", claim.name, world->err.message);
    }
}

static void drop(struct sim_world *world, const char *name)
{
    CLEANUP(plan_freep) struct plan *plan = sim_world_plan(world, NULL, 0, &name, 1, false);
    assert_non_null(plan);
    assert_true(sim_world_run(world, plan));
}

static uint32_t start_of(const struct sim_world *world, const char *name)
{
    return claims_find(&world->claims, name)->assigned.start;
}

static size_t count(const struct plan *plan, enum step_kind kind)
{
    size_t n = 0;
    for (vec_each(&plan->steps, step)) {
        n += step->kind == kind;
    }
    return n;
}

/* ---- bare instances: site 1 has a, b and c, site 2 b, c, d and e ---- */

static struct sim_world *first_site(void **state)
{
    struct sim_world *world = sim_world_new(state, A100);
    make(world, bare("a", "4g.20gb"));
    make(world, bare("b", "2g.10gb"));
    make(world, bare("c", "1g.5gb"));
    assert_int_equal(start_of(world, "b"), 4);
    assert_int_equal(start_of(world, "c"), 6);
    return world;
}

static struct plan *second_site(struct sim_world *world)
{
    static const char *const gone[] = {"a"};
    struct claim add[] = {bare("d", "3g.20gb"), bare("e", "1g.5gb")};
    return sim_world_plan(world, add, ARRAY_SIZE(add), gone, 1, false);
}

static void a_site_that_fits_only_with_moves_is_served_when_they_are_allowed(void **state)
{
    CLEANUP(sim_world_freep) struct sim_world *world = first_site(state);
    world->moves = PLAN_MOVES_IDLE;
    CLEANUP(plan_freep) struct plan *plan = second_site(world);
    assert_non_null(plan);
    assert_int_equal(plan->moves.n, 2);
    char text[MOVE_TEXT_SIZE];
    assert_string_equal(plan->moves.items[0].claim, "b");
    assert_non_null(strstr(plan_move_text(&plan->moves.items[0], text, sizeof(text)),
                           "move claim \"b\" from 4 to "));
    CLEANUP_JSON json_t *json = plan_to_json(plan);
    CLEANUP(plan_freep) struct plan *read = NULL;
    assert_int_equal(plan_from_stored_json(json, &read, &world->err), 0);
    CLEANUP_JSON json_t *again = plan_to_json(read);
    assert_true(json_equal(json, again));
    assert_true(sim_world_run(world, plan));
    assert_int_equal(world->claims.n, 4);
    assert_int_equal(start_of(world, "d"), 4);
}

static void a_refusal_names_what_is_in_the_way_and_says_that_moves_help(void **state)
{
    CLEANUP(sim_world_freep) struct sim_world *world = first_site(state);
    world->moves = PLAN_MOVES_TELL;
    CLEANUP(plan_freep) struct plan *plan = second_site(world);
    assert_null(plan);
    assert_int_equal(world->err.reason, REASON_NO_CAPACITY);
    assert_non_null(strstr(world->err.message, "b@4"));
    assert_non_null(strstr(world->err.message, "c@6"));
    assert_non_null(strstr(world->err.hint, "--move-idle"));
    assert_non_null(strstr(world->err.hint, "claim \"b\" from 4"));
    assert_non_null(strstr(world->err.hint, "claim \"c\" from 6"));
}

static void it_is_silent_of_moves_that_would_not_help(void **state)
{
    CLEANUP(sim_world_freep) struct sim_world *world = first_site(state);
    static const char *const gone[] = {"a"};
    struct claim add[] = {bare("d", "3g.20gb"), bare("e", "2g.10gb")};
    world->moves = PLAN_MOVES_TELL;
    CLEANUP(plan_freep)
    struct plan *plan = sim_world_plan(world, add, ARRAY_SIZE(add), gone, 1, false);
    assert_null(plan);
    assert_null(strstr(world->err.hint, "--move-idle"));
}

static void nothing_moves_where_it_fits_without(void **state)
{
    CLEANUP(sim_world_freep) struct sim_world *world = first_site(state);
    drop(world, "a");
    world->moves = PLAN_MOVES_IDLE;
    struct claim add = bare("d", "3g.20gb");
    CLEANUP(plan_freep) struct plan *plan = sim_world_plan(world, &add, 1, NULL, 0, false);
    assert_non_null(plan);
    assert_int_equal(plan->moves.n, 0);
    assert_int_equal(plan->claims.n, 1);
}

static void a_bare_instance_with_a_program_or_a_start_by_wish_stays(void **state)
{
    for (int row = 0; row < 3; row++) {
        CLEANUP(sim_world_freep) struct sim_world *world = first_site(state);
        world->moves = PLAN_MOVES_IDLE;
        if (row == 0) {
            claims_find(&world->claims, "c")->spec.start = 6;
        } else if (row == 1) {
            claims_find(&world->claims, "c")->spec.hold = CLAIM_ON_DEMAND;
        } else {
            world->machine.host->gpus[0].busy = 1U << 6;
        }
        CLEANUP(plan_freep) struct plan *plan = second_site(world);
        assert_null(plan);
    }
}

/* ---- vGPUs with VMs: 2g.10gb at 0 is in the way of a 4g.20gb, and 4 is free ---- */

static struct sim_world *hole(void **state)
{
    struct sim_world *world = sim_world_new(state, A100);
    sim_machine_add_vm(&world->machine, "z");
    sim_machine_add_vm(&world->machine, "other");
    make(world, vgpu("r", "A100-1-5C", ""));
    make(world, vgpu("y", "A100-2-10C", ""));
    make(world, vgpu("z", "A100-2-10C", "z"));
    assert_int_equal(start_of(world, "z"), 0);
    drop(world, "y");
    return world;
}

static struct plan *fill(struct sim_world *world)
{
    struct claim claim = vgpu("w", "A100-4-20C", "");
    return sim_world_plan(world, &claim, 1, NULL, 0, false);
}

static void a_moved_vgpu_keeps_its_function_and_its_vms_definition(void **state)
{
    CLEANUP(sim_world_freep) struct sim_world *world = hole(state);
    world->moves = PLAN_MOVES_IDLE;
    const struct pci_addr device = claims_find(&world->claims, "z")->assigned.device;
    CLEANUP(plan_freep) struct plan *plan = fill(world);
    assert_non_null(plan);
    assert_int_equal(plan->moves.n, 1);
    assert_int_equal(count(plan, STEP_ATTACH) + count(plan, STEP_DETACH), 0);
    assert_true(sim_world_run(world, plan));
    assert_int_equal(start_of(world, "z"), 4);
    assert_int_equal(pci_addr_cmp(&claims_find(&world->claims, "z")->assigned.device, &device), 0);
    struct error err = {0};
    assert_int_equal(sim_machine_start(&world->machine, &world->machine.vms.items[0], &err), 0);
}

/* What makes of "z" one that must not be touched. */
enum trait {
    RUNS,
    PAUSED,
    CRASHED,
    UNKNOWN,
    SAVED,
    UNREAD,
    GONE,
    NO_LIBVIRT,
    DEFINED_ELSEWHERE,
    HELD_ELSEWHERE,
    OTHER_VGPU,
    ON_DEMAND,
    BINDING,
    HURT,
    NO_NVML,
    PINNED,
    TRAIT_COUNT
};

static void put(struct sim_world *world, enum trait trait)
{
    struct vm *vm = host_find_vm(world->host, "z");
    struct gpu *gpu = &world->host->gpus.items[0];
    struct claim *claim = claims_find(&world->claims, "z");
    struct vgpu *vgpu = gpu_find_vgpu_vf(gpu, &claim->assigned.device);
    static const enum vm_state states[] = {
        [RUNS] = VM_RUNNING, [PAUSED] = VM_PAUSED, [CRASHED] = VM_CRASHED, [UNKNOWN] = VM_UNKNOWN};
    switch (trait) {
    case RUNS:
    case PAUSED:
    case CRASHED:
    case UNKNOWN:
        vm->state = states[trait];
        break;
    case SAVED:
        vm->saved = true;
        break;
    case UNREAD:
        STR_SET(vm->unread, "its definition is too long");
        break;
    case GONE:
        STR_SET(claim->vm, "nowhere");
        claim->vm_uuid[0] = '\0';
        break;
    case NO_LIBVIRT:
        STR_SET(world->host->libvirt_problem, "it does not answer");
        break;
    case DEFINED_ELSEWHERE:
        *vec_push(&host_find_vm(world->host, "other")->devices) =
            (struct vm_device){.addr = claim->assigned.device, .persistent = true};
        break;
    case HELD_ELSEWHERE:
        STR_SET(vgpu->holder, "other");
        break;
    case OTHER_VGPU:
        STR_SET(vgpu->type, "A100-2-10CME");
        vgpu->type_id += 1000;
        break;
    case ON_DEMAND:
        claim->spec.hold = CLAIM_ON_DEMAND;
        break;
    case BINDING:
        claim->state = CLAIM_BINDING;
        break;
    case HURT:
        STR_SET(gpu->problem, "it fell off the bus");
        break;
    case NO_NVML:
        STR_SET(world->host->nvml_problem, "it does not answer");
        break;
    case PINNED:
        claim->spec.start = claim->assigned.start;
        break;
    case TRAIT_COUNT:
        break;
    }
}

/* Over a host as it was seen, changed by hand. */
static int plan_here(struct sim_world *world, struct plan **ret_plan)
{
    struct claim claim = vgpu("w", "A100-4-20C", "");
    const struct claim *add[] = {&claim};
    struct planner planner = sim_world_planner(world);
    struct plan_request request = {.add = add, .n_add = 1, .moves = PLAN_MOVES_IDLE};
    claim.spec.mode = CLAIM_MIG_BACKED;
    return planner_build(&planner, &request, ret_plan, &world->err);
}

static void what_may_be_in_use_never_moves(void **state)
{
    for (int trait = 0; trait <= TRAIT_COUNT; trait++) {
        CLEANUP(sim_world_freep) struct sim_world *world = hole(state);
        CLEANUP(plan_freep) struct plan *plan = NULL;
        sim_world_look(world);
        put(world, (enum trait)trait);
        int r = plan_here(world, &plan);
        if ((r == 0) != (trait == TRAIT_COUNT)) {
            fail_msg("row %d: %s", trait, r == 0 ? "it moves" : world->err.message);
        }
    }
}

/* ---- mixed sizes: a placement id is a place, too ---- */

static void a_vgpu_of_mixed_size_moves_to_another_placement(void **state)
{
    CLEANUP(sim_world_freep) struct sim_world *world = sim_world_new(state, L40S);
    static const char *const types[] = {"L40S-12Q", "L40S-12Q", "L40S-12Q", "L40S-12Q"};
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        char name[8] = {(char)('a' + i)};
        struct claim claim = vgpu(name, types[i], "");
        claim.spec.mixed = true;
        make(world, claim);
    }
    drop(world, "a");
    drop(world, "c");
    struct claim large = vgpu("l", "L40S-24Q", "");
    large.spec.mixed = true;
    world->moves = PLAN_MOVES_NONE;
    assert_null(sim_world_plan(world, &large, 1, NULL, 0, false));
    world->moves = PLAN_MOVES_IDLE;
    CLEANUP(plan_freep) struct plan *plan = sim_world_plan(world, &large, 1, NULL, 0, false);
    assert_non_null(plan);
    assert_int_equal(plan->moves.n, 1);
    assert_true(sim_world_run(world, plan));
}

/* ---- instances that vGPUs share ---- */

static void vgpus_that_share_an_instance_leave_it_together(void **state)
{
    CLEANUP(sim_world_freep)
    struct sim_world *world = sim_world_new(state, "board:rtx-pro-6000-blackwell-se");
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        make(world, vgpu(names[i], "DC-1-8C", "")); /* three to an instance */
    }
    drop(world, "b");
    drop(world, "c"); /* one is left on the first, three on the second, one on the third */
    world->moves = PLAN_MOVES_IDLE;
    struct claim half = vgpu("half", "DC-2-48C", "");
    half.spec.mode = CLAIM_MIG_BACKED;
    CLEANUP(plan_freep) struct plan *plan = sim_world_plan(world, &half, 1, NULL, 0, false);
    if (plan == NULL) {
        fail_msg("%s", world->err.message);
    }
    assert_int_equal(plan->moves.n, 1);
    assert_true(sim_world_run(world, plan));
}

/* ---- two boards, of which each has one claim ---- */

static const struct {
    const char *boards;
    struct claim_spec there, comes;
} pairs[] = {
    {"board:a100-pcie-40gb*2",
     {.mode = CLAIM_GPU_INSTANCE, .start = NO_ID, .profile = "1g.5gb"},
     {.mode = CLAIM_GPU_INSTANCE, .start = NO_ID, .profile = "7g.40gb"}},
    {"board:a100-pcie-40gb*2",
     {.mode = CLAIM_MODE_AUTO, .start = NO_ID, .type = "A100-2-10C"},
     {.mode = CLAIM_MODE_AUTO, .start = NO_ID, .type = "A100-7-40C"}},
    {"board:l40s*2",
     {.mode = CLAIM_MODE_AUTO, .start = NO_ID, .type = "L40S-8Q"},
     {.mode = CLAIM_MODE_AUTO, .start = NO_ID, .type = "L40S-48Q"}},
    {"board:l40s*2",
     {.mode = CLAIM_MODE_AUTO, .start = NO_ID, .type = "L40S-8Q"},
     {.mode = CLAIM_PASSTHROUGH, .start = NO_ID}},
};

static void one_on_each(struct sim_world *world, size_t row, const char *vm)
{
    for (uint32_t g = 0; g < 2; g++) {
        struct claim claim = {.spec = pairs[row].there};
        char bdf[BDF_SIZE];
        snprintf(claim.name, sizeof(claim.name), "on%u", g);
        STR_SET(claim.spec.gpu, pci_addr_format(&world->machine.host->gpus[g].addr, bdf));
        if (vm != NULL && claim.spec.mode != CLAIM_GPU_INSTANCE) {
            STR_SET(claim.vm, vm);
        }
        make(world, claim);
        claims_find(&world->claims, claim.name)->spec.gpu[0] = '\0';
    }
}

static void a_claim_goes_to_another_gpu_where_its_own_has_no_place(void **state)
{
    for (size_t row = 0; row < ARRAY_SIZE(pairs); row++) {
        CLEANUP(sim_world_freep) struct sim_world *world = sim_world_new(state, pairs[row].boards);
        struct vm *vm = sim_machine_add_vm(&world->machine, "v");
        bool has_vm = pairs[row].there.mode != CLAIM_GPU_INSTANCE;
        one_on_each(world, row, "v");
        struct claim comes = {.name = "comes", .spec = pairs[row].comes};
        world->moves = PLAN_MOVES_IDLE;
        CLEANUP(plan_freep) struct plan *plan = sim_world_plan(world, &comes, 1, NULL, 0, false);
        if (plan == NULL || plan->moves.n != 1 || !sim_world_run(world, plan)) {
            fail_msg("row %zu: %s", row, world->err.message);
        }
        const struct plan_move *move = &plan->moves.items[0];
        assert_int_not_equal(pci_addr_cmp(&move->from.gpu, &move->to.gpu), 0);
        assert_int_equal(count(plan, STEP_DETACH), has_vm ? 1 : 0);
        assert_int_equal(world->claims.n, 3);
        struct error err = {0};
        if (has_vm && sim_machine_start(&world->machine, vm, &err) != 0) {
            fail_msg("row %zu: %s", row, err.message);
        }
    }
}

static void a_claim_stays_on_the_gpu_that_it_asks_for(void **state)
{
    for (size_t row = 0; row < ARRAY_SIZE(pairs); row++) {
        CLEANUP(sim_world_freep) struct sim_world *world = sim_world_new(state, pairs[row].boards);
        one_on_each(world, row, NULL);
        for (uint32_t g = 0; g < 2; g++) {
            char bdf[BDF_SIZE];
            STR_SET(world->claims.items[g].spec.gpu,
                    pci_addr_format(&world->machine.host->gpus[g].addr, bdf));
        }
        struct claim comes = {.name = "comes", .spec = pairs[row].comes};
        world->moves = PLAN_MOVES_IDLE;
        assert_null(sim_world_plan(world, &comes, 1, NULL, 0, false));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_site_that_fits_only_with_moves_is_served_when_they_are_allowed),
        cmocka_unit_test(a_refusal_names_what_is_in_the_way_and_says_that_moves_help),
        cmocka_unit_test(it_is_silent_of_moves_that_would_not_help),
        cmocka_unit_test(nothing_moves_where_it_fits_without),
        cmocka_unit_test(a_bare_instance_with_a_program_or_a_start_by_wish_stays),
        cmocka_unit_test(a_moved_vgpu_keeps_its_function_and_its_vms_definition),
        cmocka_unit_test(what_may_be_in_use_never_moves),
        cmocka_unit_test(a_vgpu_of_mixed_size_moves_to_another_placement),
        cmocka_unit_test(vgpus_that_share_an_instance_leave_it_together),
        cmocka_unit_test(a_claim_goes_to_another_gpu_where_its_own_has_no_place),
        cmocka_unit_test(a_claim_stays_on_the_gpu_that_it_asks_for),
    };
    return cmocka_run_group_tests_name("plan room", tests, sim_world_set_up, sim_world_tear_down);
}
