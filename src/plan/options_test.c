/* SPDX-License-Identifier: Apache-2.0 */
/* Claims by need: which words the planner chooses, and what a refusal says. */
#include <string.h>

#include "plan/known_choices.h"
#include "plan/planner_fixture.h"

static struct claim wish(const char *name, const char *need)
{
    CLEANUP_JSON json_t *json = NULL;
    struct claim claim = make(name, "", "");
    struct error err = {0};
    assert_int_equal(yaml_read(need, strlen(need), "need", &json, NULL), 0);
    if (need_from_json(json, "need", "", &claim.need, &err) != 0) {
        fail_msg("%s: %s", need, err.message);
    }
    claim.has_need = true;
    claim.spec.guest = claim.need.guest;
    claim.spec.mixed = claim.need.mixed;
    claim.spec.migratable = claim.need.live_migration;
    return claim;
}

/* On the board named, alone there. */
static const struct {
    const char *gpu, *need, *mode, *chosen;
} chosen[] = {
    {L40S, "memory: 8G", "time-sliced", "L40S-8C"},
    {L40S, "memory: 9G", "time-sliced", "L40S-12C"},
    {L40S, "{memory: 8G, usableMemory: true}", "time-sliced", "L40S-12C"},
    {L40S, "{memory: 8G, graphics: true}", "time-sliced", "L40S-8Q"},
    {L40S, "{memory: 8G, licences: none}", "passthrough", ""},
    {L40S, "{memory: 40G}", "passthrough", ""},
    {A100, "{memory: 9G, isolation: hardware}", "mig-backed", "A100-1-10C"},
    {A100, "{memory: 9G, isolation: hardware, consumer: host}", "gpu-instance", "1g.10gb"},
    {A100, "{compute: 2/7, isolation: hardware, consumer: host}", "gpu-instance", "2g.10gb"},
    {RTX, "{memory: 8G, isolation: memory, boundary: group}", "time-sliced-mig-backed", NULL},
};

static void the_smallest_of_the_best_mode_is_chosen(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_SIZE(chosen); i++) {
        struct claim claim = wish("c", chosen[i].need);
        STR_SET(claim.spec.gpu, chosen[i].gpu);
        CLEANUP(plan_freep) struct plan *plan = NULL;
        if (build(f, &claim, 1, NULL, 0, &plan) != 0) {
            fail_msg("%s: %s; %s", chosen[i].need, f->err.message, f->err.hint);
        }
        const struct claim *got = &plan->claims.items[0].claim;
        const char *what = got->spec.type[0] != '\0' ? got->spec.type : got->spec.profile;
        const char *mode = claim_mode_name(got->spec.mode);
        if (!str_eq(mode, chosen[i].mode) ||
            (chosen[i].chosen != NULL && !str_eq(what, chosen[i].chosen))) {
            fail_msg("%s: %s %s", chosen[i].need, mode, what);
        }
        assert_true(got->choice[0] != '\0');
        assert_false(claim_is_open(got));
        assert_true(need_is_same(&got->need, &claim.need));
    }
}

/* Where the smallest has no room a larger one is taken; what is chosen again may differ. */
static void what_has_room_is_chosen(void **state)
{
    struct fixture *f = *state;
    struct claim first = make("first", "", "L40S-12C");
    plan_free(must(f, &first, 1, NULL, 0));
    struct claim claim = wish("c", "memory: 8G");
    STR_SET(claim.spec.gpu, L40S);
    CLEANUP(plan_freep) struct plan *plan = must(f, &claim, 1, NULL, 0);
    struct claim got = plan->claims.items[0].claim;
    assert_string_equal(got.spec.type, "L40S-12C");
    assert_non_null(strstr(got.choice, "did not fit"));
    claim_reopen(&got);
    assert_true(claim_is_open(&got));
    assert_string_equal(got.spec.gpu, L40S);
}

