/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <string.h>

#include "models.h"

static const struct layout_vgpu_mode equal = {.mig = false};
static const struct layout_vgpu_mode mixed = {.mixed = true};
static const struct layout_vgpu_mode mig = {.mig = true};
static const struct layout_vgpu_mode timesliced = {.mig = true, .mig_timesliced = true};

static struct layout_vgpus place(const struct gpu_model *model, const char *gis,
                                 const struct layout_vgpu_mode *mode, const char *wanted)
{
    struct layout_gis carriers = gis_of(model, gis);
    struct layout_vgpus vgpus = vgpus_of(model, wanted);
    struct error err = {.message = ""};
    if (layout_place_vgpus(model, &carriers, mode, &vgpus, &err) != 0) {
        fail_msg("%s on [%s]: %s", wanted, gis, err.message);
    }
    return vgpus;
}

static void assert_refused(const struct gpu_model *model, const char *gis,
                           const struct layout_vgpu_mode *mode, const char *wanted,
                           const char *message)
{
    struct layout_gis carriers = gis_of(model, gis);
    struct layout_vgpus vgpus = vgpus_of(model, wanted);
    struct error err = {.message = ""};
    if (layout_place_vgpus(model, &carriers, mode, &vgpus, &err) == 0) {
        fail_msg("%s on [%s] is accepted", wanted, gis);
    }
    assert_string_equal(err.message, message);
}

/* ---- the whole GPU ---- */

static void one_size_up_to_its_maximum_fits(void **state)
{
    (void)state;
    struct layout_vgpus vgpus = place(&model_l40s, "", &equal, "L40S-4Q=8 L40S-4C=4");
    assert_int_equal(vgpus.items[0].placement_id, LAYOUT_ANYWHERE);
    assert_refused(&model_l40s, "", &equal, "L40S-4Q=13",
                   "L40S takes at most 12 of \"L40S-4Q\", and 13 are wanted");
    assert_refused(&model_l40s, "", &equal, "L40S-4Q=8 L40S-4C=5",
                   "L40S takes at most 12 vGPUs of 4096 MiB, and 13 are wanted");
}

static void two_sizes_need_mixed_size_mode(void **state)
{
    (void)state;
    assert_refused(&model_l40s, "", &equal, "L40S-24Q L40S-12Q",
                   "\"L40S-24Q\" and \"L40S-12Q\" differ in framebuffer (24576 and 12288 MiB): in "
                   "equal-size mode a GPU takes one size");
    struct layout_vgpus vgpus = place(&model_l40s, "", &mixed, "L40S-12Q L40S-24Q");
    assert_int_equal(vgpus.items[1].placement_id, 0);
    assert_int_equal(vgpus.items[0].placement_id, 24);
}

static void mixed_sizes_leave_room_for_large_ones(void **state)
{
    (void)state;
    /* Two small ones share a half, so that a 24Q still fits. */
    struct layout_vgpus vgpus = place(&model_l40s, "", &mixed, "L40S-8Q L40S-4Q");
    uint32_t half = vgpus.items[0].placement_id / 24;
    assert_int_equal(vgpus.items[1].placement_id / 24, half);
}

static void a_given_placement_id_is_kept_and_checked(void **state)
{
    (void)state;
    struct layout_vgpus vgpus = place(&model_l40s, "", &mixed, "L40S-8Q@16 L40S-24Q");
    assert_int_equal(vgpus.items[0].placement_id, 16);
    assert_int_equal(vgpus.items[1].placement_id, 24);
    assert_refused(&model_l40s, "", &mixed, "L40S-8Q@8",
                   "placement id 8 is not one of \"L40S-8Q\"'s");
    assert_refused(&model_l40s, "", &mixed, "L40S-24Q@0 L40S-8Q@16",
                   "\"L40S-8Q\" at placement id 16 overlaps another vGPU");
}

static void mixed_sizes_that_do_not_fit_are_counted(void **state)
{
    (void)state;
    assert_refused(&model_l40s, "", &mixed, "L40S-24Q L40S-16Q L40S-12Q",
                   "these vGPUs overlap wherever they are put on L40S");
    assert_refused(
        &model_l40s, "", &mixed, "L40S-48Q@0 L40S-1Q",
        "L40S has 16 places for vGPUs of 1024 MiB in mixed-size mode: 0 of them are free, "
        "and 1 is wanted");
    assert_refused(&model_l40s, "", &mixed, "L40S-8Q=5",
                   "L40S takes at most 4 of \"L40S-8Q\" in mixed-size mode, and 5 are wanted");
}

