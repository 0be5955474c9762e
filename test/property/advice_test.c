/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Advice on a need, against the planner: on random hosts with random claims the planner is asked in
 * exact words for what each entry of the advice says, and gives what it says yes to, and refuses
 * what it says no to. GPUs that share an entry are asked one by one. CLEAVE_SEED repeats a run.
 */
#include "test.h"

#include <stdio.h>

#include "base/str.h"
#include "drawn_host.h"
#include "plan/host_advice.h"
#include "random.h"
#include "sim_world.h"

#define HOSTS 60
#define NEEDS 8 /* per host */
#define MAX_COUNT 4

struct run {
    struct sim_world world;
    struct random random;
    unsigned yes, with_change, no;
};

static uint32_t below(struct run *run, uint32_t n)
{
    return random_below(&run->random, n);
}

static bool chance(struct run *run, uint32_t percent)
{
    return below(run, 100) < percent;
}

static void new_uuid(char out[37])
{
    static uint32_t n;
    snprintf(out, 37, "00000000-0000-4000-b000-%012x", ++n);
}

static struct need draw_need(struct run *run)
{
    static const uint32_t sizes_mib[] = {0, 1024, 4096, 6144, 8192, 12288, 20480, 40960, 81920};
    struct need need = {.memory_mib = sizes_mib[below(run, ARRAY_SIZE(sizes_mib))],
                        .any_licence = chance(run, 80),
                        .compute = chance(run, 25) ? 10 + below(run, 60) : 0,
                        .predictable = chance(run, 20),
                        .graphics = chance(run, 30),
                        .live_migration = chance(run, 15),
                        .mixed = chance(run, 15),
                        .isolation = (enum isolation)below(run, ISOLATION_COUNT)};
    if (!need.any_licence && chance(run, 60)) {
        need.licences = LICENCE_SET(below(run, LICENCE_COUNT));
    }
    for (size_t i = 0; i < VGPU_PARAM_COUNT; i++) {
        if (chance(run, 8)) {
            vgpu_param_set(&need.params, &vgpu_param_table[i], chance(run, 70));
        }
    }
    if (chance(run, 25)) {
        need.scheduler = (enum scheduler_policy)(1 + below(run, SCHEDULER_POLICY_COUNT - 1));
    }
    if (chance(run, 25)) {
        need.count = 1 + below(run, MAX_COUNT);
    }
    if (chance(run, 20) && !need.graphics && !need.live_migration && !need.mixed) {
        need.consumer = CONSUMER_HOST;
        need.scheduler = SCHEDULER_UNKNOWN;
        need.params = (struct vgpu_params){0};
    } else if (chance(run, 20)) {
        need.guest = GUEST_WINDOWS;
    }
    need.usable_memory = need.memory_mib > 0 && need.consumer == CONSUMER_VM && chance(run, 30);
    return need;
}

/* The entry in exact words, on one GPU, for one of as many VMs as the need says. */
static struct claim claim_of(const struct need *need, const struct host_advice *row,
                             const struct gpu *gpu, uint32_t number)
{
    const struct advice *advice = &row->advice;
    struct claim claim = {.spec = {.mode = advice->mode,
                                   .mixed = need->mixed && advice->mode == CLAIM_TIME_SLICED,
                                   .guest = need->guest,
                                   .migratable = need->live_migration,
                                   .start = NO_ID},
                          .has_need = true,
                          .need = *need,
                          .params = need->params};
    snprintf(claim.name, sizeof(claim.name), "asked%u", number);
    if (need->consumer == CONSUMER_VM) {
        snprintf(claim.vm, sizeof(claim.vm), "new-vm%u", number);
    }
    STR_SET(claim.spec.type, advice->type != NULL ? advice->type->name : "");
    if (advice->type == NULL && advice->profile != NULL) {
        STR_SET(claim.spec.profile, advice->profile->name);
    }
    (void)pci_addr_format(&gpu->addr, claim.spec.gpu);
    return claim;
}

static int plan_all(const struct run *run, const struct claim *claims, uint32_t n,
                    enum plan_moves moves, struct error *err)
{
    const struct planner planner = sim_world_planner(&run->world);
    const struct claim *add[MAX_COUNT];
    const struct plan_request request = {
        .add = add, .n_add = n, .new_uuid = new_uuid, .moves = moves};
    CLEANUP(plan_freep) struct plan *plan = NULL;
    for (uint32_t i = 0; i < n; i++) {
        add[i] = &claims[i];
    }
    return planner_build(&planner, &request, &plan, err);
}

static int plan_exactly(const struct run *run, const struct need *need,
                        const struct host_advice *row, const struct gpu *gpu, struct error *err)
{
    struct claim claims[MAX_COUNT];
    uint32_t n = need->count > 1 ? need->count : 1;
    for (uint32_t i = 0; i < n; i++) {
        claims[i] = claim_of(need, row, gpu, i);
    }
    return plan_all(run, claims, n, row->moved_claims.n > 0 ? PLAN_MOVES_IDLE : PLAN_MOVES_NONE,
                    err);
}

/* A refusal of the need, by a rule about needs or by size, says nothing of the exact words. */
static bool is_about_host(const struct host_advice *row)
{
    const struct advice *advice = &row->advice;
    return advice->reasons.n == 1 && str_eq(advice->reasons.items[0].document, ADVISE_SOURCE_HOST);
}