static void words_that_are_typed_next_to_a_need_hold(void **state)
{
    struct fixture *f = *state;
    struct claim claim = wish("c", "memory: 8G");
    claim.typed = (struct claim_words){.set = true, .mode = CLAIM_MODE_AUTO, .start = NO_ID};
    STR_SET(claim.typed.type, "L40S-12Q");
    STR_SET(claim.spec.type, "L40S-12Q");
    CLEANUP(plan_freep) struct plan *plan = NULL;
    assert_int_equal(build(f, &claim, 1, NULL, 0, &plan), 0);
    struct claim got = plan->claims.items[0].claim;
    assert_string_equal(got.spec.type, "L40S-12Q");
    claim_reopen(&got);
    assert_string_equal(got.spec.type, "L40S-12Q");
    assert_int_equal(got.spec.mode, CLAIM_MODE_AUTO);
    STR_SET(claim.spec.gpu, L40S);
    STR_SET(claim.typed.type, "L40S-4Q");
    STR_SET(claim.spec.type, "L40S-4Q");
    CLEANUP(plan_freep) struct plan *none = NULL;
    assert_int_equal(build(f, &claim, 1, NULL, 0, &none), -REASON_RULE);
    assert_non_null(strstr(f->err.message, "L40S-4Q on L40S 48GB does not serve"));
}

/* ---- the scheduler of a need ---- */

static size_t count_steps(const struct plan *plan, enum step_kind kind,
                          enum scheduler_policy policy)
{
    size_t n = 0;
    for (vec_each(&plan->steps, step)) {
        n += step->kind == kind && step->scheduler.policy == policy;
    }
    return n;
}

/* The policy is set as a step of the claim's plan, and only where it would change no vGPU. */
static void a_need_sets_the_scheduler_of_a_gpu_without_vgpus(void **state)
{
    static const struct {
        const char *need;
        enum scheduler_policy chosen; /* for the GPU, by hand */
        bool has_vgpu;                /* scheduled by best effort */
        uint32_t can;                 /* policies of the driver; 0: it does not say */
        int result;
        enum scheduler_policy set; /* by a step */
    } rows[] = {
        {"{memory: 8G, predictable: true}", 0, false, 0, 0, SCHEDULER_FIXED_SHARE},
        {"{memory: 8G, scheduler: equal-share}", 0, false, 0, 0, SCHEDULER_EQUAL_SHARE},
        {"{memory: 8G, scheduler: best-effort}", 0, false, 0, 0, SCHEDULER_UNKNOWN},
        {"{memory: 8G}", 0, false, 0, 0, SCHEDULER_UNKNOWN},
        {"{memory: 8G}", SCHEDULER_FIXED_SHARE, false, 0, 0, SCHEDULER_FIXED_SHARE},
        {"{memory: 8G, scheduler: equal-share}", SCHEDULER_FIXED_SHARE, false, 0, 0,
         SCHEDULER_EQUAL_SHARE},
        {"{memory: 8G, predictable: true}", 0, true, 0, -REASON_CONFLICT, 0},
        {"{memory: 8G, scheduler: best-effort}", 0, true, 0, 0, SCHEDULER_UNKNOWN},
        {"{memory: 8G, predictable: true}", 0, false, 1U << SCHEDULER_BEST_EFFORT,
         -REASON_UNSUPPORTED, 0},
        {"{memory: 48G, predictable: true}", 0, false, 0, 0, SCHEDULER_UNKNOWN}, /* alone */
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct claim claim = wish("c", rows[i].need);
        const struct planner planner = planner_now(f);
        struct gpu *gpu = host_find_gpu(f->host, L40S);
        STR_SET(claim.spec.gpu, L40S);
        claim.spec.mode = CLAIM_TIME_SLICED;
        claim.typed = (struct claim_words){.set = true, .mode = CLAIM_TIME_SLICED, .start = NO_ID};
        f->records.n = 0;
        if (rows[i].chosen != SCHEDULER_UNKNOWN) {
            *vec_push(&f->records) =
                (struct gpu_record){.addr = gpu->addr, .scheduler = {.policy = rows[i].chosen}};
        }
        gpu->scheduler.policy = SCHEDULER_BEST_EFFORT;
        gpu->schedulers = rows[i].can;
        gpu->vgpus.n = 0;
        if (rows[i].has_vgpu) {
            struct vgpu *vgpu = vec_push(&gpu->vgpus);
            *vgpu = (struct vgpu){.gi_id = NO_ID, .placement_id = NO_ID, .type_id = NO_ID};
            STR_SET(vgpu->type, "NVIDIA L40S-8C");
        }
        CLEANUP(plan_freep) struct plan *plan = NULL;
        int r = build_by(f, &planner, &claim, 1, NULL, 0, &plan);
        if (r != rows[i].result) {
            fail_msg("row %zu: %d, %s", i, r, f->err.message);
        }
        if (r == 0 && count_steps(plan, STEP_SCHEDULER_SET, rows[i].set) !=
                          (rows[i].set != SCHEDULER_UNKNOWN ? 1 : 0)) {
            fail_msg("row %zu: another policy is set", i);
        }
    }
}

