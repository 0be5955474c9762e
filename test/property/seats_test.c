/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever GPU instance the driver prefers: each vGPU comes to stand on the one that the plan said,
 * and a mig-backed claim has its instance to itself. Random claims, releases, replacements, reboots
 * and failing calls on every board with MIG-backed vGPUs, both interfaces, and a driver that fills
 * first, spreads, or chooses at random. Plans are run by the real runner.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/id.h"
#include "base/log.h"
#include "base/str.h"
#include "exec/runner.h"
#include "fake_host.h"
#include "faulty.h"
#include "layout/layout.h"
#include "ledger/draft.h"
#include "plan/planner.h"
#include "plan/restore.h"
#include "sim/state/internal.h"
#include "sim_mig_ports.h"
#include "store/memory.h"
#include "test.h"

#define ACTIONS 50
#define SEEDS_TIMESLICED 40
#define SEEDS_OTHERS 2
#define POOL 4 /* types that one run claims, so that they meet */
#define TEN_SECONDS_US 10000000

static const char *const kernels[] = {"5.15.0-113-generic", "6.8.0-60-generic"};

struct counts {
    unsigned boards, done, refused, undone, stuck, blocked, exclusive_next_to, filled;
};

struct world {
    const struct catalog *catalog;
    const struct rules *rules;
    const struct gpu_model *model;
    struct sim_host *sim;
    struct fake_host guests; /* without VMs */
    struct faults faults;
    struct ports ports;
    struct store *store;
    struct ledger *ledger;
    struct evloop *loop;
    struct worker *worker;
    struct runner *runner;
    struct plan *ended;
    struct claims claims;
    const struct cat_vgpu_type *pool[POOL];
    char name[160]; /* of the run */
    uint64_t random;
    unsigned action, n_made;
    bool unsure;         /* a plan got stuck: what it made may be left */
    uint32_t foreign_gi; /* that another tool made; SIM_NONE */
    struct counts *counts;
};

static uint32_t pick(struct world *w, uint32_t n)
{
    w->random ^= w->random >> 12;
    w->random ^= w->random << 25;
    w->random ^= w->random >> 27;
    return (uint32_t)((w->random * UINT64_C(2685821657736338717)) >> 33) % n;
}

static void fail_at(const struct world *w, const char *what, const char *why)
{
    fail_msg("%s, action %u: %s: %s", w->name, w->action, what, why);
}

/* ---- what must hold ---- */

static struct sim_vgpu *vgpu_of(struct world *w, const struct claim *claim)
{
    if (claim->assigned.mdev_uuid[0] != '\0') {
        return sim_find_mdev(w->sim, claim->assigned.mdev_uuid, NULL, NULL);
    }
    struct sim_gpu *gpu = NULL;
    struct sim_vf *vf = sim_find_vf(w->sim, &claim->assigned.device, &gpu);
    return vf != NULL && vf->vgpu.exists ? &vf->vgpu : NULL;
}

static unsigned count_vgpus(struct world *w, uint32_t gi_id)
{
    unsigned n = 0;
    uint32_t cursor = 0;
    for (struct sim_vgpu *vgpu = sim_next_vgpu(&w->sim->gpus[0], &cursor, NULL); vgpu != NULL;
         vgpu = sim_next_vgpu(&w->sim->gpus[0], &cursor, NULL)) {
        n += gi_id == SIM_NONE || vgpu->gi_id == gi_id;
    }
    return n;
}

static void check_claim(struct world *w, const struct claim *claim)
{
    struct sim_vgpu *vgpu = vgpu_of(w, claim);
    if (vgpu == NULL || !str_eq(vgpu->type->name, claim->spec.type)) {
        fail_at(w, claim->name, "a bound claim has no vGPU of its type");
    }
    const struct sim_gi *gi = sim_find_gi(&w->sim->gpus[0], vgpu->gi_id);
    bool exclusive = claim->spec.mode == CLAIM_MIG_BACKED;
    /* mdev doesn't say on which of several shared instances a vGPU is. */
    bool known = exclusive || w->sim->iface == SIM_VENDOR_VFIO;
    if (known && gi->start != claim->assigned.start) {
        fail_at(w, claim->name, "its vGPU is on another GPU instance than the claim says");
    }
    if (exclusive && count_vgpus(w, gi->id) != 1) {
        fail_at(w, claim->name, "a mig-backed claim does not have its GPU instance to itself");
    }
    w->counts->exclusive_next_to += exclusive && w->claims.n > 1;
}

static void check(struct world *w)
{
    for (size_t i = 0; i < w->claims.n; i++) {
        check_claim(w, &w->claims.items[i]);
    }
    if (count_vgpus(w, SIM_NONE) != w->claims.n) {
        fail_at(w, "the host", "a vGPU is there that no claim holds");
    }
}

