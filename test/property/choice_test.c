/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each choice of a GPU, against trying them all: on random hosts admission, the planner, the
 * reservation of a device for an on-demand claim, and a migration's target choose what a slow model
 * chooses that asks for every GPU alone and keeps the best of those that can. And place_choose()
 * itself, on random scores. CLEAVE_SEED repeats a run.
 */
#include "test.h"

#include <stdio.h>

#include "base/str.h"
#include "drawn_host.h"
#include "drawn_need.h"
#include "plan/bars.h"
#include "plan/candidate.h"
#include "plan/migration_facts.h"
#include "plan/options.h"
#include "plan/preflight.h"
#include "random.h"
#include "sim_world.h"

#define HOSTS 80
#define CLAIMS 14 /* per host */
#define QUESTIONS 4000
#define MOST 12 /* candidates of a random question */

struct run {
    struct sim_world world;
    struct random random;
    unsigned chosen[5], refused[5]; /* per chooser */
};

enum chooser { ADMISSION, PLANNER, RESERVATION, MIGRATION, NEED };
static const char *const choosers[] = {"admission", "the planner", "reservation", "migration",
                                       "a need"};

static uint32_t below(struct run *run, uint32_t n)
{
    return random_below(&run->random, n);
}

static void new_uuid(char out[37])
{
    static uint32_t n;
    snprintf(out, 37, "00000000-0000-4000-a000-%012x", ++n);
}

/* ---- the slow model ---- */

#define NO_GPU SIZE_MAX

/* Of the GPUs that can, the one with the lowest score; of equal ones the first. */
static size_t best_of(size_t n, const bool *can, const struct place_score *scores)
{
    size_t best = NO_GPU;
    for (size_t g = 0; g < n; g++) {
        bool better = best == NO_GPU;
        for (size_t k = 0; !better && k < PLACE_KEYS; k++) {
            if (scores[g].keys[k] != scores[best].keys[k]) {
                better = scores[g].keys[k] < scores[best].keys[k];
                break;
            }
        }
        best = can[g] && better ? g : best;
    }
    return best;
}

static struct claim pinned(const struct run *run, const struct claim *claim, size_t g)
{
    struct claim one = *claim;
    (void)pci_addr_format(&run->world.host->gpus.items[g].addr, one.spec.gpu);
    return one;
}

static bool is_selected(const struct run *run, const struct claim *claim, size_t g)
{
    const struct planner planner = sim_world_planner(&run->world);
    return admit_selects(&planner, claim, &run->world.host->gpus.items[g]);
}

/* Over the host as it was looked at last. */
static struct plan *build(const struct run *run, const struct claim *claim, bool allocate)
{
    const struct planner planner = sim_world_planner(&run->world);
    const struct plan_request request = {.add = &claim,
                                         .n_add = 1,
                                         .purpose = allocate ? PURPOSE_ALLOCATE : PURPOSE_CHANGE,
                                         .new_uuid = new_uuid};
    struct plan *plan = NULL;
    return planner_build(&planner, &request, &plan, NULL) == 0 ? plan : NULL;
}

/* Which GPUs could serve the claim, were each asked alone? */
static void ask_each(const struct run *run, const struct claim *claim, bool allocate, bool *can)
{
    for (size_t g = 0; g < run->world.host->gpus.n; g++) {
        const struct claim one = pinned(run, claim, g);
        CLEANUP(plan_freep)
        struct plan *plan = is_selected(run, claim, g) ? build(run, &one, allocate) : NULL;
        can[g] = plan != NULL;
    }
}

static void compare(struct run *run, enum chooser chooser, const struct claim *claim, size_t slow,
                    size_t fast)
{
    if (slow != fast) {
        fail_msg("seed %llu: %s chooses GPU %zd of %zu for %s %s%s%s, and trying all %zd",
                 random_seed(&run->random), choosers[chooser], (ssize_t)fast,
                 run->world.host->gpus.n, claim->name, claim_mode_name(claim->spec.mode),
                 claim->spec.type, claim->spec.profile, (ssize_t)slow);
    }
    if (slow == NO_GPU) {
        run->refused[chooser]++;
    } else {
        run->chosen[chooser]++;
    }
}

static size_t gpu_at(const struct run *run, const struct pci_addr *addr)
{
    const struct gpu *gpu = host_find_gpu_addr(run->world.host, addr);
    return gpu == NULL ? NO_GPU : (size_t)(gpu - run->world.host->gpus.items);
}

/* ---- admission ---- */

