/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "import/import.h"
#include "loaded_catalog.h"

static const struct gpu_model *model_of(const char *key)
{
    const struct gpu_model *model = NULL;
    assert_int_equal(catalog_find(catalog, key, &model, NULL), 0);
    return model;
}

/* Fits the first entry of a file whose entries begin with `entry`. */
static struct import_fit fit(const char *gpu, enum import_kind kind, const char *entry)
{
    char yaml[1024];
    (void)snprintf(yaml, sizeof(yaml), "version: v1\n%s-configs:\n  a:\n    - {devices: all, %s}\n",
                   kind == IMPORT_MIG ? "mig" : "vgpu", entry);
    CLEANUP_JSON json_t *json = NULL;
    CLEANUP(import_freep) struct import_file *file = NULL;
    struct error err = {.message = ""};
    if (yaml_read_all(yaml, strlen(yaml), "a.yaml", &json, &err) != 0 ||
        import_parse(json, "a.yaml", &file, &err) != 0) {
        fail_msg("%s: %s", err.subject, err.message);
    }
    struct import_fit result;
    const struct import_target target = {.catalog = catalog,
                                         .model = model_of(gpu),
                                         .device = CAT_UNKNOWN,
                                         .subsystem = CAT_UNKNOWN};
    import_fit(&target, kind, &file->labels.items[0].entries.items[0], &result);
    return result;
}

static void assert_fits(const char *gpu, enum import_kind kind, const char *entry,
                        const char *placed)
{
    struct import_fit result = fit(gpu, kind, entry);
    if (result.verdict != IMPORT_FITS) {
        fail_msg("%s on %s: %s: %s", entry, gpu, import_verdict_name(result.verdict),
                 result.why.message);
    }
    char text[256];
    assert_string_equal(layout_text(&result.request.gis, text, sizeof(text)), placed);
}

static void assert_verdict(const char *gpu, enum import_kind kind, const char *entry,
                           enum import_verdict verdict, const char *message)
{
    struct import_fit result = fit(gpu, kind, entry);
    assert_string_equal(import_verdict_name(result.verdict), import_verdict_name(verdict));
    assert_string_equal(result.why.message, message);
}

#define MIG_ON "mig-enabled: true, mig-devices: "

static void gpu_instances_are_placed(void **state)
{
    (void)state;
    assert_fits("a100", IMPORT_MIG, MIG_ON "{1g.5gb: 2, 2g.10gb: 1, 3g.20gb: 1}",
                "1g.5gb@2, 1g.5gb@3, 2g.10gb@0, 3g.20gb@4");
    assert_fits("a100", IMPORT_MIG, "mig-enabled: false", "");
    assert_false(fit("a100", IMPORT_MIG, "mig-enabled: false").mig);
    assert_true(fit("a100", IMPORT_MIG, MIG_ON "{}").mig);
}

static void compute_instances_share_gpu_instances(void **state)
{
    (void)state;
    assert_fits("a100", IMPORT_MIG, MIG_ON "{1c.3g.20gb: 3}", "3g.20gb@4");
    assert_fits("a100", IMPORT_MIG, MIG_ON "{1c.3g.20gb: 6}", "3g.20gb@0, 3g.20gb@4");
    assert_fits("a100", IMPORT_MIG, MIG_ON "{2c.4g.20gb: 1, 1c.4g.20gb: 2, 3g.20gb: 1}",
                "4g.20gb@0, 3g.20gb@4");
    assert_fits("a100", IMPORT_MIG, MIG_ON "{3c.7g.40gb: 2, 1c.7g.40gb: 1}", "7g.40gb@0");
    assert_verdict("a100", IMPORT_MIG, MIG_ON "{2c.3g.20gb: 3}", IMPORT_REFUSED,
                   "A100 PCIe 40GB takes at most 2 of \"3g.20gb\", and 3 are wanted");
}

static void time_sliced_mig_backed_counts_are_split_over_instances(void **state)
{
    (void)state;
    assert_fits("rtx-pro-6000", IMPORT_VGPU, "vgpu-devices: {DC-1-2Q: 48}",
                "1g.24gb+gfx@0, 1g.24gb+gfx@3, 1g.24gb+gfx@6, 1g.24gb+gfx@9");
    assert_fits("rtx-pro-6000", IMPORT_VGPU, "vgpu-devices: {DC-2-12Q: 8}",
                "2g.48gb+gfx@0, 2g.48gb+gfx@6");
    assert_fits("rtx-pro-6000", IMPORT_VGPU, "vgpu-devices: {DC-4-24CGFX: 4}", "4g.96gb+gfx@0");
    assert_fits("l40s", IMPORT_VGPU, "vgpu-devices: {L40S-24Q: 2}", "");
}

