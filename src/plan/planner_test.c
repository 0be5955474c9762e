/* SPDX-License-Identifier: Apache-2.0 */
/* The planner over the real catalog and rules, its plans applied to a host in memory. */
#include "plan/planner.h"

#include "plan/mode.h"
#include "plan/planner_fixture.h"

static size_t count_what(const struct plan *plan, const char *what)
{
    size_t n = 0;
    for (vec_each(&plan->instances, instance)) {
        n += str_eq(instance->what, what);
    }
    return n;
}

static void twelve_claims_share_four_instances(void **state)
{
    struct fixture *f = *state;
    struct claim add[12];
    for (int i = 0; i < 12; i++) {
        char vm[16];
        snprintf(vm, sizeof(vm), "vm%d", i + 1);
        add[i] = make(vm, vm, "DC-1-8C");
    }
    CLEANUP(plan_freep) struct plan *plan = must(f, add, 12, NULL, 0);
    assert_int_equal(count(plan, STEP_MIG_ENABLE), 1);
    assert_int_equal(count(plan, STEP_SRIOV_ENABLE), 1);
    assert_int_equal(count(plan, STEP_GI_CREATE), 4);
    assert_int_equal(count(plan, STEP_VGPU_CREATE), 12);
    assert_int_equal(count(plan, STEP_ATTACH), 12);
    assert_int_equal(fake_host_count_vgpus(&f->fake), 12);
    assert_int_equal(f->claims.items[0].spec.mode, CLAIM_TIME_SLICED_MIG_BACKED);

    struct claim more = make("more", "", "DC-1-8C");
    CLEANUP(plan_freep) struct plan *none = NULL;
    assert_int_equal(build(f, &more, 1, NULL, 0, &none), -REASON_NO_CAPACITY);
    assert_true(f->err.message[0] != '\0');
}

static void layouts_keep_what_can_stay(void **state)
{
    struct fixture *f = *state;
    struct claim first[] = {make("a1", "vm1", "A100-2-10C"), make("a2", "vm2", "A100-2-10C"),
                            make("a3", "vm3", "A100-2-10C")};
    CLEANUP(plan_freep) struct plan *one = must(f, first, 3, NULL, 0);
    assert_int_equal(count_what(one, "created"), 3);

    const char *const old1[] = {"a1", "a2", "a3"};
    struct claim second[] = {make("b1", "vm1", "A100-3-20C"), make("b2", "vm2", "A100-3-20C")};
    CLEANUP(plan_freep) struct plan *two = must(f, second, 2, old1, 3);
    assert_int_equal(count_what(two, "destroyed"), 3);
    assert_int_equal(count_what(two, "created"), 2);
    assert_int_equal(count(two, STEP_SRIOV_ENABLE), 0);

    const char *const old2[] = {"b1", "b2"};
    struct claim third[] = {make("c1", "vm1", "A100-4-20C"), make("c2", "vm2", "A100-2-10C"),
                            make("c3", "vm3", "A100-1-5C")};
    CLEANUP(plan_freep) struct plan *three = must(f, third, 3, old2, 2);
    assert_int_equal(count_what(three, "created"), 3);

    const char *const old3[] = {"c1", "c2", "c3"};
    struct claim again[] = {make("d1", "vm1", "A100-2-10C"), make("d2", "vm2", "A100-2-10C"),
                            make("d3", "vm3", "A100-2-10C")};
    CLEANUP(plan_freep) struct plan *four = must(f, again, 3, old3, 3);
    assert_int_equal(count_what(four, "kept"), 1);
    assert_int_equal(count_what(four, "destroyed"), 2);
    assert_int_equal(count_what(four, "created"), 2);
}

static void a_third_3g_does_not_fit(void **state)
{
    struct fixture *f = *state;
    struct claim add[] = {make("a1", "", "A100-3-20C"), make("a2", "", "A100-3-20C"),
                          make("a3", "", "A100-3-20C")};
    CLEANUP(plan_freep) struct plan *plan = NULL;
    assert_int_equal(build(f, add, 3, NULL, 0, &plan), -REASON_NO_CAPACITY);
    assert_non_null(strstr(f->err.message, "3g.20gb"));
}