/* True: the claim is admitted, and resolved. */
static bool check_admission(struct run *run, struct claim *claim)
{
    const struct planner planner = sim_world_planner(&run->world);
    size_t n = run->world.host->gpus.n;
    CLEANUP_FREE bool *can = xcalloc(n + 1, sizeof(*can));
    CLEANUP_FREE struct place_score *scores = xcalloc(n + 1, sizeof(*scores));
    CLEANUP_FREE struct claim *resolved = xcalloc(n + 1, sizeof(*resolved));
    for (size_t g = 0; g < n; g++) {
        resolved[g] = pinned(run, claim, g);
        can[g] = is_selected(run, claim, g) && planner_admit(&planner, &resolved[g], NULL) == 0;
    }
    size_t slow = best_of(n, can, scores);
    bool admitted = planner_admit(&planner, claim, NULL) == 0;
    bool same = slow != NO_GPU && claim->spec.mode == resolved[slow].spec.mode &&
                str_eq(claim->spec.type, resolved[slow].spec.type) &&
                str_eq(claim->spec.profile, resolved[slow].spec.profile);
    compare(run, ADMISSION, claim, slow, !admitted ? NO_GPU : same ? slow : n);
    return admitted;
}

/* ---- the planner ---- */

static void check_planner(struct run *run, const struct claim *claim)
{
    static const struct plan_request none = {0};
    const struct planner planner = sim_world_planner(&run->world);
    size_t n = run->world.host->gpus.n;
    CLEANUP_FREE bool *can = xcalloc(n + 1, sizeof(*can));
    CLEANUP_FREE struct place_score *scores = xcalloc(n + 1, sizeof(*scores));
    CLEANUP(works_done) struct works works = {0};
    assert_int_equal(works_init(&works, &planner, &none, NULL), 0);
    for (size_t g = 0; g < n; g++) {
        candidate_score(&works.items[g], claim, scores[g].keys);
    }
    ask_each(run, claim, true, can);
    CLEANUP(plan_freep) struct plan *plan = build(run, claim, true);
    compare(run, PLANNER, claim, best_of(n, can, scores),
            plan == NULL ? NO_GPU : gpu_at(run, &plan->claims.items[0].claim.assigned.gpu));
}

/* ---- needs ---- */

/* Every pair of a GPU and exact words that serve the need, each planned alone: the first of those
 * with the lowest score that can be. */
static size_t try_pairs(const struct run *run, const struct claim *claim,
                        const struct options *pairs)
{
    static const struct plan_request none = {0};
    const struct planner planner = sim_world_planner(&run->world);
    CLEANUP_FREE bool *can = xcalloc(pairs->n + 1, sizeof(*can));
    CLEANUP_FREE struct place_score *scores = xcalloc(pairs->n + 1, sizeof(*scores));
    CLEANUP(works_done) struct works works = {0};
    assert_int_equal(works_init(&works, &planner, &none, NULL), 0);
    for (size_t i = 0; i < pairs->n; i++) {
        const struct option *pair = &pairs->items[i];
        const struct claim exact = option_claim(pair, claim);
        const struct claim one = pinned(run, &exact, pair->gpu);
        CLEANUP(plan_freep) struct plan *plan = build(run, &one, true);
        can[i] = plan != NULL;
        assert_false(claim_is_open(&one));
        option_score(pair, scores[i].keys);
        candidate_score(&works.items[pair->gpu], &one, &scores[i].keys[OPTION_KEYS]);
    }
    return best_of(pairs->n, can, scores);
}

/* True: the need can be served. */
static bool check_need(struct run *run, const struct claim *claim)
{
    const struct planner planner = sim_world_planner(&run->world);
    struct options pairs = {0};
    options_list(&planner, claim, &pairs);
    size_t slow = try_pairs(run, claim, &pairs);
    CLEANUP(plan_freep) struct plan *plan = build(run, claim, true);
    const struct claim *got = plan == NULL ? NULL : &plan->claims.items[0].claim;
    size_t fast = NO_GPU;
    for (size_t i = 0; got != NULL && i < pairs.n; i++) {
        const struct claim_spec *spec = &pairs.items[i].spec;
        if (gpu_at(run, &got->assigned.gpu) == pairs.items[i].gpu && spec->mode == got->spec.mode &&
            str_eq(spec->type, got->spec.type) &&
            (spec->type[0] != '\0' || str_eq(spec->profile, got->spec.profile))) {
            fast = i;
        }
    }
    vec_done(&pairs);
    compare(run, NEED, claim, slow, fast);
    return got != NULL;
}

/* ---- reservations ---- */

static uint32_t count_names(const struct run *run, const struct claim *claim, size_t g)
{
    const struct planner planner = sim_world_planner(&run->world);
    const struct pci_addr *gpu = &run->world.host->gpus.items[g].addr;
    const struct vm *vm = bars_find(&planner, gpu);
    uint32_t n = vm != NULL && !claim_is_of(claim, vm->name, vm->uuid) ? 10000 : 0;
    for (vec_each(&run->world.claims, other)) {
        struct claim_device device = {0};
        n += claim_device(other, &device) && pci_addr_cmp(&device.gpu, gpu) == 0;
    }
    return n;
}

