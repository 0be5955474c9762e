/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "models.h"

static const char *draw(const struct gpu_model *model, const char *gis)
{
    static char out[512];
    struct layout_gis all = gis_of(model, gis);
    return layout_draw(model, &all, NULL, out, sizeof(out));
}

static void every_name_fits_and_slices_are_equally_wide(void **state)
{
    (void)state;
    assert_string_equal(draw(&model_a100, "1g.5gb@0 2g.10gb@2"),
                        "[1g.5gb|······|2g.10gb      |···························]");
    assert_string_equal(draw(&model_rtx_pro_6000, "1g.24gb+me.all@0 2g.48gb-me@6"),
                        "[1g.24gb+me.all|··············|2g.48gb-me                   ]");
}

static void compute_instances_stand_behind_the_name(void **state)
{
    (void)state;
    char out[512];
    struct layout_gis gis = gis_of(&model_a100, "3g.20gb@0 2g.10gb@4");
    const struct layout_compute compute[] = {{{2, 1}, 2}, {.n = 0}};
    assert_string_equal(layout_draw(&model_a100, &gis, compute, out, sizeof(out)),
                        "[3g.20gb (2c, 1c)   |2g.10gb  |·········]");
}

static void an_empty_gpu_is_all_dots(void **state)
{
    (void)state;
    assert_string_equal(draw(&model_a30, ""), "[···········]");
}

static void a_gpu_without_slices_draws_a_question(void **state)
{
    (void)state;
    assert_string_equal(draw(&model_l40s, ""), "[?]");
}

static void a_small_buffer_is_not_overrun(void **state)
{
    (void)state;
    char out[8];
    struct layout_gis gis = gis_of(&model_a100, "3g.20gb@4 3g.20gb@0");
    layout_draw(&model_a100, &gis, NULL, out, sizeof(out));
    assert_string_equal(out, "[3g.20g");
    layout_text(&gis, out, sizeof(out));
    assert_string_equal(out, "3g.20gb");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_fits_and_slices_are_equally_wide),
        cmocka_unit_test(compute_instances_stand_behind_the_name),
        cmocka_unit_test(an_empty_gpu_is_all_dots),
        cmocka_unit_test(a_gpu_without_slices_draws_a_question),
        cmocka_unit_test(a_small_buffer_is_not_overrun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