static void a_kept_claim_keeps_its_instance(void **state)
{
    struct fixture *f = *state;
    struct claim first[] = {make("a1", "vm1", "A100-2-10C"), make("a2", "vm2", "A100-1-5C")};
    CLEANUP(plan_freep) struct plan *one = must(f, first, 2, NULL, 0);
    struct assignment before = claims_find(&f->claims, "a2")->assigned;
    const char *const old[] = {"a1"};
    struct claim second[] = {make("b1", "vm1", "A100-3-20C")};
    CLEANUP(plan_freep) struct plan *two = must(f, second, 1, old, 1);
    assert_int_equal(claims_find(&f->claims, "a2")->assigned.start, before.start);
    for (vec_each(&two->steps, step)) {
        assert_false(step->kind == STEP_GI_DESTROY && step->start == before.start);
        assert_false(str_eq(step->claim, "a2"));
    }
}

static void a_time_sliced_claim_on_a_mig_gpu_is_refused(void **state)
{
    struct fixture *f = *state;
    struct claim mig = make("mig", "", "A100-1-5C");
    CLEANUP(plan_freep) struct plan *one = must(f, &mig, 1, NULL, 0);
    struct claim ts = make("ts", "", "A100-5C");
    STR_SET(ts.spec.gpu, A100);
    CLEANUP(plan_freep) struct plan *two = NULL;
    assert_int_equal(build(f, &ts, 1, NULL, 0, &two), -REASON_CONFLICT);
    assert_non_null(strstr(f->err.message, "\"mig\""));
}

static void an_empty_mig_gpu_turns_time_sliced_on_its_own(void **state)
{
    struct fixture *f = *state;
    struct claim mig = make("mig", "", "A100-1-5C");
    CLEANUP(plan_freep) struct plan *one = must(f, &mig, 1, NULL, 0);
    const char *const old[] = {"mig"};
    struct claim ts = make("ts", "", "A100-5C");
    CLEANUP(plan_freep) struct plan *two = must(f, &ts, 1, old, 1);
    static const enum step_kind order[] = {STEP_VGPU_DELETE, STEP_GI_DESTROY,   STEP_SRIOV_DISABLE,
                                           STEP_MIG_DISABLE, STEP_SRIOV_ENABLE, STEP_VGPU_CREATE};
    assert_int_equal(two->steps.n, ARRAY_SIZE(order));
    for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
        assert_int_equal(two->steps.items[i].kind, order[i]);
    }
}

/* Between vfio-pci and nvidia a GPU may be left without a driver. */
static void a_gpu_without_a_driver_is_bound_before_it_is_shared(void **state)
{
    struct fixture *f = *state;
    STR_SET(f->fake.gpus[2].driver, "");
    struct claim claim = make("ts", "", "L40S-8Q");
    CLEANUP(plan_freep) struct plan *plan = must(f, &claim, 1, NULL, 0);
    assert_int_equal(plan->steps.items[0].kind, STEP_BIND_NVIDIA);
    assert_int_equal(plan->steps.items[1].kind, STEP_SRIOV_ENABLE);
    assert_string_equal(f->fake.gpus[2].driver, "nvidia");
}

/* Its UUID is known from before, but no longer a name that finds it. */
static void a_number_selects_a_gpu_that_is_passed_through(void **state)
{
    struct fixture *f = *state;
    struct claim whole = make("whole", "vm1", "");
    whole.spec.mode = CLAIM_PASSTHROUGH;
    STR_SET(whole.spec.gpu, L40S);
    CLEANUP(plan_freep) struct plan *one = must(f, &whole, 1, NULL, 0);
    struct planner planner = planner_now(f);
    struct pci_addr addr;
    assert_true(pci_addr_parse(L40S, &addr));
    struct gpu *gpu = host_find_gpu_addr(f->host, &addr);
    gpu->number = 2;
    STR_SET(gpu->seen_uuid, "GPU-d7f36f14-ad7f-5b11-9c71-0ebbf2b9bd25");
    struct claim claim = make("ts", "", "L40S-8Q");
    STR_SET(claim.spec.gpu, "2");
    assert_int_equal(planner_admit(&planner, &claim, &f->err), 0);
    assert_string_equal(claim.spec.gpu, L40S);
}