static void check_reservation(struct run *run, const struct claim *claim)
{
    size_t n = run->world.host->gpus.n;
    CLEANUP_FREE bool *can = xcalloc(n + 1, sizeof(*can));
    CLEANUP_FREE struct place_score *scores = xcalloc(n + 1, sizeof(*scores));
    for (size_t g = 0; g < n; g++) {
        scores[g].keys[0] = count_names(run, claim, g);
    }
    ask_each(run, claim, false, can);
    CLEANUP(plan_freep) struct plan *plan = build(run, claim, false);
    /* A VM that is running refuses the step, whichever GPU it is of. */
    compare(run, RESERVATION, claim, best_of(n, can, scores),
            plan == NULL ? NO_GPU : gpu_at(run, &plan->claims.items[0].claim.reserved.gpu));
}

/* ---- the target of a migration ---- */

static struct place_score score_target(const struct run *run, const struct offer_claim *one,
                                       size_t g)
{
    const struct planner planner = sim_world_planner(&run->world);
    struct place_score score = {{0}};
    struct migration_facts facts = {0};
    struct checks checks = {0};
    facts_of_candidate(&planner, &run->world.host->gpus.items[g], &one->claim, &facts);
    rules_check_migration(planner.rules, MIGRATION_OF_DEVICE, one->claim.name, &one->facts, &facts,
                          &checks);
    for (vec_each(&checks, check)) {
        score.keys[0] += check->result == CHECK_FAILED;
        score.keys[1] += check->result == CHECK_UNKNOWN || check->result == CHECK_WARNING;
    }
    vec_done(&checks);
    return score;
}

/* Of a VM with the claim, as if it came to this host once more, next to what it has. */
static void check_migration(struct run *run, const struct claim *claim)
{
    const struct planner planner = sim_world_planner(&run->world);
    const struct host *host = run->world.host;
    size_t n = host->gpus.n;
    CLEANUP_FREE bool *can = xcalloc(n + 1, sizeof(*can));
    CLEANUP_FREE struct place_score *scores = xcalloc(n + 1, sizeof(*scores));
    CLEANUP(migration_offer_freep) struct migration_offer *offer = xcalloc(1, sizeof(*offer));
    offer->claims = xcalloc(1, sizeof(*offer->claims));
    offer->n_claims = 1;
    struct offer_claim *one = &offer->claims[0];
    one->claim = *claim;
    STR_SET(one->claim.name, "incoming");
    one->claim.vm[0] = one->claim.vm_uuid[0] = one->claim.spec.gpu[0] = '\0';
    one->claim.spec.start = NO_ID;
    one->claim.spec.hold = CLAIM_HELD;
    one->claim.reserved = (struct claim_device){.set = false};
    facts_of_claim(host, host_find_gpu_addr(host, &claim->assigned.gpu), claim, &one->facts);
    ask_each(run, &one->claim, true, can);
    for (size_t g = 0; g < n; g++) {
        struct claim wish = pinned(run, &one->claim, g);
        scores[g] = score_target(run, one, g);
        can[g] = can[g] && scores[g].keys[0] == 0 && planner_admit(&planner, &wish, NULL) == 0;
    }
    static const struct nvml_answers no_answers = {0};
    const struct plan_request request = {.new_uuid = new_uuid};
    CLEANUP(plan_freep) struct plan *plan = NULL;
    struct checks checks = {0};
    preflight_target(&planner, offer, &no_answers, &request, &plan, &checks);
    vec_done(&checks);
    compare(run, MIGRATION, claim, best_of(n, can, scores),
            plan == NULL ? NO_GPU : gpu_at(run, &plan->claims.items[0].claim.assigned.gpu));
}

/* ---- random hosts ---- */

static struct claim draw_wish(struct run *run, unsigned number)
{
    const struct sim_host *host = run->world.machine.host;
    const struct gpu_model *model = host->gpus[below(run, host->n_gpus)].model;
    struct claim claim = {.spec = {.mode = CLAIM_MODE_AUTO, .start = NO_ID}};
    snprintf(claim.name, sizeof(claim.name), "c%u", number);
    uint32_t kind = below(run, 10);
    if (kind < 2 || (model->types.n == 0 && model->profiles.n == 0)) {
        claim.spec.mode = CLAIM_PASSTHROUGH;
    } else if (model->types.n > 0 && (kind < 8 || model->profiles.n == 0)) {
        STR_SET(claim.spec.type, model->types.items[below(run, (uint32_t)model->types.n)].name);
        claim.spec.mixed = below(run, 4) == 0;
    } else {
        STR_SET(claim.spec.profile,
                model->profiles.items[below(run, (uint32_t)model->profiles.n)].name);
    }
    if (claim.spec.profile[0] == '\0' && below(run, 4) > 0) {
        snprintf(claim.vm, sizeof(claim.vm), "vm%u", below(run, DRAWN_VMS));
        claim.spec.hold = below(run, 3) == 0 ? CLAIM_ON_DEMAND : CLAIM_HELD;
    }
    if (below(run, 5) == 0) {
        STR_SET(claim.spec.gpu, model->key);
    }
    return claim;
}

