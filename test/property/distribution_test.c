/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many claims over several GPUs, against an integer program: the planner finds a distribution if
 * and only if CBC (COIN-OR's solver, Debian's coinor-cbc) does. The program is written from the
 * catalog's placements, slices and maxima, and shares nothing with src/layout and src/place. Random
 * hosts whose GPUs are partly taken, in any mode, get random requests: bare GPU instances,
 * MIG-backed and time-sliced vGPUs, whole GPUs, some of them for one GPU or at one place.
 * CLEAVE_DISTRIBUTIONS sets how many requests, CLEAVE_SEED from which seed on; a seed is one host
 * with one request.
 */
#include "test.h"

#include <stdio.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/process.h"
#include "base/str.h"
#include "random.h"
#include "sim_world.h"

#define REQUESTS 500
#define LARGE_REQUESTS 10
#define MOST_GPUS 16
#define MOST_CLAIMS 64
#define SOLVER_MS 60000

static const char *const boards[] = {"a100-pcie-40gb", "a30", "h100-pcie-80gb", "l40s",
                                     "rtx-pro-6000-blackwell-se"};

struct run {
    struct sim_world *world;
    const struct gpu_model *model;
    struct random random;
    uint64_t seed;
    uint32_t n_gpus;
    unsigned n_made;
    uint32_t what; /* claims of the request mostly are */
    struct claim add[MOST_CLAIMS];
    size_t n_add;
    struct strbuf program;
    unsigned n_variables;
};

static uint32_t below(struct run *run, uint32_t n)
{
    return random_below(&run->random, n);
}

/* ---- hosts and requests ---- */

/* A random type of a form whose number of vGPUs follows from its own maximum: one series. */
static const struct cat_vgpu_type *any_type(struct run *run, bool mig_backed)
{
    const struct gpu_model *model = run->model;
    for (uint32_t tries = 0; model->types.n > 0 && tries < 200; tries++) {
        const struct cat_vgpu_type *type =
            &model->types.items[below(run, (uint32_t)model->types.n)];
        bool ours = type->series == model->types.items[model->types.n - 1].series;
        bool shared = type->max_per_gi != CAT_UNKNOWN && type->max_per_gi > 1;
        bool rare = type->framebuffer_mib > below(run, model->memory_mib);
        if (ours && !rare && type->mig_backed == mig_backed && type->max_per_gpu != CAT_UNKNOWN &&
            (!mig_backed || (!shared && model_profile_of_type(model, type) != NULL))) {
            return type;
        }
    }
    return NULL;
}

/* Large profiles seldom come: they leave no room for others. */
static const struct cat_profile *any_profile(struct run *run)
{
    const struct gpu_model *model = run->model;
    for (;;) {
        const struct cat_profile *profile =
            &model->profiles.items[below(run, (uint32_t)model->profiles.n)];
        if (below(run, model->memory_slices + 1) >= profile->memory_slices) {
            return profile;
        }
    }
}

/* Most claims of a request are of one or two modes: more of them seldom fit. */
static struct claim any_claim(struct run *run)
{
    struct claim claim = {.spec = {.mode = CLAIM_PASSTHROUGH, .start = NO_ID}};
    snprintf(claim.name, sizeof(claim.name), "c%u", run->n_made++);
    uint32_t what = (below(run, 10) == 0 ? below(run, 12) : run->what + below(run, 3)) % 12;
    const struct cat_vgpu_type *type = what < 10 ? any_type(run, what < 5) : NULL;
    if (type != NULL) {
        claim.spec.mode = type->mig_backed ? CLAIM_MIG_BACKED : CLAIM_TIME_SLICED;
        STR_SET(claim.spec.type, type->name);
    } else if (run->model->profiles.n > 0 && what < 11) {
        claim.spec.mode = CLAIM_GPU_INSTANCE;
        STR_SET(claim.spec.profile, any_profile(run)->name);
    }
    bool on_gi = claim.spec.mode == CLAIM_GPU_INSTANCE || claim.spec.mode == CLAIM_MIG_BACKED;
    if (on_gi && below(run, 8) == 0) {
        claim.spec.start = below(run, run->model->memory_slices);
    }
    if (below(run, 8) == 0) {
        (void)pci_addr_format(&run->world->host->gpus.items[below(run, run->n_gpus)].addr,
                              claim.spec.gpu);
    }
    return claim;
}