static void without_published_placements_the_maximum_answers(void **state)
{
    (void)state;
    assert_fits("rtx-pro-5000", IMPORT_MIG, MIG_ON "{1g.24gb+gfx: 2}", "1g.24gb+gfx, 1g.24gb+gfx");
    assert_verdict(
        "rtx-pro-5000", IMPORT_MIG, MIG_ON "{1g.24gb+gfx: 3}", IMPORT_REFUSED,
        "RTX PRO 5000 Blackwell 48GB takes at most 2 of \"1g.24gb+gfx\", and 3 are wanted");
    assert_verdict("6000d", IMPORT_VGPU, "vgpu-devices: {6000D-1-42C: 2}", IMPORT_UNKNOWN,
                   "no source says which GPU instance profile \"RTX 6000D-1-42C\" lives on");
}

static void other_boards_are_distinguished_from_slips(void **state)
{
    (void)state;
    assert_verdict("a100", IMPORT_MIG, MIG_ON "{1g.24gb+gfx: 2}", IMPORT_OTHER_GPU,
                   "\"1g.24gb+gfx\" is a profile of RTX PRO 5000 Blackwell 48GB, not of A100 PCIe "
                   "40GB");
    assert_verdict("l40s", IMPORT_MIG, MIG_ON "{1g.5gb: 2}", IMPORT_OTHER_GPU,
                   "L40S 48GB has no MIG");
    assert_verdict("l40s", IMPORT_VGPU, "vgpu-devices: {A40-8Q: 2}", IMPORT_OTHER_GPU,
                   "\"A40-8Q\" is a vGPU type of A40 48GB, not of L40S 48GB");
    assert_verdict("l40s", IMPORT_VGPU, "vgpu-devices: {P40-8Q: 2}", IMPORT_OTHER_GPU,
                   "no GPU in the catalog has a vGPU type \"P40-8Q\"");
    assert_verdict("l40s", IMPORT_VGPU, "vgpu-devices: {L40S-9Q: 2}", IMPORT_REFUSED,
                   "L40S 48GB has no vGPU type \"L40S-9Q\"; did you mean \"L40S-1Q\"?");
    assert_verdict("l40s", IMPORT_VGPU, "vgpu-devices: {L40S-8Q: 7}", IMPORT_REFUSED,
                   "L40S 48GB takes at most 6 of \"L40S-8Q\", and 7 are wanted");
}

static void a_set_that_no_board_has_is_refused(void **state)
{
    (void)state;
    assert_verdict("a100-80gb", IMPORT_MIG, MIG_ON "{2g.20gb: 2, 3g.20gb: 1}", IMPORT_REFUSED,
                   "no GPU has all of \"2g.20gb\" and \"3g.20gb\"");
    assert_verdict("l40s", IMPORT_MIG, MIG_ON "{2g.20gb: 2, 3g.20gb: 1}", IMPORT_REFUSED,
                   "no GPU has all of \"2g.20gb\" and \"3g.20gb\"");
    assert_verdict("t4", IMPORT_VGPU, "vgpu-devices: {A40-8Q: 1, L40S-8Q: 1}", IMPORT_REFUSED,
                   "no GPU has all of \"A40-8Q\" and \"L40S-8Q\"");
    struct import_fit unknown = fit("a100-80gb", IMPORT_MIG, MIG_ON "{1g.10gb: 1, 1g.50gb: 1}");
    assert_string_equal(import_verdict_name(unknown.verdict), "other-gpu");
    assert_true(unknown.nowhere);
    assert_string_equal(unknown.why.message, "no GPU in the catalog has a profile \"1g.50gb\"");
    assert_false(fit("a100-80gb", IMPORT_MIG, MIG_ON "{1g.5gb: 1}").nowhere);
    /* A filter that names this board leaves no other to be meant. */
    assert_verdict("a100-80gb", IMPORT_MIG, "device-filter: \"0x20B510DE\", " MIG_ON "{1g.5gb: 1}",
                   IMPORT_REFUSED,
                   "\"1g.5gb\" is a profile of A100 PCIe 40GB, not of A100 PCIe 80GB");
    assert_verdict("a100-80gb", IMPORT_MIG, "device-filter: \"0x20B510DE\", " MIG_ON "{1g.50gb: 1}",
                   IMPORT_REFUSED, "no GPU in the catalog has a profile \"1g.50gb\"");
}

