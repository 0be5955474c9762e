/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "sim/state/fixture.h"

#define FIXTURE(iface) CLEANUP(fixture_freep) struct fixture *fix = fixture_new(iface)

static int mode(struct fixture *fix, struct sim_gpu *gpu, bool on)
{
    int activation = -1;
    assert_int_equal(sim_set_mig_mode(fix->host, gpu, on, &activation), SIM_NVML_OK);
    return activation;
}

static int create(struct fixture *fix, struct sim_gpu *gpu, const char *profile, uint32_t start)
{
    return sim_gi_create(fix->host, gpu, fixture_find_profile(gpu, profile), start, NULL);
}

static void mig_mode_of_an_idle_gpu_takes_effect_at_once(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_A100];
    assert_int_equal(mode(fix, gpu, true), SIM_NVML_OK);
    assert_true(gpu->mig_current && gpu->mig_pending);
    assert_int_equal(mode(fix, gpu, false), SIM_NVML_OK);
    assert_false(gpu->mig_current || gpu->mig_pending);
}

static void mig_mode_needs_a_mig_board(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    int activation = 0;
    assert_int_equal(sim_set_mig_mode(fix->host, fix->gpus[FIX_L40S], true, &activation),
                     SIM_NVML_NOT_SUPPORTED);
}

static void mig_mode_stays_pending_while_the_gpu_is_held(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_PRO];
    sim_set(fix->host, gpu, "holder", "dcgm");
    assert_int_equal(mode(fix, gpu, true), SIM_NVML_IN_USE);
    assert_true(!gpu->mig_current && gpu->mig_pending);
    sim_set(fix->host, gpu, "holder", "");
    assert_int_equal(sim_gpu_reset(fix->host, gpu), SIM_NVML_OK);
    assert_true(gpu->mig_current);
}

static void ampere_without_a_reset_says_reset_required(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    sim_set(fix->host, fix->gpus[FIX_A100], "no_reset", "1");
    assert_int_equal(mode(fix, fix->gpus[FIX_A100], true), SIM_NVML_RESET_REQUIRED);
    assert_false(fix->gpus[FIX_A100]->mig_current);
    sim_set(fix->host, fix->gpus[FIX_PRO], "no_reset", "1");
    assert_int_equal(mode(fix, fix->gpus[FIX_PRO], true), SIM_NVML_OK);
}

static void mig_is_not_switched_off_under_gpu_instances(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_A100];
    mode(fix, gpu, true);
    assert_int_equal(create(fix, gpu, "1g.5gb", SIM_NONE), SIM_NVML_OK);
    assert_int_equal(mode(fix, gpu, false), SIM_NVML_IN_USE);
    assert_true(gpu->mig_current && !gpu->mig_pending);
}

static void mig_is_not_switched_under_virtual_functions(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_PRO];
    fixture_mig_on(fix, gpu);
    assert_int_equal(mode(fix, gpu, false), SIM_NVML_IN_USE);
    assert_true(gpu->mig_current);
}

static void instances_need_mig_mode_and_a_real_placement(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_A100];
    assert_int_equal(create(fix, gpu, "1g.5gb", 0), SIM_NVML_NOT_SUPPORTED);
    mode(fix, gpu, true);
    assert_int_equal(create(fix, gpu, "2g.10gb", 1), SIM_NVML_INVALID_ARGUMENT);
    assert_int_equal(create(fix, gpu, "7g.40gb", 0), SIM_NVML_OK);
    assert_int_equal(create(fix, gpu, "1g.5gb", SIM_NONE), SIM_NVML_INSUFFICIENT_RESOURCES);
    const struct cat_profile *foreign = fixture_find_profile(fix->gpus[FIX_PRO], "1g.24gb");
    assert_int_equal(sim_gi_create(fix->host, gpu, foreign, SIM_NONE, NULL),
                     SIM_NVML_INVALID_ARGUMENT);
}

