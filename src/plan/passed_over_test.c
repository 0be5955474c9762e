/* SPDX-License-Identifier: Apache-2.0 */
/* What a refusal says of each GPU that was passed over. */
#include "plan/planner_fixture.h"

/* Two L40S, 81 and a1; the claim wants a whole one of a type. */
struct scene {
    struct fixture *f;
    struct planner planner;
};

static void look(struct scene *scene)
{
    struct fixture *f = scene->f;
    f->err = (struct error){0};
    scene->planner = planner_now(f);
}

static struct pci_addr addr_of(const char *text)
{
    struct pci_addr addr;
    assert_true(pci_addr_parse(text, &addr));
    return addr;
}

static struct gpu *gpu_at(struct scene *scene, const char *bdf)
{
    struct pci_addr addr = addr_of(bdf);
    for (vec_each(&scene->f->host->gpus, gpu)) {
        if (pci_addr_cmp(&gpu->addr, &addr) == 0) {
            return gpu;
        }
    }
    fail_msg("no GPU %s", bdf);
    return NULL;
}

static struct gpu_record *record_at(struct scene *scene, const char *bdf)
{
    struct gpu_record *record = vec_push(&scene->f->records);
    record->addr = addr_of(bdf);
    return record;
}

/* Places a claim on a GPU before the look that counts. */
static void place(struct scene *scene, const char *bdf, const char *name, const char *vm,
                  const char *type, enum claim_mode mode)
{
    struct claim claim = make(name, vm, type);
    claim.spec.mode = mode;
    STR_SET(claim.spec.gpu, bdf);
    plan_free(must(scene->f, &claim, 1, NULL, 0));
}

static bool l40s_is_held(const struct pci_addr *gpu, const void *data)
{
    (void)data;
    struct pci_addr held = addr_of(L40S_2);
    return pci_addr_cmp(gpu, &held) == 0;
}

static void cordoned(struct scene *scene)
{
    look(scene);
    struct cordon *cordon = &record_at(scene, L40S_2)->cordon;
    cordon->set = true;
    STR_SET(cordon->by, "root");
}

static void quarantined(struct scene *scene)
{
    look(scene);
    record_at(scene, L40S_2)->quarantine.set = true;
}

static void late(struct scene *scene)
{
    look(scene);
    STR_SET(gpu_at(scene, L40S_2)->problem, "NVML has not answered since 12:00:00");
}

static void held(struct scene *scene)
{
    look(scene);
    scene->planner.is_held = l40s_is_held;
}

static void full(struct scene *scene)
{
    place(scene, L40S_2, "a", "vm1", "L40S-24Q", CLAIM_MODE_AUTO);
    place(scene, L40S_2, "b", "", "L40S-24Q", CLAIM_MODE_AUTO);
    look(scene);
}

static void full_of_one(struct scene *scene)
{
    place(scene, L40S_2, "a", "vm1", "L40S-48Q", CLAIM_MODE_AUTO);
    look(scene);
}

static void whole(struct scene *scene)
{
    place(scene, L40S_2, "p", "vm1", "", CLAIM_PASSTHROUGH);
    look(scene);
}

static void carries(struct scene *scene)
{
    place(scene, L40S_2, "a", "", "L40S-24Q", CLAIM_MODE_AUTO);
    place(scene, L40S_2, "b", "", "L40S-24Q", CLAIM_MODE_AUTO);
    forget(scene->f, "a");
    forget(scene->f, "b");
    look(scene);
}

static void carries_a_vm_s(struct scene *scene)
{
    carries(scene);
    STR_SET(gpu_at(scene, L40S_2)->vgpus.items[0].holder, "web1");
}

static void without_manager(struct scene *scene)
{
    look(scene);
    struct gpu *gpu = gpu_at(scene, L40S_2);
    gpu->vfs_total = 0;
    gpu->vfs.n = 0;
}

static void runs_with_a_vm(struct scene *scene)
{
    look(scene);
    struct gpu *gpu = gpu_at(scene, L40S_2);
    gpu->mode = GPU_PASSTHROUGH;
    STR_SET(gpu->holder, "web1");
}