static void a_whole_gpu_goes_to_a_vm_and_back(void **state)
{
    struct fixture *f = *state;
    struct claim whole = make("whole", "vm1", "");
    whole.spec.mode = CLAIM_PASSTHROUGH;
    STR_SET(whole.spec.gpu, L40S);
    CLEANUP(plan_freep) struct plan *one = must(f, &whole, 1, NULL, 0);
    assert_int_equal(one->steps.items[0].kind, STEP_BIND_VFIO);
    assert_int_equal(one->steps.items[1].kind, STEP_ATTACH);

    struct claim other = make("other", "vm2", "");
    other.spec.mode = CLAIM_PASSTHROUGH;
    STR_SET(other.spec.gpu, L40S);
    CLEANUP(plan_freep) struct plan *none = NULL;
    assert_int_equal(build(f, &other, 1, NULL, 0, &none), -REASON_NO_CAPACITY);

    fake_host_vm(&f->fake, "vm1")->running = true;
    const char *const old[] = {"whole"};
    assert_int_equal(build(f, NULL, 0, old, 1, &none), -REASON_IN_USE);
    assert_non_null(strstr(f->err.message, "vm1"));

    fake_host_vm(&f->fake, "vm1")->running = false;
    CLEANUP(plan_freep) struct plan *two = must(f, NULL, 0, old, 1);
    assert_int_equal(two->steps.items[0].kind, STEP_DETACH);
    assert_int_equal(two->steps.items[1].kind, STEP_BIND_NVIDIA);
    assert_string_equal(f->fake.gpus[2].driver, "nvidia");
}

static void what_is_left_over_in_a_vm_and_a_claim_s_is_taken_out_once(void **state)
{
    struct fixture *f = *state;
    struct claim claim = make("a", "vm1", "L40S-8Q");
    CLEANUP(plan_freep) struct plan *made = must(f, &claim, 1, NULL, 0);
    const struct step *attach = &made->steps.items[made->steps.n - 1];
    assert_int_equal(attach->kind, STEP_ATTACH);
    struct step extra[] = {step_undo(attach), step_undo(attach)};
    STR_SET(extra[1].vm, "vm2");
    struct planner planner = planner_now(f);
    const char *remove[] = {"a"};
    struct plan_request request = {
        .remove = remove, .n_remove = 1, .extra = extra, .n_extra = 2, .author = "test"};
    CLEANUP(plan_freep) struct plan *plan = NULL;
    assert_int_equal(planner_build(&planner, &request, &plan, &f->err), 0);
    assert_int_equal(count(plan, STEP_DETACH), 2); /* one for each VM */
}

static void claims_that_go_on_to_another_gpu_leave_the_first_ones_steps_alone(void **state)
{
    struct fixture *f = *state;
    struct claim claims[3];
    for (size_t i = 0; i < 3; i++) {
        char name[8];
        snprintf(name, sizeof(name), "w%zu", i);
        claims[i] = make(name, "", "");
        claims[i].spec.mode = CLAIM_PASSTHROUGH;
    }
    CLEANUP(plan_freep) struct plan *plan = must(f, claims, 3, NULL, 0);
    assert_int_equal(count(plan, STEP_BIND_VFIO), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(f->fake.gpus[i].driver, "vfio-pci");
    }
}