static void overlapping_instances_are_refused(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_A100];
    mode(fix, gpu, true);
    assert_int_equal(create(fix, gpu, "1g.5gb", 0), SIM_NVML_OK);
    assert_int_equal(create(fix, gpu, "4g.20gb", 0), SIM_NVML_INSUFFICIENT_RESOURCES);
    assert_int_equal(create(fix, gpu, "3g.20gb", 4), SIM_NVML_OK);
    assert_int_equal(create(fix, gpu, "2g.10gb", 4), SIM_NVML_INSUFFICIENT_RESOURCES);
    assert_int_equal(create(fix, gpu, "2g.10gb", 2), SIM_NVML_OK);
}

static void the_layouts_of_the_a100_page_fit_in_any_order(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    static const char *const orders[][3] = {{"1g.5gb", "2g.10gb", "4g.20gb"},
                                            {"4g.20gb", "2g.10gb", "1g.5gb"},
                                            {"2g.10gb", "1g.5gb", "4g.20gb"},
                                            {"2g.10gb", "2g.10gb", "2g.10gb"}};
    struct sim_gpu *gpu = fix->gpus[FIX_A100];
    mode(fix, gpu, true);
    for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
        for (size_t j = 0; j < 3; j++) {
            if (create(fix, gpu, orders[i][j], SIM_NONE) != SIM_NVML_OK) {
                fail_msg("order %zu: no room for %s", i, orders[i][j]);
            }
        }
        while (gpu->n_gis > 0) {
            assert_int_equal(sim_gi_destroy(fix->host, gpu, gpu->gis[0].id), SIM_NVML_OK);
        }
    }
}

static void instance_ids_are_those_of_the_mig_guide(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_A100];
    mode(fix, gpu, true);
    static const struct {
        const char *profile;
        uint32_t start, id;
    } rows[] = {{"4g.20gb", 0, 1}, {"2g.10gb", 4, 5}, {"1g.5gb", 6, 13}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct sim_gi *gi = NULL;
        assert_int_equal(sim_gi_create(fix->host, gpu, fixture_find_profile(gpu, rows[i].profile),
                                       rows[i].start, &gi),
                         SIM_NVML_OK);
        assert_int_equal(gi->id, rows[i].id);
    }
}

static void media_engines_go_round_once(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *a100 = fix->gpus[FIX_A100];
    mode(fix, a100, true);
    assert_int_equal(create(fix, a100, "1g.5gb+me", SIM_NONE), SIM_NVML_OK);
    assert_int_equal(create(fix, a100, "1g.5gb+me", SIM_NONE), SIM_NVML_INSUFFICIENT_RESOURCES);
    struct sim_gpu *pro = fix->gpus[FIX_PRO];
    mode(fix, pro, true);
    assert_int_equal(create(fix, pro, "1g.24gb+me.all", 0), SIM_NVML_OK);
    assert_int_equal(create(fix, pro, "1g.24gb", 3), SIM_NVML_INSUFFICIENT_RESOURCES);
    assert_int_equal(create(fix, pro, "1g.24gb-me", 3), SIM_NVML_OK);
}

static void remaining_capacity_counts_what_still_fits(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_A100];
    assert_int_equal(sim_gi_remaining(gpu, fixture_find_profile(gpu, "1g.5gb")), 0);
    mode(fix, gpu, true);
    assert_int_equal(sim_gi_remaining(gpu, fixture_find_profile(gpu, "1g.5gb")), 7);
    create(fix, gpu, "3g.20gb", 4);
    assert_int_equal(sim_gi_remaining(gpu, fixture_find_profile(gpu, "1g.5gb")), 4);
    assert_int_equal(sim_gi_remaining(gpu, fixture_find_profile(gpu, "2g.10gb")), 2);
    assert_int_equal(sim_gi_remaining(gpu, fixture_find_profile(gpu, "7g.40gb")), 0);
}