static void check_gpu(struct run *run, const struct need *need, const struct host_advice *row,
                      const struct gpu *gpu, unsigned seed)
{
    char bdf[BDF_SIZE];
    struct error err = {0};
    const char *mode = claim_mode_name(row->advice.mode);
    const char *what = row->advice.type != NULL ? row->advice.type->name : "-";
    if (row->advice.verdict == VERDICT_NO && !is_about_host(row)) {
        return;
    }
    int result = plan_exactly(run, need, row, gpu, &err);
    if (row->advice.verdict == VERDICT_NO && result == 0) {
        fail_msg("host %u: %s by %s on %s was refused (%s), and can be had", seed, mode, what,
                 pci_addr_format(&gpu->addr, bdf), row->advice.reasons.items[0].message);
    }
    if (row->advice.verdict != VERDICT_NO && result != 0) {
        fail_msg("host %u: %s by %s on %s was promised, and is refused: %s", seed, mode, what,
                 pci_addr_format(&gpu->addr, bdf), err.message);
    }
    run->yes += row->advice.verdict == VERDICT_YES ? 1 : 0;
    run->with_change += row->advice.verdict == VERDICT_WITH_CHANGE ? 1 : 0;
    run->no += row->advice.verdict == VERDICT_NO ? 1 : 0;
}

/* A claim with the need alone is served where a GPU's entry says so, and only there. */
static void check_open(const struct run *run, const struct need *need,
                       const struct host_advices *advices, unsigned seed)
{
    bool serves = advices->n > 0 && advices->items[0].advice.verdict != VERDICT_NO;
    bool moves = false;
    struct error err = {0};
    struct claim claim = {.spec = {.mode = CLAIM_MODE_AUTO,
                                   .mixed = need->mixed,
                                   .guest = need->guest,
                                   .migratable = need->live_migration,
                                   .start = NO_ID},
                          .has_need = true,
                          .need = *need,
                          .params = need->params};
    for (vec_each(advices, row)) {
        moves = moves || row->moved_claims.n > 0;
    }
    STR_SET(claim.name, "open");
    STR_SET(claim.vm, need->consumer == CONSUMER_VM ? "new-vm" : "");
    int result = plan_all(run, &claim, 1, moves ? PLAN_MOVES_IDLE : PLAN_MOVES_NONE, &err);
    if (need->count <= 1 && serves != (result == 0)) {
        fail_msg("host %u: a need is %s, and a claim with it %s: %s", seed,
                 serves ? "promised" : "refused", result == 0 ? "served" : "is not", err.message);
    }
}

static void check_need(struct run *run, const struct need *need, unsigned seed)
{
    const struct planner planner = sim_world_planner(&run->world);
    struct host_advices advices = {0};
    planner_advise(&planner, need, &advices);
    bool before = true;
    const struct host_advice *last = NULL;
    check_open(run, need, &advices, seed);
    for (vec_each(&advices, row)) {
        bool serves = row->advice.verdict != VERDICT_NO;
        assert_true(before || !serves); /* those that do not serve come last */
        before = serves;
        assert_true(last == NULL || !serves || last->advice.order != row->advice.order ||
                    last->keys[1] != row->keys[1] || /* the memory that it leaves unused */
                    last->moved_claims.n <= row->moved_claims.n);
        last = row;
        assert_true(!serves || row->advice.wasted_mib == CAT_UNKNOWN || row->advice.type == NULL ||
                    row->advice.per_gpu != 0);
        check_gpu(run, need, row, row->gpu, seed);
        for (vec_each(&row->alike, gpu)) {
            check_gpu(run, need, row, *gpu, seed);
        }
    }
    host_advices_done(&advices);
}

/* What stands there already: what the advice itself put first. */
static void use(struct run *run, unsigned n)
{
    const struct planner planner = sim_world_planner(&run->world);
    struct need need = draw_need(run);
    struct host_advices advices = {0};
    planner_advise(&planner, &need, &advices);
    size_t serving = 0;
    while (serving < advices.n && advices.items[serving].advice.verdict != VERDICT_NO) {
        serving++;
    }
    if (serving > 0) {
        const struct host_advice *row = &advices.items[below(run, (uint32_t)serving)];
        struct claim claim = claim_of(&need, row, row->gpu, n);
        snprintf(claim.name, sizeof(claim.name), "c%u", n);
        if (need.consumer == CONSUMER_VM) {
            snprintf(claim.vm, sizeof(claim.vm), "vm%u", below(run, DRAWN_VMS));
        }
        CLEANUP(plan_freep)
        struct plan *plan = sim_world_plan(&run->world, &claim, 1, NULL, 0, false);
        if (plan != NULL) {
            (void)sim_world_run(&run->world, plan);
        }
    }
    host_advices_done(&advices);
    sim_world_look(&run->world);
}

static void advice_agrees_with_the_planner(void **state)
{
    (void)state;
    CLEANUP(catalog_freep) struct catalog *catalog = NULL;
    CLEANUP(rules_freep) struct rules *rules = NULL;
    struct error err = {0};
    assert_int_equal(catalog_load_default(&catalog, &err), 0);
    assert_int_equal(rules_load_default(&rules, &err), 0);
    unsigned yes = 0, with_change = 0, no = 0;
    for (unsigned seed = 1; seed <= HOSTS; seed++) {
        struct run run = {.random = {.seed = seed, .state = seed * UINT64_C(2654435761) | 1}};
        char what[DRAWN_WHAT];
        drawn_host_make(&run.world, &run.random, catalog, rules, what);
        sim_world_look(&run.world);
        for (unsigned i = 0; i < NEEDS; i++) {
            struct need need = draw_need(&run);
            check_need(&run, &need, seed);
            use(&run, i);
        }
        yes += run.yes;
        with_change += run.with_change;
        no += run.no;
        sim_world_done(&run.world);
    }
    print_message("# %u yes, %u with a change, %u no: as the planner says\n", yes, with_change, no);
    assert_true(yes > HOSTS && with_change > HOSTS / 2 && no > HOSTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(advice_agrees_with_the_planner),
    };
    return cmocka_run_group_tests_name("advice", tests, NULL, NULL);
}