static void mixed_sizes_get_placement_ids(void **state)
{
    struct fixture *f = *state;
    struct claim add[] = {make("m1", "", "L40S-24Q"), make("m2", "", "L40S-12Q"),
                          make("m3", "", "L40S-4Q")};
    for (size_t i = 0; i < 3; i++) {
        add[i].spec.mixed = true;
    }
    CLEANUP(plan_freep) struct plan *plan = must(f, add, 3, NULL, 0);
    assert_int_equal(count(plan, STEP_MIXED_ON), 1);
    for (vec_each(&plan->steps, step)) {
        assert_true(step->kind != STEP_VGPU_CREATE || step->placement_id != NO_ID);
    }
    struct claim equal = make("equal", "", "L40S-4Q");
    CLEANUP(plan_freep) struct plan *none = NULL;
    assert_int_equal(build(f, &equal, 1, NULL, 0, &none), -REASON_NO_CAPACITY);
    assert_non_null(strstr(f->err.message, "mixed"));
}

static void equal_sizes_refuse_another_size(void **state)
{
    struct fixture *f = *state;
    struct claim first = make("e1", "", "L40S-8Q");
    CLEANUP(plan_freep) struct plan *one = must(f, &first, 1, NULL, 0);
    struct claim other = make("e2", "", "L40S-4Q");
    CLEANUP(plan_freep) struct plan *none = NULL;
    assert_int_equal(build(f, &other, 1, NULL, 0, &none), -REASON_NO_CAPACITY);
}

static void the_fullest_gpu_is_used_first(void **state)
{
    struct fixture *f = *state;
    add_gpu(f, 0xa1, 0x26b9, NO_ID, 0);
    struct claim one = make("s1", "", "L40S-8Q");
    STR_SET(one.spec.gpu, L40S_2);
    CLEANUP(plan_freep) struct plan *first = must(f, &one, 1, NULL, 0);
    struct claim two = make("s2", "", "L40S-8Q");
    CLEANUP(plan_freep) struct plan *second = must(f, &two, 1, NULL, 0);
    char bdf[BDF_SIZE];
    assert_string_equal(pci_addr_format(&second->claims.items[0].claim.assigned.gpu, bdf), L40S_2);
}

static void a_running_vm_is_not_attached_to(void **state)
{
    struct fixture *f = *state;
    fake_host_vm(&f->fake, "vm3")->running = true;
    struct claim claim = make("c", "vm3", "L40S-8Q");
    CLEANUP(plan_freep) struct plan *plan = NULL;
    assert_int_equal(build(f, &claim, 1, NULL, 0, &plan), -REASON_IN_USE);
}

static void an_instance_that_no_one_claims_stays(void **state)
{
    struct fixture *f = *state;
    struct fake_gpu *gpu = &f->fake.gpus[1];
    gpu->mig = true;
    gpu->vfs_enabled = gpu->vfs_total;
    gpu->gis[0] = (struct fake_gi){.used = true,
                                   .id = 9,
                                   .profile_id = 9,
                                   .start = 0,
                                   .size = 4,
                                   .n_ci = 1,
                                   .profile = "3g.20gb"};
    struct claim four = make("a4", "", "A100-4-20C");
    CLEANUP(plan_freep) struct plan *none = NULL;
    assert_int_equal(build(f, &four, 1, NULL, 0, &none), -REASON_NO_CAPACITY);
    struct claim three = make("a3", "", "A100-3-20C");
    assert_int_equal(build(f, &three, 1, NULL, 0, &none), -REASON_NO_CAPACITY);
    struct claim two = make("a2", "", "A100-2-10C");
    CLEANUP(plan_freep) struct plan *one = must(f, &two, 1, NULL, 0);
    assert_int_equal(count(one, STEP_GI_DESTROY), 0);
    assert_int_equal(f->claims.items[0].assigned.start, 4);
}

static void a_bare_instance_bars_virtual_functions(void **state)
{
    struct fixture *f = *state;
    struct claim bare = make("bare", "", "");
    STR_SET(bare.spec.profile, "2g.10gb");
    CLEANUP(plan_freep) struct plan *one = must(f, &bare, 1, NULL, 0);
    assert_int_equal(count(one, STEP_CI_CREATE), 1);
    assert_int_equal(count(one, STEP_SRIOV_ENABLE), 0);
    struct claim vgpu = make("vgpu", "", "A100-1-5C");
    CLEANUP(plan_freep) struct plan *two = NULL;
    assert_int_equal(build(f, &vgpu, 1, NULL, 0, &two), -REASON_CONFLICT);
    const char *const old[] = {"bare"};
    CLEANUP(plan_freep) struct plan *three = must(f, NULL, 0, old, 1);
    assert_int_equal(count(three, STEP_CI_DESTROY), 1);
    assert_int_equal(count(three, STEP_GI_DESTROY), 1);
    assert_int_equal(fake_host_count_gis(&f->fake), 0);
}

