/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idle claims that move, against brute force: random boards with claims at random places, of which
 * some are in use, get random requests. There is a plan if and only if the list of all layouts has
 * one with every claim that is in use at its place; it moves as few of the others as any such
 * layout, and none where none has to. The simulated silicon carries it out, and a VM that runs
 * keeps its device. CLEAVE_MOVES sets how many requests, CLEAVE_SEED from which seed on; a seed is
 * one board.
 */
#include "naive.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "plan/planner.h"
#include "random.h"
#include "sim_world.h"
#include "test.h"

#define REQUESTS 3000
#define PER_BOARD 12
#define MAX_ADD 3

static const struct {
    const char *board, *model;
    bool vgpus;
} boards[] = {
    {"board:a100-pcie-40gb", "a100-pcie-40gb", false},
    {"board:a100-pcie-40gb", "a100-pcie-40gb", true},
    {"board:a30", "a30", false},
    {"board:h100-pcie-80gb", "h100-pcie-80gb", false},
    {"board:rtx-pro-6000-blackwell-se", "rtx-pro-6000-blackwell-se", false},
    {"board:rtx-pro-6000-blackwell-se", "rtx-pro-6000-blackwell-se", true},
};
static struct naive *naives[ARRAY_SIZE(boards)];

struct run {
    struct sim_world *world;
    const struct naive *naive;
    struct random random;
    uint64_t seed;
    bool vgpus;
    unsigned n_claims;
    unsigned plans, moved, refused;
};

static uint32_t below(struct run *run, uint32_t n)
{
    return random_below(&run->random, n);
}

static void broken(const struct run *run, const char *what, const char *why)
{
    fail_msg("seed %llu: %s: %s", (unsigned long long)run->seed, what, why);
}

/* ---- claims ---- */

static uint32_t profile_index(const struct run *run, const char *name)
{
    for (uint32_t p = 0; p < run->naive->model->profiles.n; p++) {
        if (str_eq(run->naive->model->profiles.items[p].name, name)) {
            return p;
        }
    }
    broken(run, name, "no such profile");
    return 0;
}

/* Small ones are the most, as these leave holes; media variants stand in each other's way. */
static bool is_rare(struct run *run, const struct cat_profile *profile)
{
    uint32_t part = profile->memory_slices * 8 / run->naive->model->memory_slices;
    return (profile->media != MEDIA_PLAIN && below(run, 8) > 0) || below(run, 8) < part;
}

/* Half of them can be in use: a VM that runs has a vGPU, and a bare instance is cut by hand. */
static struct claim any_claim(struct run *run)
{
    const struct gpu_model *model = run->naive->model;
    struct claim claim = {.spec = {.mode = CLAIM_GPU_INSTANCE, .start = NO_ID}};
    snprintf(claim.name, sizeof(claim.name), "c%u", run->n_claims++);
    for (;;) {
        if (!run->vgpus) {
            uint32_t p = below(run, (uint32_t)model->profiles.n);
            if (is_rare(run, &model->profiles.items[p])) {
                continue;
            }
            STR_SET(claim.spec.profile, model->profiles.items[p].name);
            return claim;
        }
        const struct cat_vgpu_type *type =
            &model->types.items[below(run, (uint32_t)model->types.n)];
        if (!type->mig_backed || model_profile_of_type(model, type) == NULL ||
            is_rare(run, model_profile_of_type(model, type))) {
            continue;
        }
        claim.spec.mode = CLAIM_MIG_BACKED;
        STR_SET(claim.spec.type, type->name);
        if (below(run, 3) > 0) {
            STR_SET(claim.vm, claim.name);
            (void)sim_machine_add_vm(&run->world->machine, claim.vm);
        }
        return claim;
    }
}

static struct vm *vm_of(struct run *run, const struct claim *claim)
{
    for (vec_each(&run->world->machine.vms, vm)) {
        if (claim->vm[0] != '\0' && str_eq(vm->name, claim->vm)) {
            return vm;
        }
    }
    return NULL;
}

static bool is_in_use(struct run *run, const struct claim *claim)
{
    const struct vm *vm = vm_of(run, claim);
    return claim->spec.start != NO_ID || (vm != NULL && (vm->state != VM_SHUT_OFF || vm->saved));
}

/* ---- brute force ---- */

struct wanted {
    struct naive_config staying;
    uint32_t n_of[64]; /* per profile, without a place */
    uint32_t n;
};