/* What stands there already: claims one by one, wherever, some of which go again. */
static void take_some(struct run *run)
{
    for (uint32_t n = below(run, 2 * run->n_gpus); n > 0; n--) {
        run->what = below(run, 12);
        struct claim claim = any_claim(run);
        (void)pci_addr_format(&run->world->host->gpus.items[below(run, run->n_gpus)].addr,
                              claim.spec.gpu);
        CLEANUP(plan_freep)
        struct plan *plan = sim_world_plan(run->world, &claim, 1, NULL, 0, false);
        if (plan != NULL) {
            assert_true(sim_world_run(run->world, plan));
        }
        if (run->world->claims.n > 0 && below(run, 3) == 0) {
            char name[NAME_SIZE];
            uint32_t which = below(run, (uint32_t)run->world->claims.n);
            STR_SET(name, run->world->claims.items[which].name);
            const char *const names[] = {name};
            CLEANUP(plan_freep)
            struct plan *release = sim_world_plan(run->world, NULL, 0, names, 1, false);
            assert_true(release != NULL && sim_world_run(run->world, release));
        }
    }
    sim_world_look(run->world);
}

/* A request that fits tightly: one by one, each on a GPU and at a place of its own; then most may
 * go anywhere. */
static void fill_up(struct run *run)
{
    struct claim placed[MOST_CLAIMS];
    for (uint32_t tries = 8 * run->n_gpus; tries > 0 && run->n_add < MOST_CLAIMS; tries--) {
        if (below(run, 3) == 0) {
            run->what = below(run, 12);
        }
        struct claim claim = any_claim(run);
        (void)pci_addr_format(&run->world->host->gpus.items[below(run, run->n_gpus)].addr,
                              claim.spec.gpu);
        bool on_gi = claim.spec.mode == CLAIM_GPU_INSTANCE || claim.spec.mode == CLAIM_MIG_BACKED;
        claim.spec.start = on_gi ? below(run, run->model->memory_slices) : NO_ID;
        placed[run->n_add] = claim;
        CLEANUP(plan_freep)
        struct plan *plan = sim_world_plan(run->world, placed, run->n_add + 1, NULL, 0, false);
        if (plan != NULL) {
            run->add[run->n_add++] = claim;
        }
    }
    for (size_t i = 0; i < run->n_add; i++) {
        bool stays = below(run, 10) == 0;
        run->add[i].spec.start = stays ? run->add[i].spec.start : NO_ID;
        run->add[i].spec.gpu[0] = below(run, 10) == 0 ? run->add[i].spec.gpu[0] : '\0';
    }
}

/* ---- the program: variables are binary, each constraint a line ---- */

static uint32_t profile_of(const struct run *run, const struct claim *claim)
{
    const char *name = claim->spec.profile;
    const struct cat_vgpu_type *type = NULL;
    if (claim->spec.mode == CLAIM_MIG_BACKED) {
        assert_int_equal(model_find_type(run->model, claim->spec.type, &type, NULL), 0);
        name = type->gi_profile;
    }
    for (uint32_t p = 0; p < run->model->profiles.n; p++) {
        if (str_eq(run->model->profiles.items[p].name, name)) {
            return p;
        }
    }
    fail_msg("no profile %s", name);
    return 0;
}

static bool is_on_gi(const struct claim *claim)
{
    return claim->spec.mode == CLAIM_GPU_INSTANCE || claim->spec.mode == CLAIM_MIG_BACKED;
}

static bool may_go(const struct run *run, const struct claim *claim, uint32_t g)
{
    char bdf[BDF_SIZE];
    return claim->spec.gpu[0] == '\0' ||
           str_eq(claim->spec.gpu, pci_addr_format(&run->world->host->gpus.items[g].addr, bdf));
}

/* A place of a claim on a GPU: claim, GPU, first slice (0 where it has none). */
typedef void place_fn(struct run *run, uint32_t claim, uint32_t g, uint32_t start, void *data);

