/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "models.h"

static const char *place(const struct gpu_model *model, const char *existing, const char *wanted)
{
    static char text[256];
    struct layout_gis there = gis_of(model, existing);
    struct layout_gis gis = gis_of(model, wanted);
    struct error err = {.message = ""};
    if (layout_place(model, &there, &gis, &err) != 0) {
        fail_msg("%s next to [%s]: %s", wanted, existing, err.message);
    }
    return layout_text(&gis, text, sizeof(text));
}

static void assert_refused(const struct gpu_model *model, const char *existing, const char *wanted,
                           const char *message, const char *hint)
{
    struct layout_gis there = gis_of(model, existing);
    struct layout_gis gis = gis_of(model, wanted);
    struct error err = {.message = ""};
    if (layout_place(model, &there, &gis, &err) == 0) {
        fail_msg("%s next to [%s] is placed", wanted, existing);
    }
    assert_string_equal(err.message, message);
    assert_string_equal(err.hint, hint);
    assert_int_equal(layout_place(model, &there, &gis, NULL), -(int)err.reason);
}

static void placing_leaves_the_largest_profiles_possible(void **state)
{
    (void)state;
    /* At 6 a 1g still leaves 4g, 2g at 4; anywhere lower it would break one of them. */
    assert_string_equal(place(&model_a100, "", "1g.5gb"), "1g.5gb@6");
    assert_string_equal(place(&model_a100, "", "2g.10gb"), "2g.10gb@4");
    assert_string_equal(place(&model_a100, "", "3g.20gb"), "3g.20gb@4");
    assert_string_equal(place(&model_rtx_pro_6000, "1g.24gb@6", "1g.24gb+gfx"), "1g.24gb+gfx@9");
}

static void equal_choices_take_the_lowest_start(void **state)
{
    (void)state;
    assert_string_equal(place(&model_rtx_pro_6000, "", "1g.24gb"), "1g.24gb@0");
    assert_string_equal(place(&model_rtx_pro_6000, "", "2g.48gb"), "2g.48gb@0");
}

static void wanted_order_is_kept(void **state)
{
    (void)state;
    assert_string_equal(place(&model_a100, "", "1g.5gb 2g.10gb 4g.20gb"),
                        "1g.5gb@6, 2g.10gb@4, 4g.20gb@0");
    assert_string_equal(place(&model_a100, "", "1g.5gb 3g.20gb 1g.5gb 2g.10gb"),
                        "1g.5gb@2, 3g.20gb@4, 1g.5gb@3, 2g.10gb@0");
}

static void a_fixed_start_is_kept_and_the_rest_goes_around_it(void **state)
{
    (void)state;
    assert_string_equal(place(&model_a100, "", "3g.20gb 3g.20gb@0"), "3g.20gb@4, 3g.20gb@0");
    assert_string_equal(place(&model_a100, "1g.5gb@4", "1g.5gb 2g.10gb@0"), "1g.5gb@5, 2g.10gb@0");
}

static void what_exists_stays_where_it_is(void **state)
{
    (void)state;
    assert_string_equal(place(&model_a100, "1g.5gb@4", "3g.20gb"), "3g.20gb@0");
    assert_string_equal(place(&model_rtx_pro_6000, "1g.24gb@6 1g.24gb@9", "2g.48gb"), "2g.48gb@0");
}

static void too_many_of_a_profile_says_how_many_fit(void **state)
{
    (void)state;
    assert_refused(&model_a100, "", "3g.20gb=3",
                   "A100 40GB takes at most 2 of \"3g.20gb\", and 3 are wanted",
                   "nearest that fits: 3g.20gb@0 and 3g.20gb@4 (3g.20gb dropped)");
    assert_refused(&model_a100, "3g.20gb@4", "3g.20gb=2",
                   "A100 40GB takes at most 2 of \"3g.20gb\", and 2 are wanted next to the 1 there",
                   "nearest that fits: 3g.20gb@0 (3g.20gb dropped)");
}

static void too_much_memory_says_what_is_free(void **state)
{
    (void)state;
    assert_refused(
        &model_a100, "", "3g.20gb=2 1g.5gb",
        "2 × 3g.20gb and 1g.5gb need 9 memory slices, and 8 of 8 are free",
        "nearest that fits: 2g.10gb@0, 1g.5gb@2 and 3g.20gb@4 (3g.20gb shrunk to 2g.10gb)");
    assert_refused(&model_rtx_pro_6000, "2g.48gb@0", "4g.96gb",
                   "4g.96gb needs 12 memory slices, and 6 of 12 are free",
                   "nearest that fits: 2g.48gb@6 (4g.96gb shrunk to 2g.48gb)");
}

static void too_much_compute_is_distinguished_from_too_much_memory(void **state)
{
    (void)state;
    assert_refused(
        &model_a100, "", "4g.20gb 2g.10gb=2",
        "4g.20gb and 2 × 2g.10gb need 8 compute slices, and 7 of 7 are free",
        "nearest that fits: 2g.10gb@0, 2g.10gb@2 and 3g.20gb@4 (4g.20gb shrunk to 3g.20gb)");
}

static void scattered_free_slices_are_explained(void **state)
{
    (void)state;
    assert_refused(
        &model_a100, "1g.5gb@1 1g.5gb@3 1g.5gb@5", "2g.10gb",
        "\"2g.10gb\" starts only at 0, 2 or 4, and 1g.5gb@1, 1g.5gb@3 and 1g.5gb@5 are in "
        "the way; 5 memory slices are free but not together there",
        "nearest that fits: 1g.10gb@6 (2g.10gb shrunk to 1g.10gb)");
    assert_refused(
        &model_rtx_pro_6000, "1g.24gb@3 1g.24gb@6", "2g.48gb",
        "\"2g.48gb\" starts only at 0 or 6, and 1g.24gb@3 and 1g.24gb@6 are in the way; 6 "
        "memory slices are free but not together there",
        "nearest that fits: 1g.24gb@0 (2g.48gb shrunk to 1g.24gb)");
}