static const struct {
    void (*arrange)(struct scene *scene);
    const char *says; /* of a1:00.0 */
} rows[] = {
    {cordoned, "0000:a1:00.0 is cordoned"},
    {quarantined, "0000:a1:00.0 is quarantined"},
    {late, "0000:a1:00.0 can't be used: NVML has not answered since 12:00:00"},
    {held, "0000:a1:00.0 is being changed by a plan that waits"},
    {full, "; on it: claims a, b; passed over: 0000:81:00.0 has no room (claim big1)"},
    {full_of_one, "; on 0000:81:00.0: claim big1; passed over: 0000:a1:00.0 has no room (claim a)"},
    {whole, "0000:a1:00.0 is used as passthrough (claim p)"},
    {carries, "0000:a1:00.0 has no room (vGPU L40S-24Q and 1 more, which no claim owns)"},
    {carries_a_vm_s,
     "0000:a1:00.0 has no room (vGPU L40S-24Q of VM \"web1\" and 1 more, which no claim owns)"},
    {without_manager, "0000:a1:00.0 has no virtual functions and offers no vGPU types"},
    {runs_with_a_vm, "VM \"web1\" runs with it"},
};

static int refuse(struct scene *scene, struct claim *claim, struct error *ret_err)
{
    const struct claim *list[] = {claim};
    CLEANUP(plan_freep) struct plan *plan = NULL;
    struct plan_request request = {.add = list, .n_add = 1, .author = "test", .new_uuid = id_uuid};
    int result = planner_admit(&scene->planner, claim, ret_err);
    return result != 0 ? result : planner_build(&scene->planner, &request, &plan, ret_err);
}

static void expect(const struct error *err, const char *text, size_t row)
{
    if (strstr(err->message, text) == NULL) {
        fail_msg("row %zu: \"%s\" is not in: %s", row, text, err->message);
    }
}

/* 81 is full, and a1 is passed over for each reason in turn. */
static void every_reason_to_pass_a_gpu_over_is_reported(void **state)
{
    (void)state;
    for (size_t row = 0; row < ARRAY_SIZE(rows); row++) {
        void *own = NULL;
        assert_int_equal(setup(&own), 0);
        struct scene scene = {.f = own};
        add_gpu(scene.f, 0xa1, 0x26b9, NO_ID, 0);
        place(&scene, L40S, "big1", "", "L40S-48Q", CLAIM_MODE_AUTO);
        rows[row].arrange(&scene);
        struct claim claim = make("big2", "", "L40S-48Q");
        struct error err = {0};
        assert_int_not_equal(refuse(&scene, &claim, &err), 0);
        expect(&err, rows[row].says, row);
        expect(&err, "claim \"big2\" can't be served: ", row);
        expect(&err, "big1", row);
        expect(&err, "0000:41:00.0 is ", row);
        expect(&err, ", which has no L40S-48Q", row);
        teardown(&own);
    }
}

/* ---- whole GPUs ---- */

static void host_shares_group(struct scene *scene)
{
    look(scene);
    struct gpu *gpu = gpu_at(scene, L40S_2);
    gpu->iommu_group = 7;
    struct group_member *member = vec_push(&gpu->group_members);
    member->addr = addr_of("0000:a2:00.0");
    STR_SET(member->driver, "e1000e");
}

static void without_group(struct scene *scene)
{
    look(scene);
    gpu_at(scene, L40S_2)->iommu_group = NO_ID;
}

static void named_by_a_vm(struct scene *scene)
{
    struct fake_vm *vm = fake_host_vm(&scene->f->fake, "vm3");
    vm->devices[vm->n_devices++] = addr_of(L40S_2);
    look(scene);
}

static void shared_out(struct scene *scene)
{
    place(scene, L40S_2, "a", "", "L40S-8Q", CLAIM_MODE_AUTO);
    place(scene, L40S_2, "b", "", "L40S-8Q", CLAIM_MODE_AUTO);
    look(scene);
}

static const struct {
    void (*arrange)(struct scene *scene);
    const char *says;
} whole_rows[] = {
    {host_shares_group, "its IOMMU group 7 also has 0000:a2:00.0"},
    {without_group, "is in no IOMMU group"},
    {named_by_a_vm, "is in the definition of VM \"vm3\""},
    {shared_out, "0000:a1:00.0 is used as time-sliced (claims a, b)"},
    {whole, "0000:a1:00.0 has no room (claim p)"},
};

