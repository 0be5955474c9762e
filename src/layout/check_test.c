/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "models.h"

static int check(const struct gpu_model *model, const char *gis, struct error *err)
{
    struct layout_gis all = gis_of(model, gis);
    return layout_check(model, &all, err);
}

static void assert_legal(const struct gpu_model *model, const char *gis)
{
    struct error err = {.message = ""};
    if (check(model, gis, &err) != 0) {
        fail_msg("%s: %s", gis, err.message);
    }
}

static void assert_refused(const struct gpu_model *model, const char *gis, const char *message)
{
    struct error err = {.message = ""};
    if (check(model, gis, &err) == 0) {
        fail_msg("%s is accepted", gis);
    }
    assert_string_equal(err.message, message);
}

static void a_mask_covers_the_slices_of_its_placement(void **state)
{
    (void)state;
    struct layout_gis gis = gis_of(&model_a100, "3g.20gb@4 1g.5gb@1");
    assert_int_equal(layout_mask(&gis.items[0]), 0xf0);
    assert_int_equal(layout_mask(&gis.items[1]), 0x02);
    assert_int_equal(layout_occupied(&gis), 0xf2);
}

static void an_instance_without_a_start_covers_nothing(void **state)
{
    (void)state;
    struct layout_gis gis = gis_of(&model_a100, "3g.20gb");
    assert_int_equal(layout_occupied(&gis), 0);
}

static void an_empty_gpu_and_known_layouts_are_legal(void **state)
{
    (void)state;
    assert_legal(&model_a100, "");
    assert_legal(&model_a100, "4g.20gb@0 3g.20gb@4");
    assert_legal(&model_a100, "1g.10gb@6 2g.10gb@4 2g.10gb@2 2g.10gb@0");
    assert_legal(&model_rtx_pro_6000, "1g.24gb+gfx@0 1g.24gb@3 2g.48gb-me@6");
}

static void an_overlap_names_the_two_that_clash(void **state)
{
    (void)state;
    assert_refused(&model_a100, "3g.20gb@4 2g.10gb@4",
                   "3g.20gb@4 and 2g.10gb@4 overlap in memory slices 4-5");
    assert_refused(&model_a100, "1g.5gb@3 4g.20gb@0",
                   "1g.5gb@3 and 4g.20gb@0 overlap in memory slice 3");
}

static void a_start_that_is_not_in_the_table_is_refused(void **state)
{
    (void)state;
    assert_refused(&model_a100, "2g.10gb@6",
                   "\"2g.10gb\" cannot start at memory slice 6: it starts only at 0, 2 or 4");
    assert_refused(&model_a100, "2g.10gb", "\"2g.10gb\" has no place yet: it starts at 0, 2 or 4");
}

static void every_media_engine_leaves_none_for_others(void **state)
{
    (void)state;
    assert_legal(&model_rtx_pro_6000, "1g.24gb+me.all@0 1g.24gb-me@3 2g.48gb-me@6");
    assert_refused(
        &model_rtx_pro_6000, "1g.24gb+me.all@0 2g.48gb@6",
        "\"1g.24gb+me.all\" takes every media engine, so \"2g.48gb\" cannot stand next to "
        "it: only \"-me\" profiles can");
    assert_refused(&model_rtx_pro_6000, "1g.24gb-me@3 1g.24gb+gfx@0 2g.48gb+me.all@6",
                   "\"2g.48gb+me.all\" takes every media engine, so it cannot stand next to "
                   "\"1g.24gb+gfx\": only \"-me\" profiles can");
}

static void the_extra_media_engines_go_to_one_instance(void **state)
{
    (void)state;
    assert_legal(&model_a30, "1g.6gb+me@0 2g.12gb@2");
    assert_refused(
        &model_a30, "1g.6gb+me@0 2g.12gb+me@2",
        "\"1g.6gb+me\" and \"2g.12gb+me\" both want the extra media engines, and A30 has "
        "one set");
    assert_refused(&model_a100, "1g.5gb+me@0 1g.5gb+me@1",
                   "A100 40GB takes at most 1 of \"1g.5gb+me\"");
}

static void a_profile_of_another_model_is_refused(void **state)
{
    (void)state;
    struct layout_gis gis = gis_of(&model_a30, "1g.6gb@0");
    struct error err;
    assert_int_equal(layout_check(&model_a100, &gis, &err), -REASON_INVALID);
    assert_string_equal(err.message, "profile \"1g.6gb\" is not one of A100 40GB");
}

static void a_profile_without_published_placements_is_unknown_unless_too_many(void **state)
{
    (void)state;
    struct cat_profile profile = {.name = "1g.16gb", .max_instances = 2, .memory_slices = 1};
    struct gpu_model model = {.key = "x",
                              .name = "X",
                              .compute_slices = 2,
                              .memory_slices = CAT_UNKNOWN,
                              .max_gpu_instances = 2,
                              .profiles = {.items = &profile, .n = 1}};
    struct layout_gis gis = {.items = {{&profile, 0}}, .n = 1};
    struct error err;
    assert_int_equal(layout_check(&model, &gis, &err), -REASON_UNKNOWN);
    assert_string_equal(err.message, "no source says where \"1g.16gb\" may start on X");
    const struct layout_gis none = {.n = 0};
    struct layout_gi one = {&profile, LAYOUT_ANYWHERE};
    gis = (struct layout_gis){.items = {one, one}, .n = 2};
    assert_int_equal(layout_place(&model, &none, &gis, &err), -REASON_UNKNOWN);
    gis = (struct layout_gis){.items = {one, one, one}, .n = 3};
    assert_int_equal(layout_place(&model, &none, &gis, &err), -REASON_NO_CAPACITY);
    assert_string_equal(err.message, "X takes at most 2 of \"1g.16gb\", and 3 are wanted");
    assert_string_equal(err.hint, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mask_covers_the_slices_of_its_placement),
        cmocka_unit_test(an_instance_without_a_start_covers_nothing),
        cmocka_unit_test(an_empty_gpu_and_known_layouts_are_legal),
        cmocka_unit_test(an_overlap_names_the_two_that_clash),
        cmocka_unit_test(a_start_that_is_not_in_the_table_is_refused),
        cmocka_unit_test(every_media_engine_leaves_none_for_others),
        cmocka_unit_test(the_extra_media_engines_go_to_one_instance),
        cmocka_unit_test(a_profile_of_another_model_is_refused),
        cmocka_unit_test(a_profile_without_published_placements_is_unknown_unless_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