static void crowding_names_what_leaves_no_place(void **state)
{
    (void)state;
    assert_refused(&model_a100, "1g.5gb@4", "2g.10gb 3g.20gb",
                   "3g.20gb leaves no place for \"2g.10gb\", which starts only at 0, 2 or 4",
                   "nearest that fits: 3g.20gb@0 and 1g.10gb@6 (2g.10gb shrunk to 1g.10gb)");
}

static void a_fixed_start_that_is_taken_can_be_moved(void **state)
{
    (void)state;
    assert_refused(&model_a100, "1g.5gb@5", "3g.20gb@4",
                   "1g.5gb@5 and 3g.20gb@4 overlap in memory slice 5",
                   "nearest that fits: 3g.20gb@0 (3g.20gb moved from 4)");
}

static void shrinking_is_nearer_than_dropping(void **state)
{
    (void)state;
    assert_refused(
        &model_rtx_pro_6000, "", "2g.48gb=2 1g.24gb",
        "2 × 2g.48gb and 1g.24gb need 15 memory slices, and 12 of 12 are free",
        "nearest that fits: 2g.48gb@0, 1g.24gb@6 and 1g.24gb@9 (2g.48gb shrunk to 1g.24gb)");
}

static void nothing_that_fits_is_said_plainly(void **state)
{
    (void)state;
    assert_refused(&model_a100, "7g.40gb@0", "1g.5gb",
                   "1g.5gb needs 1 memory slice, and 0 of 8 are free",
                   "nothing of it fits next to what is there");
}

static void a_crowd_of_the_largest_is_answered_quickly(void **state)
{
    (void)state;
    assert_refused(&model_a100, "", "7g.40gb=16",
                   "A100 40GB takes at most 1 of \"7g.40gb\", and 16 are wanted",
                   "nearest that fits: 7g.40gb@0 (15 × 7g.40gb dropped)");
}

static void existing_layouts_that_the_catalog_thinks_illegal_still_count(void **state)
{
    (void)state;
    struct layout_gis there = {.items = {{model_profile(&model_a100, "2g.10gb"), 3}}, .n = 1};
    struct layout_gis gis = gis_of(&model_a100, "3g.20gb");
    struct error err;
    assert_int_equal(layout_place(&model_a100, &there, &gis, &err), -REASON_NO_CAPACITY);
    gis = gis_of(&model_a100, "2g.10gb");
    assert_int_equal(layout_place(&model_a100, &there, &gis, &err), 0);
    assert_int_equal(gis.items[0].start, 0);
}

static void the_best_start_of_one_more_is_found(void **state)
{
    (void)state;
    struct layout_gis there = gis_of(&model_a100, "1g.5gb@6");
    assert_int_equal(layout_find_start(&model_a100, &there, model_profile(&model_a100, "2g.10gb")),
                     4);
    assert_int_equal(layout_find_start(&model_a100, &there, model_profile(&model_a100, "7g.40gb")),
                     LAYOUT_ANYWHERE);
}

static void the_rest_is_counted_under_every_limit(void **state)
{
    (void)state;
    const struct cat_profile *small = model_profile(&model_a100, "1g.5gb");
    struct layout_gis there = gis_of(&model_a100, "");
    assert_int_equal(layout_remaining(&model_a100, &there, small), 7);
    there = gis_of(&model_a100, "4g.20gb@0");
    assert_int_equal(layout_remaining(&model_a100, &there, small), 3);
    there = gis_of(&model_rtx_pro_6000, "1g.24gb+me.all@0");
    assert_int_equal(layout_remaining(&model_rtx_pro_6000, &there,
                                      model_profile(&model_rtx_pro_6000, "1g.24gb")),
                     0);
    assert_int_equal(layout_remaining(&model_rtx_pro_6000, &there,
                                      model_profile(&model_rtx_pro_6000, "1g.24gb-me")),
                     3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(placing_leaves_the_largest_profiles_possible),
        cmocka_unit_test(equal_choices_take_the_lowest_start),
        cmocka_unit_test(wanted_order_is_kept),
        cmocka_unit_test(a_fixed_start_is_kept_and_the_rest_goes_around_it),
        cmocka_unit_test(what_exists_stays_where_it_is),
        cmocka_unit_test(too_many_of_a_profile_says_how_many_fit),
        cmocka_unit_test(too_much_memory_says_what_is_free),
        cmocka_unit_test(too_much_compute_is_distinguished_from_too_much_memory),
        cmocka_unit_test(scattered_free_slices_are_explained),
        cmocka_unit_test(crowding_names_what_leaves_no_place),
        cmocka_unit_test(a_fixed_start_that_is_taken_can_be_moved),
        cmocka_unit_test(shrinking_is_nearer_than_dropping),
        cmocka_unit_test(nothing_that_fits_is_said_plainly),
        cmocka_unit_test(a_crowd_of_the_largest_is_answered_quickly),
        cmocka_unit_test(existing_layouts_that_the_catalog_thinks_illegal_still_count),
        cmocka_unit_test(the_best_start_of_one_more_is_found),
        cmocka_unit_test(the_rest_is_counted_under_every_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