static void compute_instances_share_an_instance(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_A100];
    mode(fix, gpu, true);
    struct sim_gi *gi = NULL;
    sim_gi_create(fix->host, gpu, fixture_find_profile(gpu, "3g.20gb"), 0, &gi);
    assert_int_equal(sim_ci_create(fix->host, gpu, gi, 3, NULL), SIM_NVML_NOT_SUPPORTED);
    assert_int_equal(sim_ci_create(fix->host, gpu, gi, 1, NULL), SIM_NVML_OK);
    assert_int_equal(sim_ci_create(fix->host, gpu, gi, 1, NULL), SIM_NVML_INSUFFICIENT_RESOURCES);
    assert_int_equal(sim_ci_create(fix->host, gpu, gi, 0, NULL), SIM_NVML_OK);
    assert_int_equal(gi->cis[1].start, 2);
    assert_int_equal(sim_gi_destroy(fix->host, gpu, gi->id), SIM_NVML_IN_USE);
    assert_int_equal(sim_ci_destroy(fix->host, gpu, gi, 0), SIM_NVML_OK);
    assert_int_equal(sim_ci_destroy(fix->host, gpu, gi, 0), SIM_NVML_INVALID_ARGUMENT);
    assert_int_equal(sim_ci_destroy(fix->host, gpu, gi, 1), SIM_NVML_OK);
    assert_int_equal(sim_gi_destroy(fix->host, gpu, gi->id), SIM_NVML_OK);
}

static void an_instance_under_a_vgpu_stays(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_PRO];
    fixture_mig_on(fix, gpu);
    create(fix, gpu, "1g.24gb+gfx", 0);
    assert_int_equal(sim_vf_set_type(fix->host, gpu, &gpu->vfs[0], 1557), 0);
    assert_int_equal(sim_gi_destroy(fix->host, gpu, gpu->gis[0].id), SIM_NVML_IN_USE);
    assert_int_equal(sim_vf_set_type(fix->host, gpu, &gpu->vfs[0], 0), 0);
    assert_int_equal(sim_gi_destroy(fix->host, gpu, gpu->gis[0].id), SIM_NVML_OK);
}

static void a_lost_gpu_answers_nothing_else(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_PRO];
    sim_set(fix->host, gpu, "lost", "1");
    int activation = 0;
    assert_int_equal(sim_set_mig_mode(fix->host, gpu, true, &activation), SIM_NVML_GPU_IS_LOST);
    assert_int_equal(create(fix, gpu, "1g.24gb", 0), SIM_NVML_GPU_IS_LOST);
    assert_int_equal(sim_set_scheduler(fix->host, gpu, 2), SIM_NVML_GPU_IS_LOST);
    assert_int_equal(sim_gpu_reset(fix->host, gpu), SIM_NVML_GPU_IS_LOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mig_mode_of_an_idle_gpu_takes_effect_at_once),
        cmocka_unit_test(mig_mode_needs_a_mig_board),
        cmocka_unit_test(mig_mode_stays_pending_while_the_gpu_is_held),
        cmocka_unit_test(ampere_without_a_reset_says_reset_required),
        cmocka_unit_test(mig_is_not_switched_off_under_gpu_instances),
        cmocka_unit_test(mig_is_not_switched_under_virtual_functions),
        cmocka_unit_test(instances_need_mig_mode_and_a_real_placement),
        cmocka_unit_test(overlapping_instances_are_refused),
        cmocka_unit_test(the_layouts_of_the_a100_page_fit_in_any_order),
        cmocka_unit_test(instance_ids_are_those_of_the_mig_guide),
        cmocka_unit_test(media_engines_go_round_once),
        cmocka_unit_test(remaining_capacity_counts_what_still_fits),
        cmocka_unit_test(compute_instances_share_an_instance),
        cmocka_unit_test(an_instance_under_a_vgpu_stays),
        cmocka_unit_test(a_lost_gpu_answers_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