static void a_bare_instance_gives_way_in_one_plan(void **state)
{
    struct fixture *f = *state;
    struct claim bare = make("bare", "", "");
    STR_SET(bare.spec.profile, "2g.10gb");
    CLEANUP(plan_freep) struct plan *one = must(f, &bare, 1, NULL, 0);
    const char *const old[] = {"bare"};
    struct claim slices = make("slices", "", "A100-10C");
    CLEANUP(plan_freep) struct plan *two = must(f, &slices, 1, old, 1);
    assert_int_equal(count(two, STEP_CI_DESTROY), 1);
    assert_int_equal(count(two, STEP_GI_DESTROY), 1);
    assert_int_equal(count(two, STEP_MIG_DISABLE), 1);
    assert_int_equal(count_what(two, "destroyed"), 1);
}

static void rules_are_named(void **state)
{
    struct fixture *f = *state;
    add_gpu(f, 0xc1, 0x2330, 0x16c1, 8);
    struct claim windows = make("win", "vm1", "H100XM-1-10C");
    windows.spec.guest = GUEST_WINDOWS;
    CLEANUP(plan_freep) struct plan *plan = NULL;
    assert_int_equal(build(f, &windows, 1, NULL, 0, &plan), -REASON_RULE);
    assert_string_equal(f->err.rule, "mig-vgpu-not-for-windows-on-h100");
    assert_true(f->err.hint[0] != '\0');

    struct claim plain = make("plain", "vm1", "DC-1-24C");
    STR_SET(plain.spec.profile, "1g.24gb");
    assert_int_equal(build(f, &plain, 1, NULL, 0, &plan), -REASON_RULE);
    assert_string_equal(f->err.rule, "vgpu-needs-gfx-instance");

    struct claim moves = make("moves", "vm1", "");
    moves.spec.mode = CLAIM_PASSTHROUGH;
    moves.spec.migratable = true;
    assert_int_equal(build(f, &moves, 1, NULL, 0, &plan), -REASON_RULE);
    assert_string_equal(f->err.rule, "passthrough-does-not-migrate");

    f->fake.gpus[0].mig_timeslicing = false;
    struct claim shared = make("shared", "vm1", "DC-1-8C");
    assert_int_equal(build(f, &shared, 1, NULL, 0, &plan), -REASON_RULE);
    assert_true(str_starts(f->err.rule, "mig-time-slicing-needs-"));
}

static void unknown_names_are_answered_with_the_nearest(void **state)
{
    struct fixture *f = *state;
    CLEANUP(plan_freep) struct plan *plan = NULL;
    struct claim type = make("t", "", "L40S-8X");
    STR_SET(type.spec.gpu, L40S);
    assert_int_equal(build(f, &type, 1, NULL, 0, &plan), -REASON_NOT_FOUND);
    assert_non_null(strstr(f->err.message, "L40S-8"));
    struct claim vm = make("v", "vm99", "L40S-8Q");
    assert_int_equal(build(f, &vm, 1, NULL, 0, &plan), -REASON_NOT_FOUND);
    struct claim gpu = make("g", "", "L40S-8Q");
    STR_SET(gpu.spec.gpu, "0000:ff:00.0");
    assert_int_equal(build(f, &gpu, 1, NULL, 0, &plan), -REASON_NOT_FOUND);
    assert_non_null(strstr(f->err.message, "0000:ff:00.0"));
}

static void modes_change_over_idle_only(void **state)
{
    (void)state;
    for (enum gpu_mode a = GPU_IDLE; a < GPU_MODE_COUNT; a++) {
        for (enum gpu_mode b = GPU_IDLE; b < GPU_MODE_COUNT; b++) {
            assert_int_equal(mode_edge(a, b), (a == GPU_IDLE) != (b == GPU_IDLE));
        }
    }
}