static void needs_of_one_gpu_that_differ_go_to_two_or_are_refused(void **state)
{
    struct fixture *f = *state;
    struct claim claims[] = {wish("a", "{memory: 8G, scheduler: equal-share}"),
                             wish("b", "{memory: 8G, scheduler: fixed-share}")};
    for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
        STR_SET(claims[i].spec.gpu, "l40s");
        claims[i].spec.mode = CLAIM_TIME_SLICED;
        claims[i].typed =
            (struct claim_words){.set = true, .mode = CLAIM_TIME_SLICED, .start = NO_ID};
    }
    CLEANUP(plan_freep) struct plan *none = NULL;
    assert_int_equal(build(f, claims, 2, NULL, 0, &none), -REASON_CONFLICT);
    assert_non_null(strstr(f->err.message, "equal-share"));
    assert_non_null(strstr(f->err.message, "fixed-share"));
    add_gpu(f, 0xa1, 0x26b9, NO_ID, 0);
    CLEANUP(plan_freep) struct plan *plan = NULL;
    if (build(f, claims, 2, NULL, 0, &plan) != 0) {
        fail_msg("%s", f->err.message);
    }
    assert_int_equal(count_steps(plan, STEP_SCHEDULER_SET, SCHEDULER_EQUAL_SHARE), 1);
    assert_int_equal(count_steps(plan, STEP_SCHEDULER_SET, SCHEDULER_FIXED_SHARE), 1);
}

static void gpus_of_one_vm_are_different_ones(void **state)
{
    struct fixture *f = *state;
    add_gpu(f, 0xa1, 0x26b9, NO_ID, 0);
    struct claim claim = wish("c", "{memory: 8G, gpus: 2}");
    STR_SET(claim.spec.gpu, "l40s");
    STR_SET(claim.vm, "vm1");
    struct claims both = {0};
    assert_int_equal(claim_spread(&claim, &both, &f->err), 0);
    CLEANUP(plan_freep) struct plan *plan = must(f, both.items, both.n, NULL, 0);
    assert_int_equal(plan->claims.n, 2);
    assert_true(pci_addr_cmp(&plan->claims.items[0].claim.assigned.gpu,
                             &plan->claims.items[1].claim.assigned.gpu) != 0);
    vec_done(&both);
}

/* Refused on the board named, or on all. */
static const struct {
    const char *gpu, *need;
    int reason;
    const char *message, *hint; /* parts of them */
} refused[] = {
    {L40S,
     "{memory: 8G, isolation: hardware, licences: [NVIDIA AI Enterprise], predictable: true, "
     "liveMigration: true}",
     REASON_RULE, "no mode of L40S 48GB serves", "of the catalog "},
    {"", "memory: 600G", REASON_RULE, "no mode of ",
     "nearest: with at most 278GiB of memory gb300-278gb (passthrough) would"},
    {"", "{memory: 8G, unifiedMemory: true, guest: windows, liveMigration: true}", REASON_RULE,
     "no mode of ", "without \""},
};