static void entries_of_a_label_that_contradict_each_other_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *entries, *message; /* "": none */
    } rows[] = {
        {"[{devices: all, mig-enabled: false}, {devices: [0], " MIG_ON "{1g.10gb: 1}}]",
         "entries 1 and 2 both match GPU 0, and differ in what they want: MIG off; 1 x 1g.10gb"},
        {"[{devices: [0, 1], " MIG_ON "{3g.40gb: 2}}, {devices: [1, 2], " MIG_ON "{1g.10gb: 7}}]",
         "entries 1 and 2 both match GPU 1, and differ in what they want: 2 x 3g.40gb; 7 x "
         "1g.10gb"},
        {"[{devices: all, " MIG_ON "{}}, {devices: all, mig-enabled: false}]",
         "entries 1 and 2 both match all GPUs, and differ in what they want: MIG without "
         "instances; MIG off"},
        {"[{devices: [0], mig-enabled: false}, {devices: [1], " MIG_ON "{1g.10gb: 1}}]", ""},
        {"[{devices: [0], mig-enabled: false}, {devices: all, mig-enabled: false}]", ""},
        {"[{devices: all, " MIG_ON "{1g.10gb: 1, 2g.20gb: 1}},"
         " {devices: [3], " MIG_ON "{2g.20gb: 1, 1g.10gb: 1}}]",
         ""},
        /* Filters that part them. */
        {"[{device-filter: \"0x20B510DE\", devices: all, mig-enabled: false},"
         " {device-filter: \"0x20B010DE\", devices: all, " MIG_ON "{1g.5gb: 1}}]",
         ""},
        {"[{device-filter: \"0x20B510DE:0x153310DE\", devices: all, mig-enabled: false},"
         " {device-filter: \"0x20B510DE:0x164210DE\", devices: all, " MIG_ON "{1g.10gb: 1}}]",
         ""},
        {"[{device-filter: \"0x20B510DE\", devices: all, mig-enabled: false},"
         " {devices: [2], " MIG_ON "{1g.10gb: 1}}]",
         "entries 1 and 2 both match GPU 2, and differ in what they want: MIG off; 1 x 1g.10gb"},
    };
    const struct import_target target = {.catalog = catalog,
                                         .model = model_of("a100-80gb"),
                                         .device = CAT_UNKNOWN,
                                         .subsystem = CAT_UNKNOWN};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char yaml[1024];
        (void)snprintf(yaml, sizeof(yaml), "version: v1\nmig-configs:\n  a: %s\n", rows[i].entries);
        CLEANUP_JSON json_t *json = NULL;
        CLEANUP(import_freep) struct import_file *file = NULL;
        struct error err = {.message = ""};
        if (yaml_read_all(yaml, strlen(yaml), "a.yaml", &json, &err) != 0 ||
            import_parse(json, "a.yaml", &file, &err) != 0) {
            fail_msg("%s: %s", err.subject, err.message);
        }
        struct error conflict = {.message = ""};
        int r = import_check_label(&target, &file->labels.items[0], &conflict);
        assert_string_equal(conflict.message, rows[i].message);
        assert_int_equal(r, rows[i].message[0] != '\0' ? -REASON_CONFLICT : 0);
    }
}

static void a_list_of_no_devices_is_refused(void **state)
{
    (void)state;
    CLEANUP_JSON json_t *json = NULL;
    CLEANUP(import_freep) struct import_file *file = NULL;
    static const char yaml[] =
        "version: v1\nmig-configs: {a: [{devices: [], mig-enabled: false}]}\n";
    assert_int_equal(yaml_read_all(yaml, strlen(yaml), "a.yaml", &json, NULL), 0);
    assert_int_equal(import_parse(json, "a.yaml", &file, NULL), 0);
    const struct import_target target = {
        .catalog = catalog, .model = model_of("a100"), CAT_UNKNOWN, CAT_UNKNOWN, false};
    struct import_fit result;
    import_fit(&target, IMPORT_MIG, &file->labels.items[0].entries.items[0], &result);
    assert_int_equal(result.verdict, IMPORT_REFUSED);
    assert_string_equal(result.why.message, "its list of devices is empty: it is for no GPU");
}

static void a_device_filter_names_boards(void **state)
{
    (void)state;
    const char *sxm = "device-filter: \"0x20B010DE\", mig-enabled: false";
    assert_verdict("a100-pcie-40gb", IMPORT_MIG, sxm, IMPORT_OTHER_GPU,
                   "its device filter names other GPUs");
    assert_fits("a100-sxm4-40gb", IMPORT_MIG, sxm, "");
    assert_fits("rtx-pro-6000", IMPORT_MIG,
                "device-filter: [\"0x20B010DE\", \"0x2BB510DE:0x204E10DE\"], mig-enabled: false",
                "");
    assert_verdict("rtx-pro-6000", IMPORT_MIG,
                   "device-filter: \"0x2BB510DE:0x999910DE\", mig-enabled: false", IMPORT_OTHER_GPU,
                   "its device filter names other GPUs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gpu_instances_are_placed),
        cmocka_unit_test(compute_instances_share_gpu_instances),
        cmocka_unit_test(time_sliced_mig_backed_counts_are_split_over_instances),
        cmocka_unit_test(without_published_placements_the_maximum_answers),
        cmocka_unit_test(other_boards_are_distinguished_from_slips),
        cmocka_unit_test(a_set_that_no_board_has_is_refused),
        cmocka_unit_test(entries_of_a_label_that_contradict_each_other_are_named),
        cmocka_unit_test(a_list_of_no_devices_is_refused),
        cmocka_unit_test(a_device_filter_names_boards),
    };
    return cmocka_run_group_tests(tests, load_catalog, unload_catalog);
}