static void every_reason_to_pass_a_whole_gpu_over_is_reported(void **state)
{
    (void)state;
    for (size_t row = 0; row < ARRAY_SIZE(whole_rows); row++) {
        void *own = NULL;
        assert_int_equal(setup(&own), 0);
        struct scene scene = {.f = own};
        add_gpu(scene.f, 0xa1, 0x26b9, NO_ID, 0);
        place(&scene, L40S, "big1", "", "", CLAIM_PASSTHROUGH);
        whole_rows[row].arrange(&scene);
        struct claim claim = make("big2", "vm2", "");
        claim.spec.mode = CLAIM_PASSTHROUGH;
        STR_SET(claim.spec.gpu, "l40s"); /* by model: the others are not asked, and not named */
        struct error err = {0};
        assert_int_not_equal(refuse(&scene, &claim, &err), 0);
        expect(&err, whole_rows[row].says, row);
        expect(&err, "big1", row);
        assert_null(strstr(err.message, "0000:41:00.0"));
        teardown(&own);
    }
}

/* ---- the rest ---- */

static void a_claim_s_own_fault_names_no_gpus(void **state)
{
    struct scene scene = {.f = *state};
    add_gpu(scene.f, 0xa1, 0x26b9, NO_ID, 0);
    look(&scene);
    struct claim claim = make("c", "", "L40S-8Q");
    STR_SET(claim.spec.profile, "1g.5gb");
    STR_SET(claim.spec.gpu, "l40s");
    struct error err = {0};
    assert_int_equal(refuse(&scene, &claim, &err), -REASON_INVALID);
    assert_string_equal(err.message, "a time-sliced claim takes no profile");
}

static void a_gpu_out_of_order_is_reported_before_a_plan_is_made(void **state)
{
    struct scene scene = {.f = *state};
    add_gpu(scene.f, 0xa1, 0x26b9, NO_ID, 0);
    look(&scene);
    STR_SET(gpu_at(&scene, L40S)->problem, "it fell off the bus");
    STR_SET(gpu_at(&scene, L40S_2)->problem, "NVML has not answered since 12:00:00");
    struct claim claim = make("c", "", "L40S-8Q");
    struct error err = {0};
    assert_int_equal(refuse(&scene, &claim, &err), -REASON_DRIVER);
    expect(&err, "0000:81:00.0 can't be used: it fell off the bus", 0);
    expect(&err, "0000:a1:00.0 can't be used: NVML has not answered", 0);
}

static void a_claim_s_own_fault_comes_before_a_quarantined_gpu(void **state)
{
    struct scene scene = {.f = *state};
    add_gpu(scene.f, 0xa1, 0x26b9, NO_ID, 0);
    look(&scene);
    STR_SET(gpu_at(&scene, L40S)->problem, "it fell off the bus");
    record_at(&scene, L40S)->quarantine.set = true;
    struct claim claim = make("c", "", "L40S-8Q");
    STR_SET(claim.spec.profile, "1g.5gb");
    STR_SET(claim.spec.gpu, "l40s");
    struct error err = {0};
    assert_int_equal(refuse(&scene, &claim, &err), -REASON_INVALID);
    expect(&err, "a time-sliced claim takes no profile", 0);
}

/* Instances on the only GPU are named with their places: they are why something fits nowhere. */
static void instances_that_stay_are_named_with_their_places(void **state)
{
    struct scene scene = {.f = *state};
    struct claim claims[] = {make("a", "", ""), make("b", "", ""), make("c", "", "")};
    const char *const profiles[] = {"4g.20gb", "2g.10gb", "1g.5gb"};
    for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
        STR_SET(claims[i].spec.profile, profiles[i]);
        STR_SET(claims[i].spec.gpu, A100);
    }
    plan_free(must(scene.f, claims, 3, NULL, 0));
    look(&scene);
    struct claim d = make("d", "", "");
    STR_SET(d.spec.profile, "3g.20gb");
    STR_SET(d.spec.gpu, A100);
    struct claim e = d;
    STR_SET(e.name, "e");
    STR_SET(e.spec.profile, "1g.5gb");
    const struct claim *list[] = {&d, &e};
    const char *const remove[] = {"a"};
    struct plan_request request = {.add = list,
                                   .n_add = 2,
                                   .remove = remove,
                                   .n_remove = 1,
                                   .author = "test",
                                   .new_uuid = id_uuid};
    struct error err = {0};
    CLEANUP(plan_freep) struct plan *plan = NULL;
    assert_int_equal(planner_build(&scene.planner, &request, &plan, &err), -REASON_NO_CAPACITY);
    expect(&err, "; on it: claims b@4, c@6, d (new)", 0);
    assert_null(strstr(err.message, "passed over"));
}