static void each_place(struct run *run, place_fn *call, void *data)
{
    for (uint32_t c = 0; c < run->n_add; c++) {
        const struct claim *claim = &run->add[c];
        for (uint32_t g = 0; g < run->n_gpus; g++) {
            if (!may_go(run, claim, g)) {
                continue;
            }
            if (!is_on_gi(claim)) {
                call(run, c, g, 0, data);
                continue;
            }
            const struct cat_profile *profile = &run->model->profiles.items[profile_of(run, claim)];
            for (uint32_t i = 0; i < profile->n_placements; i++) {
                uint32_t start = profile->placements[i].start;
                if (claim->spec.start == NO_ID || claim->spec.start == start) {
                    call(run, c, g, start, data);
                }
            }
        }
    }
}

/* A sum over places, with a weight of each. */
struct sum {
    uint32_t (*weight)(const struct run *run, const struct claim *claim, uint32_t start,
                       const void *data);
    const void *data;
    uint32_t claim, gpu; /* UINT32_MAX: all */
    unsigned n;
};

static void add_term(struct run *run, uint32_t c, uint32_t g, uint32_t start, void *data)
{
    struct sum *sum = data;
    bool counts =
        (sum->claim == UINT32_MAX || sum->claim == c) && (sum->gpu == UINT32_MAX || sum->gpu == g);
    uint32_t weight = counts ? sum->weight(run, &run->add[c], start, sum->data) : 0;
    if (weight > 0) {
        strbuf_addf(&run->program, " + %u x%u_%u_%u", weight, c, g, start);
        sum->n++;
    }
}

static void add_sum(struct run *run, struct sum sum, const char *rest, uint32_t limit)
{
    each_place(run, add_term, &sum);
    strbuf_addf(&run->program, " + 0 zero%s %u\n", rest, limit);
}

static uint32_t one(const struct run *run, const struct claim *claim, uint32_t start,
                    const void *data)
{
    (void)run, (void)claim, (void)start, (void)data;
    return 1;
}

static uint32_t on_slice(const struct run *run, const struct claim *claim, uint32_t start,
                         const void *data)
{
    const uint32_t *slice = data;
    uint32_t size =
        is_on_gi(claim) ? run->model->profiles.items[profile_of(run, claim)].memory_slices : 0;
    return *slice >= start && *slice < start + size;
}

static uint32_t compute(const struct run *run, const struct claim *claim, uint32_t start,
                        const void *data)
{
    (void)start, (void)data;
    return is_on_gi(claim) ? run->model->profiles.items[profile_of(run, claim)].compute_slices : 0;
}

static uint32_t of_profile(const struct run *run, const struct claim *claim, uint32_t start,
                           const void *data)
{
    (void)start;
    return is_on_gi(claim) && profile_of(run, claim) == *(const uint32_t *)data;
}

static uint32_t of_media(const struct run *run, const struct claim *claim, uint32_t start,
                         const void *data)
{
    (void)start;
    return is_on_gi(claim) && run->model->profiles.items[profile_of(run, claim)].media ==
                                  *(const enum cat_media *)data;
}

static uint32_t on_gi(const struct run *run, const struct claim *claim, uint32_t start,
                      const void *data)
{
    (void)run, (void)start, (void)data;
    return is_on_gi(claim);
}

static uint32_t whole(const struct run *run, const struct claim *claim, uint32_t start,
                      const void *data)
{
    (void)run, (void)start, (void)data;
    return claim->spec.mode == CLAIM_PASSTHROUGH;
}

static uint32_t of_type(const struct run *run, const struct claim *claim, uint32_t start,
                        const void *data)
{
    (void)start;
    const struct cat_vgpu_type *type = NULL;
    return claim->spec.mode == CLAIM_TIME_SLICED &&
           model_find_type(run->model, claim->spec.type, &type, NULL) == 0 && type == data;
}

static uint32_t bare_of(const struct run *run, const struct claim *claim, uint32_t start,
                        const void *data)
{
    return claim->spec.mode == CLAIM_GPU_INSTANCE && of_profile(run, claim, start, data);
}