static void a_refusal_says_what_is_nearest(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        struct claim claim = wish("c", refused[i].need);
        STR_SET(claim.spec.gpu, refused[i].gpu);
        CLEANUP(plan_freep) struct plan *plan = NULL;
        int r = build(f, &claim, 1, NULL, 0, &plan);
        if (r != -refused[i].reason || strstr(f->err.message, refused[i].message) == NULL ||
            strstr(f->err.hint, refused[i].hint) == NULL) {
            fail_msg("%s: %d: %s; %s", refused[i].need, r, f->err.message, f->err.hint);
        }
    }
}

static void a_full_host_says_what_still_fits(void **state)
{
    struct fixture *f = *state;
    struct claim first = make("first", "", "L40S-24C");
    plan_free(must(f, &first, 1, NULL, 0));
    struct claim claim = wish("c", "{memory: 30G, predictable: false}");
    STR_SET(claim.spec.gpu, L40S);
    CLEANUP(plan_freep) struct plan *plan = NULL;
    assert_true(build(f, &claim, 1, NULL, 0, &plan) != 0);
    if (strstr(f->err.hint, "nearest that fits: L40S-24C on GPU " L40S) == NULL) {
        fail_msg("%s; %s", f->err.message, f->err.hint);
    }
}

/* Both GPUs are used otherwise, by claims that could move but to nowhere. */
static void a_host_used_otherwise_says_so(void **state)
{
    struct fixture *f = *state;
    struct claim first = make("first", "", "L40S-24C");
    plan_free(must(f, &first, 1, NULL, 0));
    struct claim claim = wish("c", "{memory: 8G, isolation: hardware}");
    STR_SET(claim.spec.gpu, L40S);
    struct planner planner = planner_now(f);
    const struct claim *add[] = {&claim};
    const enum plan_moves moves[] = {PLAN_MOVES_NONE, PLAN_MOVES_TELL, PLAN_MOVES_IDLE};
    for (size_t i = 0; i < ARRAY_SIZE(moves); i++) {
        const struct plan_request request = {
            .add = add, .n_add = 1, .moves = moves[i], .author = "test", .new_uuid = id_uuid};
        CLEANUP(plan_freep) struct plan *plan = NULL;
        f->err = (struct error){0};
        assert_int_equal(planner_build(&planner, &request, &plan, &f->err), -REASON_CONFLICT);
        assert_int_equal(planner_build(&planner, &request, &plan, NULL), -REASON_CONFLICT);
        assert_non_null(strstr(f->err.message, "first"));
    }
}

/* As many as a large request has on many boards are asked about once. */
static void what_serves_a_need_is_asked_once_for_64_needs_on_each_board(void **state)
{
    struct fixture *f = *state;
    const struct planner planner = planner_now(f);
    CLEANUP(known_choices_done) struct known_choices known = {0};
    size_t n = 0;
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 64; i++) {
            const struct need need = {.memory_mib = 1024 + i, .any_licence = true};
            for (vec_each(&f->host->gpus, gpu)) {
                assert_non_null(
                    known_choices_of(&known, planner.rules, gpu_model_of(&planner, gpu), &need));
            }
        }
        assert_true(round == 0 || known.n == n);
        assert_int_equal(known.next, 0);
        n = known.n;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_smallest_of_the_best_mode_is_chosen, setup, teardown),
        cmocka_unit_test_setup_teardown(what_has_room_is_chosen, setup, teardown),
        cmocka_unit_test_setup_teardown(what_serves_a_need_is_asked_once_for_64_needs_on_each_board,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(words_that_are_typed_next_to_a_need_hold, setup, teardown),
        cmocka_unit_test_setup_teardown(needs_of_one_gpu_that_differ_go_to_two_or_are_refused,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_need_sets_the_scheduler_of_a_gpu_without_vgpus, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(gpus_of_one_vm_are_different_ones, setup, teardown),
        cmocka_unit_test_setup_teardown(a_refusal_says_what_is_nearest, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_host_says_what_still_fits, setup, teardown),
        cmocka_unit_test_setup_teardown(a_host_used_otherwise_says_so, setup, teardown),
    };
    return cmocka_run_group_tests_name("needs", tests, NULL, NULL);
}