/* A GPU with memory left, but vGPUs of another size or size mode, does not lack room. */
static void a_size_mode_in_the_way_is_called_so(void **state)
{
    static const struct {
        const char *there; /* on a1 */
        bool there_mixed;
        const char *type;
        bool mixed;
        const char *says;
    } sizes[] = {
        {"L40S-16Q", false, "L40S-8Q", false,
         "0000:a1:00.0 is in equal-size mode, with vGPUs of another size (claim a)"},
        {"L40S-16Q", false, "L40S-8Q", true, "0000:a1:00.0 is in equal-size mode (claim a)"},
        {"L40S-16Q", true, "L40S-8Q", false, "0000:a1:00.0 is in mixed-size mode (claim a)"},
        {"L40S-24Q", false, "L40S-48Q", false, "0000:a1:00.0 has no room (claim a)"},
    };
    (void)state;
    for (size_t row = 0; row < ARRAY_SIZE(sizes); row++) {
        void *own = NULL;
        assert_int_equal(setup(&own), 0);
        struct scene scene = {.f = own};
        add_gpu(scene.f, 0xa1, 0x26b9, NO_ID, 0);
        for (unsigned i = 0; i < 4; i++) { /* 81 is fuller: it is asked first, and says why */
            char name[8];
            snprintf(name, sizeof(name), "big%u", i);
            place(&scene, L40S, name, "", "L40S-12Q", CLAIM_MODE_AUTO);
        }
        struct claim there = make("a", "", sizes[row].there);
        there.spec.mixed = sizes[row].there_mixed;
        STR_SET(there.spec.gpu, L40S_2);
        plan_free(must(scene.f, &there, 1, NULL, 0));
        look(&scene);
        struct claim claim = make("c", "", sizes[row].type);
        claim.spec.mixed = sizes[row].mixed;
        struct error err = {0};
        assert_int_equal(refuse(&scene, &claim, &err), -REASON_NO_CAPACITY);
        expect(&err, sizes[row].says, row);
        teardown(&own);
    }
}

/* The nearest is that of all GPUs, not of the one whose refusal is reported. */
static void the_nearest_that_fits_is_looked_for_on_every_gpu(void **state)
{
    struct scene scene = {.f = *state};
    add_gpu(scene.f, 0xa1, 0x26b9, NO_ID, 0);
    place(&scene, L40S, "a", "", "L40S-24Q", CLAIM_MODE_AUTO);
    place(&scene, L40S, "b", "", "L40S-24Q", CLAIM_MODE_AUTO);
    place(&scene, L40S_2, "c", "", "L40S-16Q", CLAIM_MODE_AUTO);
    look(&scene);
    struct claim claim = make("d", "", "L40S-24Q");
    struct error err = {0};
    assert_int_equal(refuse(&scene, &claim, &err), -REASON_NO_CAPACITY);
    assert_string_equal(err.hint, "nearest that fits: L40S-16Q on GPU " L40S_2);
    place(&scene, L40S_2, "e", "", "L40S-16Q", CLAIM_MODE_AUTO);
    place(&scene, L40S_2, "f", "", "L40S-16Q", CLAIM_MODE_AUTO);
    look(&scene);
    assert_int_equal(refuse(&scene, &claim, &err), -REASON_NO_CAPACITY);
    assert_non_null(strstr(err.hint, "nothing smaller fits either"));
}

static struct claim on_instance(const char *name, const char *what, const char *gpu)
{
    bool profile = strstr(what, "g.") != NULL;
    struct claim claim = make(name, "", profile ? "" : what);
    STR_SET(claim.spec.profile, profile ? what : "");
    STR_SET(claim.spec.gpu, gpu);
    return claim;
}