static bool is_layout(const struct naive_config *config, const struct wanted *wanted)
{
    uint32_t n_of[64] = {0};
    if (config->n != wanted->staying.n + wanted->n || !naive_contains(config, &wanted->staying)) {
        return false;
    }
    for (uint32_t i = 0; i < config->n; i++) {
        n_of[config->parts[i].profile]++;
    }
    for (uint32_t i = 0; i < wanted->staying.n; i++) {
        n_of[wanted->staying.parts[i].profile]--;
    }
    return memcmp(n_of, wanted->n_of, sizeof(n_of)) == 0;
}

static bool fits(struct run *run, const struct claim *add, size_t n_add, uint32_t moved)
{
    struct wanted wanted = {.n = 0};
    const struct claims *claims = &run->world->claims;
    for (uint32_t i = 0; i < claims->n; i++) {
        uint32_t profile = profile_index(run, claims->items[i].assigned.profile);
        if ((moved >> i & 1) != 0) {
            wanted.n_of[profile]++;
            wanted.n++;
        } else {
            wanted.staying.parts[wanted.staying.n++] =
                (struct naive_part){.profile = profile, .start = claims->items[i].assigned.start};
        }
    }
    for (size_t i = 0; i < n_add; i++) {
        wanted.n_of[profile_index(run, add[i].spec.profile)]++;
        wanted.n++;
    }
    for (uint32_t i = 0; i < run->naive->n; i++) {
        if (is_layout(&run->naive->configs[i], &wanted)) {
            return true;
        }
    }
    return false;
}

/* The fewest moves, or UINT32_MAX. */
static uint32_t fewest(struct run *run, const struct claim *add, size_t n_add)
{
    uint32_t idle = 0;
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < run->world->claims.n; i++) {
        idle |= is_in_use(run, &run->world->claims.items[i]) ? 0 : 1U << i;
    }
    for (uint32_t set = 0; set < 1U << run->world->claims.n; set++) {
        uint32_t n = (uint32_t)__builtin_popcount(set);
        if ((set & ~idle) == 0 && n < best && fits(run, add, n_add, set)) {
            best = n;
        }
    }
    return best;
}

/* ---- one request ---- */

static void check_moves(struct run *run, const struct plan *plan, uint32_t n)
{
    if (plan->moves.n != n) {
        char text[MOVE_TEXT_SIZE] = "none";
        if (plan->moves.n > 0) {
            plan_move_text(&plan->moves.items[0], text, sizeof(text));
        }
        fail_msg("seed %llu: %zu moves, and %u would do: %s", (unsigned long long)run->seed,
                 plan->moves.n, n, text);
    }
    for (vec_each(&plan->moves, move)) {
        const struct claim *claim = claims_find(&run->world->claims, move->claim);
        if (is_in_use(run, claim)) {
            broken(run, claim->name, "is in use, and moved");
        }
        if (move->from.start != claim->assigned.start || move->to.start == claim->assigned.start) {
            broken(run, claim->name, "does not move from where it is");
        }
    }
}

/* What is in use is where it was, and every claim has its instance. */
static void check_places(struct run *run, const struct claims *before)
{
    const struct gpu *gpu = &run->world->host->gpus.items[0];
    for (vec_each(&run->world->claims, claim)) {
        const struct claim *was = claims_find(before, claim->name);
        if (was != NULL && is_in_use(run, was) && was->assigned.start != claim->assigned.start) {
            broken(run, claim->name, "is in use, and is elsewhere now");
        }
        bool there = false;
        for (vec_each(&gpu->gis, gi)) {
            there = there || (gi->start == claim->assigned.start &&
                              str_eq(gi->profile, claim->assigned.profile));
        }
        if (!there) {
            broken(run, claim->name, "has no GPU instance");
        }
    }
}

static void carry_out(struct run *run, struct plan *plan)
{
    struct claims before = {0};
    for (vec_each(&run->world->claims, claim)) {
        *vec_push(&before) = *claim;
    }
    if (!sim_world_run(run->world, plan)) {
        broken(run, "the run", run->world->err.message);
    }
    check_places(run, &before);
    vec_done(&before);
}