static void a_mode_by_hand_is_guarded_by_claims(void **state)
{
    struct fixture *f = *state;
    struct claim mig = make("mig", "", "A100-1-5C");
    CLEANUP(plan_freep) struct plan *one = must(f, &mig, 1, NULL, 0);
    struct planner planner = planner_now(f);
    CLEANUP(plan_freep) struct plan *two = NULL;
    assert_int_equal(planner_mode(&planner, A100, GPU_IDLE, &two, &f->err), -REASON_CONFLICT);
    assert_non_null(strstr(f->err.message, "\"mig\""));
    assert_int_equal(planner_mode(&planner, L40S, GPU_MIG, &two, &f->err), -REASON_UNSUPPORTED);
    assert_int_equal(planner_mode(&planner, RTX, GPU_MIG, &two, &f->err), 0);
    assert_int_equal(two->steps.n, 2);
}

static struct boards *boards_without_vgpus(struct fixture *f)
{
    struct strlist warnings = {0};
    struct boards *boards = boards_new(f->catalog);
    STR_SET(f->host->driver_version, "580.105.08");
    for (vec_each(&f->host->gpus, gpu)) {
        gpu->board.vgpu_host = BOARD_VGPU_NO;
    }
    boards_update(boards, f->host, &warnings);
    strlist_done(&warnings);
    return boards;
}

static void without_a_vgpu_manager_mig_mode_comes_without_virtual_functions(void **state)
{
    struct fixture *f = *state;
    struct planner planner = planner_now(f);
    CLEANUP(boards_freep) struct boards *boards = boards_without_vgpus(f);
    planner.boards = boards;
    CLEANUP(plan_freep) struct plan *plan = NULL;
    assert_int_equal(planner_mode(&planner, A100, GPU_MIG, &plan, &f->err), 0);
    assert_int_equal(plan->steps.n, 1);
    assert_int_equal(plan->steps.items[0].kind, STEP_MIG_ENABLE);
    CLEANUP(plan_freep) struct plan *none = NULL;
    assert_int_equal(planner_mode(&planner, L40S, GPU_TIME_SLICED, &none, &f->err),
                     -REASON_UNAVAILABLE);
    assert_non_null(strstr(f->err.message, "has no vGPU manager"));
}

static void mig_mode_that_needs_a_reset_is_refused_where_there_is_none(void **state)
{
    struct fixture *f = *state;
    struct fake_gpu *a100 = &f->fake.gpus[1];
    a100->no_reset = true;
    f->fake.gpus[0].no_reset = true; /* not of Ampere: it needs none */
    struct planner planner = planner_now(f);
    CLEANUP(plan_freep) struct plan *plan = NULL;
    assert_int_equal(planner_mode(&planner, A100, GPU_MIG, &plan, &f->err), -REASON_UNSUPPORTED);
    assert_non_null(strstr(f->err.message, "which the platform does not offer"));
    assert_non_null(strstr(f->err.hint, "`nvidia-smi -i " A100 " -mig 1`"));
    assert_int_equal(planner_mode(&planner, RTX, GPU_MIG, &plan, &f->err), 0);
    struct claim vgpu = make("vgpu", "", "A100-1-5C");
    assert_int_equal(build(f, &vgpu, 1, NULL, 0, &plan), -REASON_UNSUPPORTED);
    assert_non_null(strstr(f->err.message, "which the platform does not offer"));

    a100->mig = true; /* it needs none now, but to turn it off */
    CLEANUP(plan_freep) struct plan *there = must(f, &vgpu, 1, NULL, 0);
    assert_int_not_equal(there->steps.items[0].kind, STEP_MIG_ENABLE);
}

static struct gpu_record *remember(struct fixture *f, const char *bdf)
{
    struct gpu_record *record = vec_push(&f->records);
    assert_true(pci_addr_parse(bdf, &record->addr));
    return record;
}