/* ---- plans ---- */

static struct host *observe(struct world *w)
{
    struct host *host = NULL;
    struct error err = {0};
    if (ports_observe(&w->ports, &host, &err) != 0) {
        fail_at(w, "observing", err.message);
    }
    return host;
}

static void on_done(struct plan *plan, void *data)
{
    struct world *w = data;
    w->ended = plan;
    evloop_stop(w->loop, 0);
}

static void give_up(void *data)
{
    evloop_stop(data, -1);
}

static struct plan *run(struct world *w, struct plan *plan)
{
    struct error err = {0};
    id_uuid(plan->id);
    plan->state = PLAN_RUNNING;
    assert_int_equal(draft_store_plan(w->ledger, plan, &err), 0);
    runner_start(w->runner, plan);
    assert_int_equal(evloop_after(w->loop, TEN_SECONDS_US, give_up, w->loop), 0);
    if (evloop_run(w->loop) != 0) {
        fail_at(w, "the plan does not end", plan->reason);
    }
    return TAKE_PTR(w->ended);
}

static void forget(struct world *w, const char *name)
{
    for (size_t i = 0; i < w->claims.n; i++) {
        if (str_eq(w->claims.items[i].name, name)) {
            vec_remove(&w->claims, i);
            return;
        }
    }
}

static void book(struct world *w, const struct plan *plan)
{
    for (vec_each(&plan->claims, entry)) {
        forget(w, entry->claim.name);
        if (entry->verb == PLAN_BIND || entry->verb == PLAN_RESTORE) {
            entry->claim.state = CLAIM_BOUND;
            *vec_push(&w->claims) = entry->claim;
        }
    }
}

/* Runs it and books what came of it: done, or everything as before. */
static void change(struct world *w, struct claim *add, const char *remove);

static bool plan_destroys(const struct plan *plan)
{
    for (vec_each(&plan->steps, step)) {
        if (step->kind == STEP_GI_DESTROY && step->state == STEP_FAILED) {
            return true;
        }
    }
    return false;
}

static void carry_out(struct world *w, struct plan *plan)
{
    for (vec_each(&plan->steps, step)) {
        w->counts->filled += step->fillers > 0;
    }
    CLEANUP(plan_freep) struct plan *ended = plan->steps.n > 0 ? run(w, plan) : plan;
    bool failed = ended->state == PLAN_UNDONE;
    /* By mdev it is not known on which of several shared instances a vGPU is: one that seems empty
     * may not be. */
    bool unsure = w->sim->iface == SIM_MDEV && plan_destroys(ended);
    if (failed && w->faults.kind == FAULT_NONE && !unsure) {
        fail_at(w, "a plan that was promised failed", ended->problem);
    }
    bool stuck = ended->state == PLAN_STUCK;
    if (ended->state == PLAN_FAILED || (stuck && w->sim->iface != SIM_MDEV)) {
        fail_at(w, "the plan is stuck", ended->problem);
    }
    w->faults.kind = FAULT_NONE;
    w->counts->done += !failed && !stuck;
    w->counts->undone += failed;
    w->counts->stuck += stuck;
    if (!failed && !stuck) {
        book(w, ended);
    }
    for (size_t i = 0; stuck && i < ended->claims.n; i++) {
        if (ended->claims.items[i].verb == PLAN_RELEASE) { /* failed, and released once more */
            change(w, NULL, ended->claims.items[i].claim.name);
            forget(w, ended->claims.items[i].claim.name);
            w->unsure = true;
        }
    }
}

static void change(struct world *w, struct claim *add, const char *remove)
{
    struct error err = {0};
    CLEANUP(host_freep) struct host *host = observe(w);
    struct planner planner = {
        .catalog = w->catalog, .rules = w->rules, .host = host, .claims = &w->claims};
    const struct claim *adds[] = {add};
    const char *removes[] = {remove};
    CLEANUP(plan_freep) struct plan *plan = NULL;
    struct plan_request request = {.add = adds,
                                   .n_add = add != NULL,
                                   .remove = removes,
                                   .n_remove = remove != NULL,
                                   .new_uuid = id_uuid};
    int result = add != NULL ? planner_admit(&planner, add, &err) : 0;
    result = result != 0 ? result : planner_build(&planner, &request, &plan, &err);
    if (result != 0 && (add == NULL || err.message[0] == '\0' || result == -REASON_INTERNAL)) {
        fail_at(w, "refused", err.message);
    }
    if (result != 0) {
        w->counts->refused++;
        return;
    }
    carry_out(w, TAKE_PTR(plan));
}

/* ---- actions ---- */