/* What has a start of its own counts as in use; what comes has none. */
static void request(struct run *run)
{
    struct claim add[MAX_ADD];
    size_t n_add = 1 + below(run, MAX_ADD);
    for (size_t i = 0; i < n_add; i++) {
        add[i] = any_claim(run);
    }
    run->world->moves = PLAN_MOVES_IDLE;
    CLEANUP(plan_freep)
    struct plan *plan = sim_world_plan(run->world, add, n_add, NULL, 0, false);
    uint32_t best = fewest(run, add, n_add);
    if (plan == NULL) {
        if (best != UINT32_MAX) {
            fail_msg("seed %llu: it fits with %u moves: %s", (unsigned long long)run->seed, best,
                     run->world->err.message);
        }
        run->refused++;
        return;
    }
    if (best == UINT32_MAX) {
        broken(run, "brute force finds no layout", "the planner does");
    }
    check_moves(run, plan, best);
    run->plans++;
    run->moved += best > 0;
    carry_out(run, plan);
}

/* ---- between requests ---- */

static void let_go(struct run *run)
{
    struct claims *claims = &run->world->claims;
    const struct claim *claim = &claims->items[below(run, (uint32_t)claims->n)];
    if (vm_of(run, claim) != NULL) {
        sim_machine_stop(&run->world->machine, vm_of(run, claim));
        vm_of(run, claim)->saved = false;
    }
    char name[NAME_SIZE];
    STR_SET(name, claim->name);
    const char *const names[] = {name};
    CLEANUP(plan_freep) struct plan *plan = sim_world_plan(run->world, NULL, 0, names, 1, false);
    if (plan == NULL) {
        broken(run, "release", run->world->err.message);
    }
    carry_out(run, plan);
}

static void use(struct run *run)
{
    struct claims *claims = &run->world->claims;
    struct claim *claim = &claims->items[below(run, (uint32_t)claims->n)];
    struct vm *vm = vm_of(run, claim);
    struct error err = {0};
    if (vm == NULL) {
        claim->spec.start = claim->assigned.start; /* as if its maker had asked for the place */
    } else if (below(run, 3) == 0) {
        vm->saved = vm->state == VM_SHUT_OFF;
    } else if (vm->state == VM_SHUT_OFF && sim_machine_start(&run->world->machine, vm, &err) != 0) {
        broken(run, "start", err.message);
    }
}

/* A claim at a place that the planner would not have chosen, as others left it over. */
static void scatter(struct run *run)
{
    struct claim claim = any_claim(run);
    run->world->moves = PLAN_MOVES_NONE;
    claim.spec.start = below(run, run->naive->model->memory_slices);
    CLEANUP(plan_freep) struct plan *plan = sim_world_plan(run->world, &claim, 1, NULL, 0, false);
    if (plan != NULL) {
        carry_out(run, plan);
        claims_find(&run->world->claims, claim.name)->spec.start = NO_ID;
    }
}

static void act(struct run *run)
{
    uint32_t what = below(run, 10);
    if (run->world->claims.n > 0 && what < 4) {
        let_go(run);
    } else if (run->world->claims.n > 0 && what < 5) {
        use(run);
    } else if (what < 7) {
        scatter(run);
    } else {
        request(run);
    }
}

static void run_board(struct run *run, void **state)
{
    run->random = (struct random){.seed = run->seed, .state = run->seed * 7919 + 1};
    size_t b = below(run, ARRAY_SIZE(boards));
    CLEANUP(sim_world_freep) struct sim_world *world = sim_world_new(state, boards[b].board);
    if (naives[b] == NULL) {
        const struct gpu_model *model = NULL;
        assert_int_equal(catalog_find(world->catalog, boards[b].model, &model, NULL), 0);
        naives[b] = naive_new(model);
    }
    run->world = world;
    run->naive = naives[b];
    run->vgpus = boards[b].vgpus;
    for (int i = 0; i < PER_BOARD * 2; i++) {
        act(run);
    }
}

static void the_fewest_idle_claims_move_if_and_only_if_that_makes_room(void **state)
{
    const char *wanted = getenv("CLEAVE_MOVES");
    unsigned n = wanted != NULL ? (unsigned)strtoull(wanted, NULL, 10) : REQUESTS;
    struct random random = random_new();
    struct run run = {.seed = getenv("CLEAVE_SEED") != NULL ? random.seed : 1};
    for (; run.plans + run.refused < n; run.seed++) {
        run_board(&run, state);
    }
    print_message("# %u plans, %u of them with moves; %u refused\n", run.plans, run.moved,
                  run.refused);
    assert_true(run.moved >= n / 100);
    for (size_t b = 0; b < ARRAY_SIZE(boards); b++) {
        free(naives[b]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fewest_idle_claims_move_if_and_only_if_that_makes_room)};
    return cmocka_run_group_tests_name("moves", tests, sim_world_set_up, sim_world_tear_down);
}