static void check_claim(struct run *run, unsigned number)
{
    struct claim claim = draw_wish(run, number);
    sim_world_look(&run->world);
    if (below(run, 3) == 0) {
        drawn_need_set(&run->random, &claim);
        claim.spec.hold = CLAIM_HELD;
        if (!check_need(run, &claim)) {
            return;
        }
    } else if (check_admission(run, &claim)) {
        check_planner(run, &claim);
    } else {
        return;
    }
    if (claim.spec.hold == CLAIM_ON_DEMAND) {
        check_reservation(run, &claim);
    }
    bool allocate = below(run, 2) == 0;
    CLEANUP(plan_freep)
    struct plan *plan = sim_world_plan(&run->world, &claim, 1, NULL, 0, allocate);
    if (plan == NULL) {
        return;
    }
    assert_true(sim_world_run(&run->world, plan));
    const struct claim *bound = claims_find(&run->world.claims, claim.name);
    if (bound != NULL && claim_holds(bound)) {
        const struct claim copy = *bound;
        check_migration(run, &copy);
    }
}

static void every_choice_is_the_one_of_trying_all(void **state)
{
    (void)state;
    struct run run = {.random = random_new()};
    CLEANUP(catalog_freep) struct catalog *catalog = NULL;
    CLEANUP(rules_freep) struct rules *rules = NULL;
    assert_int_equal(catalog_load_default(&catalog, NULL), 0);
    assert_int_equal(rules_load_default(&rules, NULL), 0);
    for (unsigned h = 0; h < HOSTS; h++) {
        char what[DRAWN_WHAT];
        run.world = (struct sim_world){0};
        drawn_host_make(&run.world, &run.random, catalog, rules, what);
        for (unsigned i = 0; i < CLAIMS; i++) {
            check_claim(&run, i);
        }
        sim_world_done(&run.world);
    }
    for (size_t i = 0; i < ARRAY_SIZE(choosers); i++) {
        print_message("# %s: %u chosen, %u refused\n", choosers[i], run.chosen[i], run.refused[i]);
        assert_true(run.chosen[i] > 0 && run.refused[i] > 0);
    }
}

/* ---- random scores ---- */

struct scene {
    struct place_score scores[MOST];
    bool is_candidate[MOST];
    bool can[MOST];
};

static bool score_scene(void *data, uint32_t candidate, struct place_score *ret_score)
{
    const struct scene *scene = data;
    *ret_score = scene->scores[candidate];
    return scene->is_candidate[candidate];
}

static int judge_scene(void *data, const struct place_entry *entry, struct error *err)
{
    const struct scene *scene = data;
    (void)err;
    return scene->can[entry->candidate] ? 0 : -REASON_NO_CAPACITY;
}

static void place_chooses_as_the_slow_model_does(void **state)
{
    (void)state;
    struct random random = random_new();
    for (unsigned i = 0; i < QUESTIONS; i++) {
        struct scene scene = {0};
        uint32_t n = random_below(&random, MOST + 1);
        for (uint32_t c = 0; c < n; c++) {
            scene.is_candidate[c] = random_below(&random, 5) > 0;
            scene.can[c] = scene.is_candidate[c] && random_below(&random, 3) == 0;
            for (size_t k = 0; k < PLACE_KEYS; k++) {
                scene.scores[c].keys[k] = random_below(&random, 3);
            }
        }
        const struct place_question question = {
            .n = n, .score = score_scene, .judge = judge_scene, .data = &scene};
        struct place_answer answer;
        int r = place_choose(&question, &answer);
        size_t slow = best_of(n, scene.can, scene.scores);
        size_t fast = r == 0 ? answer.chosen : NO_GPU;
        if (fast != slow) {
            fail_msg("seed %llu: candidate %zd of %u, and trying all %zd", random_seed(&random),
                     (ssize_t)fast, n, (ssize_t)slow);
        }
        place_answer_done(&answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(place_chooses_as_the_slow_model_does),
        cmocka_unit_test(every_choice_is_the_one_of_trying_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