static uint32_t vgpu_of(const struct run *run, const struct claim *claim, uint32_t start,
                        const void *data)
{
    return claim->spec.mode == CLAIM_MIG_BACKED && of_profile(run, claim, start, data);
}

static uint32_t of_vgpu(const struct run *run, const struct claim *claim, uint32_t start,
                        const void *data)
{
    (void)run, (void)start, (void)data;
    return claim->spec.mode == CLAIM_MIG_BACKED;
}

/* What is there of claims counts like those that come, at their places. */
struct there {
    bool taken; /* passed through */
    uint32_t slices, compute, n_gis, n_profile[32], n_bare[32], n_media[4];
    const struct cat_vgpu_type *type;
    uint32_t n_vgpus;
};

static struct there look(const struct run *run, uint32_t g)
{
    struct there there = {.taken = false};
    for (vec_each(&run->world->claims, claim)) {
        if (!claim_is_on(claim, &run->world->host->gpus.items[g])) {
            continue;
        }
        if (is_on_gi(claim)) {
            uint32_t p = profile_of(run, claim);
            const struct cat_profile *profile = &run->model->profiles.items[p];
            there.slices |= ((1U << profile->memory_slices) - 1) << claim->assigned.start;
            there.compute += profile->compute_slices;
            there.n_gis++;
            there.n_profile[p]++;
            there.n_bare[p] += claim->spec.mode == CLAIM_GPU_INSTANCE;
            there.n_media[profile->media]++;
        } else if (claim->spec.mode == CLAIM_TIME_SLICED) {
            assert_int_equal(model_find_type(run->model, claim->spec.type, &there.type, NULL), 0);
            there.n_vgpus++;
        } else {
            there.taken = true;
        }
    }
    return there;
}

/* The GPU's mode: m on instances, p passed through, t of one vGPU type each; one of them. */
static void add_modes(struct run *run, uint32_t g, const struct there *there)
{
    const uint32_t many = MOST_CLAIMS;
    char rest[96];
    strbuf_addf(&run->program, "m%u + p%u", g, g);
    for (uint32_t t = 0; t < run->model->types.n; t++) {
        strbuf_addf(&run->program, " + t%u_%u", g, t);
    }
    strbuf_addf(&run->program, " <= 1\n");
    if (there->n_gis > 0) {
        strbuf_addf(&run->program, "m%u = 1\n", g);
    }
    if (there->taken) {
        strbuf_addf(&run->program, "p%u = 1\n", g);
    }
    snprintf(rest, sizeof(rest), " - %u m%u <=", many, g);
    add_sum(run, (struct sum){.weight = on_gi, .claim = UINT32_MAX, .gpu = g}, rest, 0);
    snprintf(rest, sizeof(rest), " - %u p%u <=", there->taken ? 0U : 1U, g);
    add_sum(run, (struct sum){.weight = whole, .claim = UINT32_MAX, .gpu = g}, rest, 0);
    for (uint32_t t = 0; t < run->model->types.n; t++) {
        const struct cat_vgpu_type *type = &run->model->types.items[t];
        if (type->mig_backed || type->max_per_gpu == CAT_UNKNOWN) {
            continue;
        }
        uint32_t used = type == there->type ? there->n_vgpus : 0;
        if (used > 0) {
            strbuf_addf(&run->program, "t%u_%u = 1\n", g, t);
        }
        snprintf(rest, sizeof(rest), " - %u t%u_%u <=", type->max_per_gpu - used, g, t);
        add_sum(run, (struct sum){.weight = of_type, .data = type, .claim = UINT32_MAX, .gpu = g},
                rest, 0);
    }
}