/* The extra media engines are given up before the size, and a type brings its own profile. */
static void the_nearest_may_be_of_another_profile(void **state)
{
    static const struct {
        const char *gpu, *there, *wanted, *nearest;
    } losses[] = {
        {A100, "1g.5gb+me", "1g.5gb+me", "1g.5gb@4"},
        {A100, "A100-1-5CME", "A100-1-5CME", "A100-1-5C"},
        {A100, "A100-1-5C", "A100-7-40C", "A100-3-20C"},
        {RTX, "1g.24gb+me.all", "1g.24gb", "1g.24gb-me@3"},
        {RTX, "1g.24gb+me.all", "2g.48gb", "2g.48gb-me@6"},
        {RTX, "1g.24gb+me.all", "1g.24gb+me.all", "1g.24gb-me@3"},
    };
    (void)state;
    for (size_t row = 0; row < ARRAY_SIZE(losses); row++) {
        void *own = NULL;
        assert_int_equal(setup(&own), 0);
        struct scene scene = {.f = own};
        struct claim there = on_instance("there", losses[row].there, losses[row].gpu);
        plan_free(must(scene.f, &there, 1, NULL, 0));
        look(&scene);
        struct claim claim = on_instance("c", losses[row].wanted, losses[row].gpu);
        char hint[96];
        snprintf(hint, sizeof(hint), "nearest that fits: %s on GPU %s", losses[row].nearest,
                 losses[row].gpu);
        struct error err = {0};
        assert_int_equal(refuse(&scene, &claim, &err), -REASON_NO_CAPACITY);
        if (!str_eq(err.hint, hint)) {
            fail_msg("row %zu: %s; %s", row, err.message, err.hint);
        }
        teardown(&own);
    }
}

/* With many GPUs of long names a message stays one that can be read, and ends whole. */
static void many_gpus_are_counted(void **state)
{
    struct scene scene = {.f = *state};
    char long_name[NAME_SIZE];
    memset(long_name, 'n', sizeof(long_name));
    long_name[sizeof(long_name) - 1] = '\0';
    for (unsigned i = 0; i < 7; i++) {
        long_name[0] = (char)('a' + i);
        place(&scene, L40S, long_name, "", "L40S-6Q", CLAIM_MODE_AUTO);
    }
    look(&scene);
    const struct gpu pattern = *gpu_at(&scene, L40S);
    for (unsigned i = 0; i < 9; i++) {
        struct gpu copy = {.addr = pattern.addr,
                           .pci_id = pattern.pci_id,
                           .pci_subsystem_id = pattern.pci_subsystem_id,
                           .iommu_group = NO_ID,
                           .mode = GPU_IDLE};
        copy.addr.bus = (uint8_t)(0xd0 + i);
        STR_SET(copy.problem,
                "a problem that takes many words to say: it fell off the bus, which is "
                "what GPUs do when power or the link fails, or when firmware hangs and "
                "does not answer any more, and it has not come back since then, "
                "whatever was tried");
        *vec_push(&scene.f->host->gpus) = copy;
    }
    struct claim claim = make(long_name, "", "L40S-48Q");
    STR_SET(claim.spec.gpu, "l40s");
    struct error err = {0};
    assert_int_equal(refuse(&scene, &claim, &err), -REASON_NO_CAPACITY);
    expect(&err, "; passed over: 0000:d0:00.0 can't be used: a problem", 0);
    expect(&err, " and 3 more", 0); /* of seven claims */
    const char *end = strstr(err.message, "; and ");
    assert_non_null(end);
    unsigned n = 0;
    assert_int_equal(sscanf(end, "; and %u more", &n), 1);
    assert_true(n >= 5 && n < 9);
    assert_true(str_ends(err.message, " more"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason_to_pass_a_gpu_over_is_reported),
        cmocka_unit_test(every_reason_to_pass_a_whole_gpu_over_is_reported),
        cmocka_unit_test_setup_teardown(a_claim_s_own_fault_names_no_gpus, setup, teardown),
        cmocka_unit_test_setup_teardown(a_gpu_out_of_order_is_reported_before_a_plan_is_made, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_claim_s_own_fault_comes_before_a_quarantined_gpu, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(instances_that_stay_are_named_with_their_places, setup,
                                        teardown),
        cmocka_unit_test(a_size_mode_in_the_way_is_called_so),
        cmocka_unit_test(the_nearest_may_be_of_another_profile),
        cmocka_unit_test_setup_teardown(the_nearest_that_fits_is_looked_for_on_every_gpu, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(many_gpus_are_counted, setup, teardown),
    };
    return cmocka_run_group_tests_name("passed over", tests, NULL, NULL);
}