static void a_cordoned_gpu_gets_no_new_claim_and_keeps_what_it_has(void **state)
{
    struct fixture *f = *state;
    struct claim first = make("first", "", "L40S-8Q");
    CLEANUP(plan_freep) struct plan *one = must(f, &first, 1, NULL, 0);
    struct gpu_record *record = remember(f, L40S);
    record->cordon = (struct cordon){.set = true, .by = "root", .why = "fan noise"};
    struct claim second = make("second", "", "L40S-8Q");
    struct plan *two = NULL;
    assert_int_equal(build(f, &second, 1, NULL, 0, &two), -REASON_NO_CAPACITY);
    assert_non_null(strstr(f->err.message, "root cordoned it: fan noise"));
    assert_non_null(strstr(f->err.hint, "cleave gpu uncordon " L40S));
    const char *remove[] = {"first"};
    CLEANUP(plan_freep) struct plan *three = must(f, NULL, 0, remove, 1);
    record->cordon.set = false;
    CLEANUP(plan_freep) struct plan *four = must(f, &second, 1, NULL, 0);
    assert_true(four->steps.n > 0);
}

static void a_quarantined_gpu_gets_nothing_new_and_says_what_to_do(void **state)
{
    struct fixture *f = *state;
    struct gpu_record *record = remember(f, L40S);
    record->quarantine = (struct quarantine){.set = true, .kind = "xid", .why = "Xid 95"};
    struct claim claim = make("a", "", "L40S-8Q");
    struct plan *plan = NULL;
    assert_int_equal(build(f, &claim, 1, NULL, 0, &plan), -REASON_NO_CAPACITY);
    assert_non_null(strstr(f->err.message, "is quarantined: Xid 95"));
    assert_non_null(strstr(f->err.hint, "cleave gpu recover " L40S));
    struct planner planner = {.catalog = f->catalog,
                              .rules = f->rules,
                              .host = f->host,
                              .claims = &f->claims,
                              .records = &f->records};
    assert_int_equal(planner_mode(&planner, L40S, GPU_TIME_SLICED, &plan, &f->err),
                     -REASON_NO_CAPACITY);
}

static void a_stuck_function_is_passed_over(void **state)
{
    struct fixture *f = *state;
    struct gpu_record *record = remember(f, L40S);
    struct stuck_vf stuck = {.why = "EIO"};
    assert_true(pci_addr_parse("0000:81:00.4", &stuck.addr));
    assert_true(gpu_record_add_stuck(record, &stuck));
    struct claim claim = make("a", "", "L40S-8Q");
    CLEANUP(plan_freep) struct plan *plan = must(f, &claim, 1, NULL, 0);
    char bdf[BDF_SIZE];
    assert_string_equal(pci_addr_format(&plan->claims.items[0].claim.assigned.device, bdf),
                        "0000:81:00.5");
}

static void a_mode_by_hand_names_every_claim_in_the_way(void **state)
{
    struct fixture *f = *state;
    struct claim claims[] = {make("a", "", "L40S-8Q"), make("b", "", "L40S-8Q"),
                             make("c", "", "L40S-8Q")};
    CLEANUP(plan_freep) struct plan *made = must(f, claims, 3, NULL, 0);
    struct planner planner = planner_now(f);
    struct plan *plan = NULL;
    assert_int_equal(planner_mode(&planner, L40S, GPU_PASSTHROUGH, &plan, &f->err),
                     -REASON_CONFLICT);
    assert_non_null(strstr(f->err.message, "by claims \"a\", \"b\", \"c\""));
    assert_non_null(strstr(f->err.hint, "`cleave claim delete a b c`"));
}