static void mixed_sizes_without_a_published_table_are_only_summed(void **state)
{
    (void)state;
    struct layout_vgpus vgpus = place(&model_rtx_pro_6000, "", &mixed, "DC-48Q DC-8Q=6");
    assert_int_equal(vgpus.items[0].placement_id, LAYOUT_ANYWHERE);
    assert_refused(&model_rtx_pro_6000, "", &mixed, "DC-48Q DC-8Q=7",
                   "these vGPUs need 106496 MiB, and RTX PRO 6000 Blackwell Server Edition has "
                   "98304");
}

static void the_kind_of_a_type_must_suit_mig_mode(void **state)
{
    (void)state;
    assert_refused(&model_a100, "", &equal, "A100-1-5C",
                   "\"A100-1-5C\" lives on a GPU instance, and MIG mode is off");
    assert_refused(&model_a100, "1g.5gb@0", &mig, "A100-4C",
                   "\"A100-4C\" takes time slices of the whole GPU, and MIG mode is on");
}

/* ---- GPU instances ---- */

static void each_type_goes_to_an_instance_of_its_profile(void **state)
{
    (void)state;
    struct layout_vgpus vgpus =
        place(&model_a100, "4g.20gb@0 2g.10gb@4 1g.5gb@6", &mig, "A100-1-5C A100-2-10C A100-4-20C");
    assert_int_equal(vgpus.items[0].gi, 2);
    assert_int_equal(vgpus.items[1].gi, 1);
    assert_int_equal(vgpus.items[2].gi, 0);
    assert_refused(&model_a100, "2g.10gb@0", &mig, "A100-1-5C",
                   "\"A100-1-5C\" needs a \"1g.5gb\" GPU instance, and there is only 2g.10gb@0");
    assert_refused(&model_a100, "", &mig, "A100-1-5C",
                   "\"A100-1-5C\" needs a \"1g.5gb\" GPU instance, and there is none");
}

static void only_graphics_instances_of_an_rtx_pro_carry_vgpus(void **state)
{
    (void)state;
    assert_refused(
        &model_rtx_pro_6000, "1g.24gb@0", &timesliced, "DC-1-24C",
        "\"DC-1-24C\" needs a \"1g.24gb+gfx\" GPU instance, and there is only 1g.24gb@0");
}

static void a_second_vgpu_on_an_instance_needs_mig_time_slicing(void **state)
{
    (void)state;
    assert_refused(&model_a100, "2g.10gb@0", &mig, "A100-2-10C=2",
                   "a second vGPU on one \"2g.10gb\" (\"A100-2-10C\") would need MIG time-slicing, "
                   "which A100 40GB lacks");
    assert_refused(&model_rtx_pro_6000, "1g.24gb+gfx@0", &mig, "DC-1-8Q=2",
                   "a second vGPU on one \"1g.24gb+gfx\" (\"DC-1-8Q\") needs MIG time-slicing in "
                   "both GPU and hypervisor");
}

static void one_instance_takes_one_size_of_any_series(void **state)
{
    (void)state;
    place(&model_rtx_pro_6000, "1g.24gb+gfx@0", &timesliced, "DC-1-3Q=4 DC-1-3A=4");
    assert_refused(&model_rtx_pro_6000, "1g.24gb+gfx@0", &timesliced, "DC-1-3Q=4 DC-1-3A=5",
                   "\"1g.24gb+gfx\" takes at most 8 of \"DC-1-3A\"");
    assert_refused(&model_rtx_pro_6000, "1g.24gb+gfx@0", &timesliced, "DC-1-12Q DC-1-8Q",
                   "\"1g.24gb+gfx\" carries vGPUs of 12288 MiB, so \"DC-1-8Q\" (8192 MiB) cannot "
                   "join: a GPU instance takes one framebuffer size");
}

static void sizes_are_gathered_so_that_all_find_an_instance(void **state)
{
    (void)state;
    struct layout_vgpus vgpus =
        place(&model_rtx_pro_6000, "1g.24gb+gfx@0 1g.24gb+gfx@3 1g.24gb+gfx@6", &timesliced,
              "DC-1-8Q DC-1-12Q DC-1-8C DC-1-12Q DC-1-8Q DC-1-24C");
    assert_int_equal(vgpus.items[0].gi, 0);
    assert_int_equal(vgpus.items[1].gi, 1);
    assert_int_equal(vgpus.items[2].gi, 0);
    assert_int_equal(vgpus.items[3].gi, 1);
    assert_int_equal(vgpus.items[4].gi, 0);
    assert_int_equal(vgpus.items[5].gi, 2);
}