static struct claim wish(struct world *w)
{
    const struct cat_vgpu_type *type = w->pool[pick(w, POOL)];
    struct claim claim = {.spec = {.mode = CLAIM_MIG_BACKED, .start = NO_ID}};
    if (pick(w, 2) == 0 && type->max_per_gi != CAT_UNKNOWN && type->max_per_gi > 1) {
        claim.spec.mode = CLAIM_TIME_SLICED_MIG_BACKED;
    }
    snprintf(claim.name, sizeof(claim.name), "c%u", ++w->n_made);
    STR_SET(claim.spec.type, type->name);
    return claim;
}

static void restore(struct world *w)
{
    sim_reboot(w->sim);
    w->foreign_gi = SIM_NONE;
    CLEANUP(host_freep) struct host *host = observe(w);
    struct planner planner = {
        .catalog = w->catalog, .rules = w->rules, .host = host, .claims = &w->claims};
    struct restore_request request = {.gpu = &host->gpus.items[0]};
    struct restoration restoration = {0};
    planner_restore(&planner, &request, &restoration);
    carry_out(w, TAKE_PTR(restoration.plan));
    for (vec_each(&restoration.claims, claim)) {
        /* By mdev two that came to be next to each other in another order can't be distinguished.
         */
        bool may = w->sim->iface == SIM_MDEV && claim->why.reason == REASON_UNSUPPORTED;
        if (claim->outcome != RESTORE_COMES && !may) {
            fail_at(w, "after a reboot", claim->why.message);
        }
        if (claim->outcome != RESTORE_COMES) {
            w->counts->blocked++;
            change(w, NULL, claim->name);
        }
    }
    restoration_done(&restoration);
}

/* Another tool makes an empty instance, or takes it away. */
static void meddle(struct world *w)
{
    struct sim_gpu *gpu = &w->sim->gpus[0];
    if (w->foreign_gi != SIM_NONE) {
        (void)sim_gi_destroy(w->sim, gpu, w->foreign_gi);
        w->foreign_gi = SIM_NONE;
        return;
    }
    struct sim_gi *gi = NULL;
    const struct cat_profile *profile = model_profile_of_type(w->model, w->pool[0]);
    if (gpu->mig_current && gpu->n_vfs > 0 &&
        sim_gi_create(w->sim, gpu, profile, SIM_NONE, &gi) == SIM_NVML_OK) {
        w->foreign_gi = gi->id;
    }
}

static void act(struct world *w)
{
    uint32_t what = pick(w, 20);
    if (pick(w, 12) == 0) {
        meddle(w);
    }
    if (what >= 18 && w->claims.n > 0) {
        restore(w);
        return;
    }
    if (pick(w, 6) == 0) {
        w->faults.at = atomic_load(&w->faults.calls) + 4 + pick(w, pick(w, 2) == 0 ? 8 : 50);
        w->faults.kind = pick(w, 2) == 0 ? FAULT_FAIL_BEFORE : FAULT_FAIL_AFTER;
    }
    char name[NAME_SIZE] = "";
    if (w->claims.n > 0) {
        STR_SET(name, w->claims.items[pick(w, (uint32_t)w->claims.n)].name);
    }
    struct claim claim = wish(w);
    bool adds = what < 13 || w->claims.n == 0;
    bool removes = what >= 10 && name[0] != '\0';
    change(w, adds ? &claim : NULL, removes ? name : NULL);
    w->faults.kind = FAULT_NONE;
}

/* ---- one run ---- */

static bool meets(const struct cat_vgpu_type *a, const struct cat_vgpu_type *b)
{
    return str_eq(a->gi_profile, b->gi_profile) && a->framebuffer_mib == b->framebuffer_mib;
}

static void choose_pool(struct world *w)
{
    const struct cat_vgpu_type *types[256];
    uint32_t n = 0;
    for (size_t i = 0; i < w->model->types.n && n < ARRAY_SIZE(types); i++) {
        if (w->model->types.items[i].mig_backed) {
            types[n++] = &w->model->types.items[i];
        }
    }
    for (size_t i = 0; i < POOL; i++) {
        w->pool[i] = types[pick(w, n)];
        /* Types that could meet on an instance, mostly. */
        for (uint32_t tries = 0; i > 0 && tries < 100 && !meets(w->pool[0], w->pool[i]); tries++) {
            w->pool[i] = types[pick(w, n)];
        }
    }
}