/* Nothing is done on hardware that is away, and the plan says so; of the VM, too. */
static void a_claim_of_a_gpu_that_is_away_goes_and_the_plan_says_what_stays(void **state)
{
    struct fixture *f = *state;
    struct claim claims[] = {make("a", "vm1", "L40S-8Q"), make("b", "", "L40S-8Q")};
    CLEANUP(plan_freep) struct plan *made = must(f, claims, 2, NULL, 0);
    struct planner planner = planner_now(f);
    f->host->gpus.n--; /* the L40S is the last */
    STR_SET(f->host->libvirt_problem, "it does not answer");
    const char *remove[] = {"a", "b"};
    struct plan_request request = {.remove = remove, .n_remove = 2, .author = "test"};
    CLEANUP(plan_freep) struct plan *plan = NULL;
    assert_int_equal(planner_build(&planner, &request, &plan, &f->err), 0);
    assert_int_equal(plan->steps.n, 0);
    assert_int_equal(plan->left.n, 2);
    assert_non_null(strstr(plan->left.items[0].text, L40S " is not on the PCI bus"));
    assert_non_null(strstr(plan->left.items[0].text, "libvirt does not answer, so VM \"vm1\""));
    assert_null(strstr(plan->left.items[1].text, "libvirt"));
    f->host->gpus.n++;
}

static void a_reset_that_failed_is_not_offered_as_the_way_out(void **state)
{
    struct fixture *f = *state;
    struct gpu_record *record = remember(f, L40S);
    record->quarantine = (struct quarantine){.set = true, .kind = "reset-failed", .why = "EIO"};
    struct claim claim = make("a", "", "L40S-8Q");
    struct plan *plan = NULL;
    assert_int_equal(build(f, &claim, 1, NULL, 0, &plan), -REASON_NO_CAPACITY);
    assert_true(str_starts(f->err.hint, "its reset failed, so reboot the host"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(twelve_claims_share_four_instances, setup, teardown),
        cmocka_unit_test_setup_teardown(layouts_keep_what_can_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(a_third_3g_does_not_fit, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cordoned_gpu_gets_no_new_claim_and_keeps_what_it_has,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_quarantined_gpu_gets_nothing_new_and_says_what_to_do,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_mode_by_hand_names_every_claim_in_the_way, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            a_claim_of_a_gpu_that_is_away_goes_and_the_plan_says_what_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reset_that_failed_is_not_offered_as_the_way_out, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_stuck_function_is_passed_over, setup, teardown),
        cmocka_unit_test_setup_teardown(a_kept_claim_keeps_its_instance, setup, teardown),
        cmocka_unit_test_setup_teardown(a_time_sliced_claim_on_a_mig_gpu_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_empty_mig_gpu_turns_time_sliced_on_its_own, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_gpu_without_a_driver_is_bound_before_it_is_shared, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_number_selects_a_gpu_that_is_passed_through, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_whole_gpu_goes_to_a_vm_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_left_over_in_a_vm_and_a_claim_s_is_taken_out_once,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            claims_that_go_on_to_another_gpu_leave_the_first_ones_steps_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(mixed_sizes_get_placement_ids, setup, teardown),
        cmocka_unit_test_setup_teardown(equal_sizes_refuse_another_size, setup, teardown),
        cmocka_unit_test_setup_teardown(the_fullest_gpu_is_used_first, setup, teardown),
        cmocka_unit_test_setup_teardown(a_running_vm_is_not_attached_to, setup, teardown),
        cmocka_unit_test_setup_teardown(an_instance_that_no_one_claims_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bare_instance_bars_virtual_functions, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bare_instance_gives_way_in_one_plan, setup, teardown),
        cmocka_unit_test_setup_teardown(rules_are_named, setup, teardown),
        cmocka_unit_test_setup_teardown(unknown_names_are_answered_with_the_nearest, setup,
                                        teardown),
        cmocka_unit_test(modes_change_over_idle_only),
        cmocka_unit_test_setup_teardown(a_mode_by_hand_is_guarded_by_claims, setup, teardown),
        cmocka_unit_test_setup_teardown(
            without_a_vgpu_manager_mig_mode_comes_without_virtual_functions, setup, teardown),
        cmocka_unit_test_setup_teardown(mig_mode_that_needs_a_reset_is_refused_where_there_is_none,
                                        setup, teardown),
    };
    return cmocka_run_group_tests_name("planner", tests, NULL, NULL);
}