static void a_vgpu_that_names_its_instance_stays_there(void **state)
{
    (void)state;
    struct layout_gis gis = gis_of(&model_rtx_pro_6000, "1g.24gb+gfx@0 1g.24gb+gfx@3");
    struct layout_vgpus vgpus = vgpus_of(&model_rtx_pro_6000, "DC-1-12Q DC-1-8Q DC-1-12Q");
    vgpus.items[1].gi = 0;
    assert_int_equal(layout_place_vgpus(&model_rtx_pro_6000, &gis, &timesliced, &vgpus, NULL), 0);
    assert_int_equal(vgpus.items[0].gi, 1);
    assert_int_equal(vgpus.items[2].gi, 1);
    vgpus.items[1].gi = 9;
    assert_int_equal(layout_place_vgpus(&model_rtx_pro_6000, &gis, &timesliced, &vgpus, NULL),
                     -REASON_INVALID);
}

static void a_refusal_leaves_the_vgpus_as_they_were(void **state)
{
    (void)state;
    struct layout_gis gis = gis_of(&model_a100, "1g.5gb@0");
    struct layout_vgpus vgpus = vgpus_of(&model_a100, "A100-1-5C=2");
    assert_int_not_equal(layout_place_vgpus(&model_a100, &gis, &mig, &vgpus, NULL), 0);
    assert_int_equal(vgpus.items[0].gi, LAYOUT_ANYWHERE);
}

static void mixed_sizes_on_instances_are_packed_exhaustively(void **state)
{
    (void)state;
    const struct layout_vgpu_mode both = {.mig = true, .mixed = true, .mig_timesliced = true};
    place(&model_rtx_pro_6000, "1g.24gb+gfx@0 1g.24gb+gfx@3", &both,
          "DC-1-12Q DC-1-8Q=2 DC-1-3Q=6 DC-1-2Q");
    assert_refused(&model_rtx_pro_6000, "1g.24gb+gfx@0", &both, "DC-1-12Q DC-1-8Q=2",
                   "\"1g.24gb+gfx\" has no framebuffer left for \"DC-1-8Q\"");
}

/* ---- instances for vGPUs ---- */

static void assert_derived(const struct gpu_model *model, const char *existing,
                           const struct layout_vgpu_mode *mode, const char *wanted,
                           const char *added)
{
    struct layout_gis there = gis_of(model, existing);
    struct layout_vgpus vgpus = vgpus_of(model, wanted);
    struct layout_gis gis;
    struct error err = {.message = ""};
    if (layout_gis_for_vgpus(model, &there, mode, &vgpus, &gis, &err) != 0) {
        fail_msg("%s: %s", wanted, err.message);
    }
    char text[256];
    assert_string_equal(layout_text(&gis, text, sizeof(text)), added);
}

static void vgpus_ask_for_the_fewest_instances(void **state)
{
    (void)state;
    assert_derived(&model_a100, "", &mig, "A100-2-10C=3", "2g.10gb, 2g.10gb, 2g.10gb");
    assert_derived(&model_rtx_pro_6000, "", &timesliced, "DC-1-2Q=48",
                   "1g.24gb+gfx, 1g.24gb+gfx, 1g.24gb+gfx, 1g.24gb+gfx");
    assert_derived(&model_rtx_pro_6000, "", &timesliced, "DC-2-12Q=5 DC-1-8C=2",
                   "2g.48gb+gfx, 2g.48gb+gfx, 1g.24gb+gfx");
    assert_derived(&model_rtx_pro_6000, "1g.24gb+gfx@0", &timesliced, "DC-1-8C=4", "1g.24gb+gfx");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_size_up_to_its_maximum_fits),
        cmocka_unit_test(two_sizes_need_mixed_size_mode),
        cmocka_unit_test(mixed_sizes_leave_room_for_large_ones),
        cmocka_unit_test(a_given_placement_id_is_kept_and_checked),
        cmocka_unit_test(mixed_sizes_that_do_not_fit_are_counted),
        cmocka_unit_test(mixed_sizes_without_a_published_table_are_only_summed),
        cmocka_unit_test(the_kind_of_a_type_must_suit_mig_mode),
        cmocka_unit_test(each_type_goes_to_an_instance_of_its_profile),
        cmocka_unit_test(only_graphics_instances_of_an_rtx_pro_carry_vgpus),
        cmocka_unit_test(a_second_vgpu_on_an_instance_needs_mig_time_slicing),
        cmocka_unit_test(one_instance_takes_one_size_of_any_series),
        cmocka_unit_test(sizes_are_gathered_so_that_all_find_an_instance),
        cmocka_unit_test(a_vgpu_that_names_its_instance_stays_there),
        cmocka_unit_test(a_refusal_leaves_the_vgpus_as_they_were),
        cmocka_unit_test(mixed_sizes_on_instances_are_packed_exhaustively),
        cmocka_unit_test(vgpus_ask_for_the_fewest_instances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