static void open_world(struct world *w, const char *kernel)
{
    struct error err = {0};
    CLEANUP_FREE char *board = xasprintf("board:%s", w->model->key);
    if (sim_host_load_as(board, &(struct sim_host_changes){.kernel = kernel}, w->catalog, &w->sim,
                         &err) < 0) {
        fail_msg("%s: %s", w->model->key, err.message);
    }
    w->ports = (struct ports){.gpu = sim_gpu_port_new(w->sim),
                              .pci = sim_pci_port_new(w->sim),
                              .guest = fake_guest_port_new(&w->guests)};
    w->ports = faulty_ports_new(w->ports, &w->faults);
    w->store = memory_store_new();
    assert_int_equal(ledger_open(w->store, &w->ledger, NULL), 0);
    assert_int_equal(evloop_new(&w->loop), 0);
    assert_int_equal(worker_new(w->loop, "ports", &w->worker), 0);
    struct runner_config config = {.loop = w->loop,
                                   .workers = {w->worker, w->worker, w->worker},
                                   .ledger = w->ledger,
                                   .ports = w->ports,
                                   .done = on_done,
                                   .data = w};
    w->runner = runner_new(&config);
}

static void close_world(struct world *w)
{
    runner_halt(w->runner);
    worker_free(w->worker);
    runner_free(w->runner);
    ledger_free(w->ledger);
    w->store->ops->free(w->store);
    ports_free(&w->ports);
    evloop_free(w->loop);
    sim_host_free(w->sim);
    vec_done(&w->claims);
}

static void random_run(struct world *w, const char *kernel, uint32_t seed, int choice)
{
    snprintf(w->name, sizeof(w->name), "%s, kernel %s, %s, seed %u", w->model->key, kernel,
             sim_choice_name((enum sim_choice)choice), seed);
    w->random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
    choose_pool(w);
    open_world(w, kernel);
    w->sim->seed = seed;
    w->foreign_gi = SIM_NONE;
    w->sim->gpus[0].choice = (enum sim_choice)choice;
    for (w->action = 0; w->action < ACTIONS; w->action++) {
        act(w);
        check(w);
    }
    for (unsigned tries = 0; w->claims.n > 0 && tries < 500; tries++) {
        char name[NAME_SIZE];
        STR_SET(name, w->claims.items[pick(w, (uint32_t)w->claims.n)].name);
        change(w, NULL, name);
        check(w);
    }
    bool unsure = w->sim->iface == SIM_MDEV && (w->claims.n > 0 || w->unsure);
    if (w->foreign_gi != SIM_NONE) {
        meddle(w);
    }
    if (w->sim->gpus[0].n_gis != 0 && !unsure) {
        fail_at(w, "in the end", "a GPU instance is left");
    }
    close_world(w);
}

static bool has_mig_types(const struct gpu_model *model)
{
    for (size_t i = 0; i < model->types.n; i++) {
        if (model->types.items[i].mig_backed) {
            return model->pci_ids.n > 0 && model->profiles.n > 0;
        }
    }
    return false;
}

static void an_instance_is_whose_the_plan_says(void **state)
{
    (void)state;
    struct error err = {0};
    CLEANUP(catalog_freep) struct catalog *catalog = NULL;
    CLEANUP(rules_freep) struct rules *rules = NULL;
    assert_int_equal(catalog_load_default(&catalog, &err), 0);
    assert_int_equal(rules_load_default(&rules, &err), 0);
    log_set_level(LOG_LEVEL_NONE); /* the failures are wanted */
    struct counts counts = {0};
    unsigned timesliced = 0;
    for (size_t m = 0; m < catalog_count(catalog); m++) {
        const struct gpu_model *model = catalog_at(catalog, m);
        bool slices = model->mig_timesliced == CAT_YES;
        uint32_t seeds = slices ? SEEDS_TIMESLICED : SEEDS_OTHERS;
        counts.boards += has_mig_types(model);
        timesliced += slices && has_mig_types(model);
        for (uint32_t n = 0; has_mig_types(model) && n < seeds * 2 * SIM_CHOICE_COUNT; n++) {
            struct world w = {.catalog = catalog, .rules = rules, .model = model};
            w.counts = &counts;
            random_run(&w, kernels[n % 2], n / 2 / SIM_CHOICE_COUNT,
                       (int)(n / 2) % SIM_CHOICE_COUNT);
        }
    }
    print_message(
        "# %u boards, %u with time-sliced instances: %u plans done, %u refused, %u "
        "undone, %u stuck, %u claims blocked; %u times an exclusive claim next to others, %u vGPUs "
        "with fillers\n",
        counts.boards, timesliced, counts.done, counts.refused, counts.undone, counts.stuck,
        counts.blocked, counts.exclusive_next_to, counts.filled);
    assert_true(timesliced > 0 && counts.filled > 100 && counts.undone > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_instance_is_whose_the_plan_says)};
    return cmocka_run_group_tests_name("seats", tests, NULL, NULL);
}