/* Placements don't overlap; slices, numbers and media engines suffice. */
static void add_instances(struct run *run, uint32_t g, const struct there *there)
{
    const struct gpu_model *model = run->model;
    struct sum all = {.claim = UINT32_MAX, .gpu = g};
    for (uint32_t slice = 0; slice < model->memory_slices; slice++) {
        all.weight = on_slice;
        all.data = &slice;
        add_sum(run, all, " <=", (there->slices >> slice & 1) != 0 ? 0 : 1);
    }
    all.weight = compute;
    add_sum(run, all, " <=", model->compute_slices - there->compute);
    all.weight = on_gi;
    add_sum(run, all, " <=", model->max_gpu_instances - there->n_gis);
    /* Virtual functions that are enabled later destroy all instances (bigstack-oss/cubecos, issue
     * 312, measured). */
    if (there->n_gis > 0 && run->world->host->gpus.items[g].vfs_enabled == 0) {
        all.weight = of_vgpu;
        add_sum(run, all, " <=", 0);
    }
    for (uint32_t p = 0; p < model->profiles.n; p++) {
        all.weight = of_profile;
        all.data = &p;
        add_sum(run, all, " <=", model->profiles.items[p].max_instances - there->n_profile[p]);
    }
    /* The driver, not cleave, chooses the instance of a vGPU: no bare one of its profile. */
    for (uint32_t p = 0; p < model->profiles.n; p++) {
        char rest[64];
        all.data = &p;
        all.weight = bare_of;
        snprintf(rest, sizeof(rest), " + %d v%u_%u <=", MOST_CLAIMS, g, p);
        add_sum(run, all, rest, MOST_CLAIMS);
        all.weight = vgpu_of;
        snprintf(rest, sizeof(rest), " - %d v%u_%u <=", MOST_CLAIMS, g, p);
        add_sum(run, all, rest, 0);
        if (there->n_profile[p] > 0) {
            strbuf_addf(&run->program, "v%u_%u = %d\n", g, p, there->n_bare[p] == 0);
        }
    }
    /* One has the extra engines; or one has all of them, next to those without. */
    for (enum cat_media media = 0; media < 4; media++) {
        char rest[64];
        all.weight = of_media;
        all.data = &media;
        if (media == MEDIA_ME || media == MEDIA_ALL) {
            uint32_t others =
                there->n_media[MEDIA_ALL] + (media == MEDIA_ME ? there->n_media[media] : 0);
            add_sum(run, all, " <=", others > 0 ? 0 : 1);
        }
        if (media != MEDIA_NONE) {
            bool is_all = media == MEDIA_ALL;
            snprintf(rest, sizeof(rest), is_all ? " - %d a%u <=" : " + %d a%u <=", MOST_CLAIMS, g);
            add_sum(run, all, rest, is_all ? 0 : MOST_CLAIMS);
        }
        if (media != MEDIA_NONE && there->n_media[media] > 0) {
            strbuf_addf(&run->program, "a%u = %d\n", g, media == MEDIA_ALL);
        }
    }
}

static void declare(struct run *run, uint32_t c, uint32_t g, uint32_t start, void *data)
{
    (void)data;
    strbuf_addf(&run->program, "x%u_%u_%u\n", c, g, start);
    run->n_variables++;
}

static void write_program(struct run *run)
{
    run->program.len = 0;
    run->n_variables = 0;
    strbuf_addf(&run->program, "Minimize\nobj: 0 zero\nSubject To\nzero = 0\n");
    for (uint32_t c = 0; c < run->n_add; c++) {
        add_sum(run, (struct sum){.weight = one, .claim = c, .gpu = UINT32_MAX}, " =", 1);
    }
    for (uint32_t g = 0; g < run->n_gpus; g++) {
        const struct there there = look(run, g);
        add_modes(run, g, &there);
        if (run->model->profiles.n > 0) {
            add_instances(run, g, &there);
        }
    }
    strbuf_addf(&run->program, "Binary\n");
    for (uint32_t g = 0; g < run->n_gpus; g++) {
        strbuf_addf(&run->program, "m%u\np%u\na%u\n", g, g, g);
        for (uint32_t t = 0; t < run->model->types.n; t++) {
            strbuf_addf(&run->program, "t%u_%u\n", g, t);
        }
        for (uint32_t p = 0; p < run->model->profiles.n; p++) {
            strbuf_addf(&run->program, "v%u_%u\n", g, p);
        }
    }
    each_place(run, declare, NULL);
    strbuf_addf(&run->program, "End\n");
}

