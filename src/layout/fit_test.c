/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "models.h"

static struct layout_request request_of(const struct gpu_model *model, const char *existing,
                                        const char *gis, const char *vgpus)
{
    return (struct layout_request){.existing = gis_of(model, existing),
                                   .gis = gis_of(model, gis),
                                   .vgpus = vgpus_of(model, vgpus),
                                   .mig_timesliced = true};
}

static void assert_fits(const struct gpu_model *model, const char *existing, const char *gis,
                        const char *vgpus, const char *placed)
{
    struct layout_request request = request_of(model, existing, gis, vgpus);
    struct error err = {.message = ""};
    if (layout_fit(model, &request, &err) != 0) {
        fail_msg("%s with %s: %s", gis, vgpus, err.message);
    }
    char text[256];
    assert_string_equal(layout_text(&request.gis, text, sizeof(text)), placed);
}

static void assert_refused(const struct gpu_model *model, const char *gis, const char *vgpus,
                           const char *message)
{
    struct layout_request request = request_of(model, "", gis, vgpus);
    struct error err = {.message = ""};
    if (layout_fit(model, &request, &err) == 0) {
        fail_msg("%s with %s fits", gis, vgpus);
    }
    assert_string_equal(err.message, message);
}

static void the_documented_a100_layouts_fit(void **state)
{
    (void)state;
    assert_fits(&model_a100, "", "2g.10gb=3", "A100-2-10C=3", "2g.10gb@0, 2g.10gb@2, 2g.10gb@4");
    assert_fits(&model_a100, "", "3g.20gb=2", "A100-3-20C=2", "3g.20gb@0, 3g.20gb@4");
    assert_fits(&model_a100, "", "4g.20gb 2g.10gb 1g.5gb", "A100-4-20C A100-2-10C A100-1-5C",
                "4g.20gb@0, 2g.10gb@4, 1g.5gb@6");
}

static void of_three_3g_types_only_two_fit(void **state)
{
    (void)state;
    assert_refused(&model_a100, "", "A100-3-20C=3",
                   "A100 40GB takes at most 2 of \"A100-3-20C\", and 3 are wanted");
    assert_refused(&model_a100, "3g.20gb=3", "A100-3-20C=3",
                   "A100 40GB takes at most 2 of \"3g.20gb\", and 3 are wanted");
}

static void vgpus_alone_bring_their_instances(void **state)
{
    (void)state;
    assert_fits(&model_rtx_pro_6000, "", "", "DC-1-8C=12",
                "1g.24gb+gfx@0, 1g.24gb+gfx@3, 1g.24gb+gfx@6, 1g.24gb+gfx@9");
    assert_fits(&model_a100, "2g.10gb@0", "", "A100-2-10C=2", "2g.10gb@2");
    assert_refused(&model_rtx_pro_6000, "", "DC-2-48Q=2 DC-1-8C",
                   "2 × 2g.48gb+gfx and 1g.24gb+gfx need 15 memory slices, and 12 of 12 are free");
}

static void named_instances_are_not_added_to(void **state)
{
    (void)state;
    assert_refused(
        &model_rtx_pro_6000, "1g.24gb", "DC-1-24C",
        "\"DC-1-24C\" needs a \"1g.24gb+gfx\" GPU instance, and there is only 1g.24gb@0");
}

static void one_gpu_carries_one_kind(void **state)
{
    (void)state;
    assert_refused(&model_a100, "", "A100-4C A100-1-5C",
                   "\"A100-1-5C\" is MIG-backed and \"A100-4C\" is time-sliced: a GPU carries one "
                   "kind");
    assert_refused(&model_a100, "1g.5gb", "A100-4C",
                   "\"A100-4C\" takes time slices of the whole GPU, and MIG mode is on");
}

static void a_refusal_leaves_the_request_as_it_was(void **state)
{
    (void)state;
    struct layout_request request = request_of(&model_a100, "", "", "A100-3-20C=3");
    assert_int_equal(layout_fit(&model_a100, &request, NULL), -REASON_NO_CAPACITY);
    assert_int_equal(request.gis.n, 0);
    assert_int_equal(request.vgpus.items[0].gi, LAYOUT_ANYWHERE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documented_a100_layouts_fit),
        cmocka_unit_test(of_three_3g_types_only_two_fit),
        cmocka_unit_test(vgpus_alone_bring_their_instances),
        cmocka_unit_test(named_instances_are_not_added_to),
        cmocka_unit_test(one_gpu_carries_one_kind),
        cmocka_unit_test(a_refusal_leaves_the_request_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