static bool solver_finds_one(struct run *run)
{
    char path[] = "/tmp/cleave-distribution-XXXXXX.lp";
    int fd = mkstemps(path, 3);
    assert_true(fd >= 0);
    write_program(run);
    assert_int_equal(write(fd, strbuf_str(&run->program), run->program.len), run->program.len);
    close(fd);
    const char *const argv[] = {"cbc", path, "solve", "quit", NULL};
    CLEANUP_FREE char *output = NULL;
    int status = 0;
    int r = process_run(argv, SOLVER_MS, &status, &output);
    unlink(path);
    if (r != 0) {
        fail_msg("cbc (Debian's coinor-cbc) can't be run: %s", strerror(-r));
    }
    bool none = strstr(output, "nfeasible") != NULL;
    if (none == (strstr(output, "Optimal solution found") != NULL)) {
        fail_msg("seed %llu: cbc says: %s", (unsigned long long)run->seed, output);
    }
    return !none;
}

/* ---- one request ---- */

struct counts {
    unsigned found, refused;
};

static void run_request(void **state, uint64_t seed, bool large, struct counts *counts)
{
    struct run run = {.seed = seed, .random = {.seed = seed, .state = seed * 7919 + 1}};
    const char *board = boards[below(&run, ARRAY_SIZE(boards))];
    run.n_gpus = large ? MOST_GPUS : 1 + below(&run, 4);
    char text[96];
    snprintf(text, sizeof(text), "board:%s*%u", board, run.n_gpus);
    CLEANUP(sim_world_freep) struct sim_world *world = sim_world_new(state, text);
    run.world = world;
    assert_int_equal(catalog_find(world->catalog, board, &run.model, NULL), 0);
    sim_world_look(world);
    take_some(&run);
    run.what = below(&run, 12);
    bool tight = below(&run, 2) == 0;
    world->moves = PLAN_MOVES_NONE;
    if (tight) {
        fill_up(&run);
    }
    run.n_add = tight && run.n_add > 0 ? run.n_add
                : large                ? MOST_CLAIMS - below(&run, 20)
                                       : 2 + below(&run, run.n_gpus);
    for (size_t i = tight ? run.n_add : 0; i < run.n_add; i++) {
        run.add[i] = any_claim(&run);
    }
    CLEANUP(plan_freep)
    struct plan *plan = sim_world_plan(world, run.add, run.n_add, NULL, 0, false);
    enum reason reason = world->err.reason;
    bool for_room = plan != NULL || reason == REASON_NO_CAPACITY || reason == REASON_CONFLICT;
    if (!for_room) {
        return; /* a claim that no GPU admits: nothing is to be distributed */
    }
    bool right = solver_finds_one(&run);
    if (right != (plan != NULL)) {
        fail_msg("seed %llu: %zu claims on %s: the solver says %s, the planner: %s",
                 (unsigned long long)seed, run.n_add, text, right ? "yes" : "no",
                 plan != NULL ? "yes" : world->err.message);
    }
    counts->found += right;
    counts->refused += !right;
    if (plan != NULL) {
        assert_true(sim_world_run(world, plan));
    }
    strbuf_done(&run.program);
}

static void compare(void **state, bool large, unsigned most)
{
    uint32_t wanted = most;
    const char *text = getenv("CLEAVE_DISTRIBUTIONS");
    assert_true(text == NULL || parse_u32(text, &wanted));
    struct random random = random_new();
    bool repeats = getenv("CLEAVE_SEED") != NULL;
    uint64_t seed = repeats ? random.seed : 1;
    struct counts counts = {0};
    for (; counts.found + counts.refused < wanted; seed++) {
        run_request(state, seed, large, &counts);
    }
    print_message("# %u served, %u refused\n", counts.found, counts.refused);
    assert_true(repeats || (counts.found >= wanted / 5 && counts.refused >= wanted / 5));
}

static void a_distribution_is_found_if_and_only_if_there_is_one(void **state)
{
    compare(state, false, REQUESTS);
}

static void so_it_is_with_sixteen_gpus(void **state)
{
    compare(state, true, LARGE_REQUESTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_distribution_is_found_if_and_only_if_there_is_one),
        cmocka_unit_test(so_it_is_with_sixteen_gpus),
    };
    return cmocka_run_group_tests_name("distribution", tests, sim_world_set_up,
                                       sim_world_tear_down);
}
