/* SPDX-License-Identifier: Apache-2.0 */
/* The catalog as it is shipped: that it loads, and golden facts out of it. */
#include "catalog/catalog.h"

#include <string.h>

#include "base/str.h"
#include "loaded_catalog.h"
#include "test.h"

#define N_MODELS 63
#define N_PROFILES 267
#define N_TYPES 1003

static const struct gpu_model *model_of(const char *text)
{
    const struct gpu_model *model = NULL;
    struct error err = {0};
    if (catalog_find(catalog, text, &model, &err) < 0) {
        fail_msg("%s: %s", text, err.message);
    }
    return model;
}

static const struct cat_profile *profile_of(const char *model, const char *text)
{
    const struct cat_profile *profile = NULL;
    struct error err = {0};
    if (model_find_profile(model_of(model), text, &profile, &err) < 0) {
        fail_msg("%s: %s", text, err.message);
    }
    return profile;
}

static const struct cat_vgpu_type *type_of(const char *model, const char *text)
{
    const struct cat_vgpu_type *type = NULL;
    struct error err = {0};
    if (model_find_type(model_of(model), text, &type, &err) < 0) {
        fail_msg("%s: %s", text, err.message);
    }
    return type;
}

static void every_model_profile_and_type_is_there(void **state)
{
    (void)state;
    size_t n_profiles = 0;
    size_t n_types = 0;
    assert_int_equal(catalog_count(catalog), N_MODELS);
    for (size_t i = 0; i < catalog_count(catalog); i++) {
        const struct gpu_model *model = catalog_at(catalog, i);
        n_profiles += model->profiles.n;
        n_types += model->types.n;
        if (i > 0) {
            assert_true(strcmp(catalog_at(catalog, i - 1)->key, model->key) < 0);
        }
    }
    assert_int_equal(n_profiles, N_PROFILES);
    assert_int_equal(n_types, N_TYPES);
    assert_null(catalog_at(catalog, N_MODELS));
}

static void every_value_says_where_it_comes_from(void **state)
{
    (void)state;
    for (size_t i = 0; i < catalog_count(catalog); i++) {
        const struct gpu_model *model = catalog_at(catalog, i);
        assert_true(model->pci_ids.n == 0 || model->pci_source.text != NULL);
        for (vec_each(&model->profiles, profile)) {
            assert_non_null(profile->source);
            assert_non_null(profile->confidence);
            assert_true(profile->n_placements == 0 || profile->placements_source.text != NULL);
        }
        for (vec_each(&model->types, type)) {
            assert_true(type->source != NULL && type->confidence != NULL);
        }
    }
}

static void the_a100_has_the_table_of_lgip(void **state)
{
    (void)state;
    const struct gpu_model *model = model_of("A100 40GB");
    assert_string_equal(model->key, "a100-pcie-40gb");
    assert_int_equal(model->arch, ARCH_AMPERE);
    assert_int_equal(model->memory_mib, 40 * 1024);
    assert_int_equal(model->compute_slices, 7);
    assert_int_equal(model->memory_slices, 8);
    assert_int_equal(model->max_gpu_instances, 7);
    assert_true(model->mig_needs_reset);
    assert_int_equal(model->profiles.n, 7);
    assert_string_equal(model->profiles.items[0].name, "1g.5gb+me");
    assert_string_equal(model->profiles.items[6].name, "7g.40gb");

    const struct cat_profile *p = profile_of("a100-40gb", "MIG 3g.20gb");
    assert_int_equal(p->id, 9);
    assert_int_equal(p->nvml_profile, 2);
    assert_int_equal(p->max_instances, 2);
    assert_int_equal(p->memory_mib, 19968);
    assert_int_equal(p->sm, 42);
    assert_int_equal(p->copy_engines, 3);
    assert_int_equal(p->decoders, 2);
    assert_int_equal(p->n_placements, 2);
    assert_int_equal(p->placements[1].start, 4);
    assert_int_equal(p->placements[1].size, 4);
    assert_string_equal(p->confidence, "measured-dump");
    assert_int_equal(profile_of("a100-40gb", "1g.5gb+me")->media, MEDIA_ME);
    assert_int_equal(profile_of("a100-40gb", "4g.20gb")->n_placements, 1);
}

static void the_rtx_pro_6000_has_twelve_memory_slices_and_graphics_profiles(void **state)
{
    (void)state;
    const struct gpu_model *model = model_of("rtx-pro-6000-blackwell-se");
    assert_int_equal(model->memory_slices, 12);
    assert_int_equal(model->sriov_vfs, 48);
    assert_int_equal(model->mig_timesliced, CAT_YES);
    assert_false(model->mig_needs_reset);
    assert_int_equal(model->types.n, 98);

    const struct cat_profile *gfx = model_profile_by_id(model, 47);
    assert_string_equal(gfx->name, "1g.24gb+gfx");
    assert_true(gfx->gfx);
    assert_int_equal(gfx->placements[3].start, 9);
    assert_int_equal(gfx->placements[3].size, 3);
    assert_int_equal(gfx->memory_mib, 24187); /* printed as 23.62 GiB */
    assert_int_equal(profile_of(model->key, "65")->media, MEDIA_ALL);
    assert_int_equal(profile_of(model->key, "1g.24gb-me")->media, MEDIA_NONE);

    const struct cat_vgpu_type *type = type_of(model->key, "DC-1-8C");
    assert_string_equal(type->full_name, "NVIDIA RTX Pro 6000 Blackwell DC-1-8C");
    assert_int_equal(type->type_id, 1557);
    assert_int_equal(type->max_per_gi, 3);
    assert_int_equal(type->max_per_gpu, 12);
    assert_int_equal(type->gi_slices, 1);
    assert_string_equal(type->gi_profile, "1g.24gb+gfx");
    assert_int_equal(type->gi_profile_id, 47);
    assert_ptr_equal(type_of(model->key, "DC-1-8CGFX"), type);
    assert_ptr_equal(type_of(model->key, "rtx pro 6000 blackwell dc-1-8c"), type);
    assert_ptr_equal(type_of(model->key, "1557"), type);
    assert_int_equal(type_of(model->key, "NVIDIA RTX Pro 6000 Blackwell DC-4-96")->series, 'G');
}

static void boards_without_a_dump_of_their_own_have_what_is_published(void **state)
{
    (void)state;
    static const struct {
        const char *model, *type;
        uint32_t id, mib, max;
    } rows[] = {
        {"0x1DB4", "V100-16Q", 109, 16384, 1},
        {"Tesla V100-PCIE-16GB", "GRID V100-2B4", 217, 2048, 8},
        {"0x1E78:0x13D9", "RTX6000P-1Q", 375, 1024, 24},
        {"0x1E78:0x13D8", "GRID RTX8000P-48Q", 413, 49152, 1},
        {"quadro-rtx-8000-passive", "nvidia-402", 402, 1024, CAT_UNKNOWN},
        {"h20", "H20-8C", CAT_UNKNOWN, 8192, 12},
        {"rtx-6000d", "6000D-1-42C", 2201, CAT_UNKNOWN, 2},
        {"gb200", "GB200-189C", CAT_UNKNOWN, CAT_UNKNOWN, 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct cat_vgpu_type *type = type_of(rows[i].model, rows[i].type);
        assert_int_equal(type->type_id, rows[i].id);
        assert_int_equal(type->framebuffer_mib, rows[i].mib);
        assert_int_equal(type->max_per_gpu, rows[i].max);
    }
    struct error err = {0};
    const struct gpu_model *model = NULL;
    assert_int_equal(catalog_find(catalog, "0x1E78", &model, &err), -REASON_INVALID);
    assert_int_equal(profile_of("h100-pcie", "1g.20gb")->sm, 14);
    assert_int_equal(profile_of("h100-pcie", "7g.80gb")->memory_mib, 81152); /* 79.25 GiB */
}

static void what_is_something_else_is_named_as_that(void **state)
{
    (void)state;
    static const struct {
        bool as_type;
        const char *model, *text, *message, *hint;
    } rows[] = {
        {false, "a100-40gb", "1c.2g.10gb",
         "\"1c.2g.10gb\" is a compute instance, but a claim gets a whole GPU instance",
         "ask for 2g.10gb"},
        {false, "a100-40gb", "1c.2g.20gb",
         "\"1c.2g.20gb\" is a compute instance, but a claim gets a whole GPU instance",
         "ask for 2g.20gb"},
        {false, "a100-40gb", "3g.20gb@4",
         "\"3g.20gb@4\" contains a profile and its start, which must be given separately",
         "write profile: 3g.20gb and start: 4 (on the command line, --profile 3g.20gb@4)"},
        {false, "a100-40gb", "9:0",
         "\"9:0\" contains a profile and its start, which must be given separately",
         "write profile: 3g.20gb and start: 0 (on the command line, --profile 3g.20gb@0)"},
        {false, "a100-40gb", "GRID A100-1-5C",
         "\"GRID A100-1-5C\" is a vGPU type, not a GPU instance profile",
         "give it as a type: A100-1-5C"},
        {false, "l40s", "3g.20gb",
         "the catalog has no GPU instance profiles of L40S 48GB, so \"3g.20gb\" is unknown", ""},
        {false, "a100-40gb", "gpu:a100_3g.20gb:2",
         "\"gpu:a100_3g.20gb:2\" contains a count, but a claim gets one",
         "ask for 3g.20gb, once for each"},
        {false, "a100-40gb", "1g.5gb: 3", "\"1g.5gb: 3\" contains a count, but a claim gets one",
         "ask for 1g.5gb, once for each"},
        {true, "a100-40gb", "mig-3g.20gb",
         "\"mig-3g.20gb\" is a GPU instance profile, not a vGPU type",
         "give it as a profile: 3g.20gb"},
        {true, "l40s", "nvidia.com/gpu", "\"nvidia.com/gpu\" is a whole GPU, not a vGPU type",
         "a VM gets a whole GPU in mode passthrough"},
        {false, "a100-40gb", "MIG-01234567-89ab-cdef-0123-456789abcdef",
         "\"MIG-01234567-89ab-cdef-0123-456789abcdef\" is an existing instance, not a profile", ""},
        {true, "l40s", "nvidia-9999", "no vGPU type of L40S 48GB is known to have id 9999", ""},
        {true, "rtx-pro-6000-blackwell-se", "DC-12",
         "\"DC-12\" lacks the series letter at its end; did you mean DC-12Q, DC-12A or DC-12C?",
         "the type without a letter is \"NVIDIA RTX Pro 6000 Blackwell DC-12\""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct gpu_model *model = model_of(rows[i].model);
        const struct cat_profile *profile = NULL;
        const struct cat_vgpu_type *type = NULL;
        struct error err = {.hint = ""};
        int r = rows[i].as_type ? model_find_type(model, rows[i].text, &type, &err)
                                : model_find_profile(model, rows[i].text, &profile, &err);
        bool unknown = strstr(err.message, "known") != NULL;
        assert_int_equal(r, unknown ? -REASON_NOT_FOUND : -REASON_INVALID);
        assert_string_equal(err.message, rows[i].message);
        assert_string_equal(err.hint, rows[i].hint);
    }
}

static void the_l40s_is_time_sliced_only_with_the_ada_table(void **state)
{
    (void)state;
    const struct gpu_model *model = model_of("l40s");
    assert_int_equal(model->profiles.n, 0);
    assert_int_equal(model->mig_backed, CAT_NO);
    assert_int_equal(model->sriov_vfs, CAT_UNKNOWN);
    const struct cat_vgpu_type *type = type_of("l40s", "NVIDIA L40S-8Q");
    assert_int_equal(type->type_id, 1152);
    assert_int_equal(type->max_per_gpu, 6);
    assert_int_equal(type->max_per_gpu_mixed, 4);
    assert_int_equal(type->series, 'Q');
    assert_int_equal(type->max_per_gi, CAT_UNKNOWN);
    assert_int_equal(type_of("l40s", "L40S-48C")->type_id, CAT_UNKNOWN);
    assert_int_equal(type_of("l40s", "L40S-3B")->framebuffer_mib, CAT_UNKNOWN);
    const struct cat_mixed_row *last = &model->mixed.items[model->mixed.n - 1];
    assert_int_equal(last->framebuffer_mib, 1024);
    assert_int_equal(last->max_mixed, 16);
    const struct gpu_model *ampere = model_of("a40");
    assert_int_equal(ampere->mixed.items[ampere->mixed.n - 1].max_mixed, 30);
}

static void one_gpu_on_two_boards_is_two_models(void **state)
{
    (void)state;
    assert_string_equal(model_of("0x20F1")->vgpu_prefix, "A100");
    assert_string_equal(model_of("0x20B0")->vgpu_prefix, "A100X");
    assert_string_equal(model_of("0x20B010DE")->key, "a100-sxm4-40gb");
    assert_string_equal(model_of("0x2330")->vgpu_prefix, "H100XM");
    assert_string_equal(model_of("0x2331")->vgpu_prefix, "H100");
    assert_int_equal(model_of("0x20B0")->profiles.n, model_of("0x20F1")->profiles.n);
}

static void a_subsystem_id_tells_apart_what_a_device_id_does_not(void **state)
{
    (void)state;
    assert_string_equal(model_of("0x2BB3:0x227A")->key, "rtx-pro-5000-blackwell-72gb");
    assert_string_equal(model_of("0x2bb310de:0x204d10de")->key, "rtx-pro-5000-blackwell-48gb");
    assert_string_equal(model_of("0x25B6:0x14A9")->key, "a16");
    /* Another maker's board of a GPU that has its device id to itself. */
    assert_string_equal(model_of("0x26B9:0x1234")->key, "l40s");

    const struct gpu_model *model = NULL;
    struct error err = {0};
    assert_int_equal(catalog_find(catalog, "0x2BB3", &model, &err), -REASON_INVALID);
    assert_non_null(strstr(err.message, "rtx-pro-5000-blackwell-48gb (0x2BB3:0x204D)"));
    assert_non_null(strstr(err.message, "rtx-pro-5000-blackwell-72gb (0x2BB3:0x227A)"));
    assert_null(catalog_find_pci(catalog, 0x2bb3, CAT_UNKNOWN));
    assert_string_equal(catalog_find_pci(catalog, 0x2bb3, 0x227a)->key,
                        "rtx-pro-5000-blackwell-72gb");
    assert_null(catalog_find_pci(catalog, 0xffff, CAT_UNKNOWN));
}

static void names_are_found_as_people_and_tools_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *key;
    } rows[] = {
        {"A100-40GB", "a100-pcie-40gb"},
        {"a100 80gb", "a100-pcie-80gb"},
        {"NVIDIA A100-SXM4-40GB", "a100-sxm4-40gb"},
        {"H100 80GB HBM3", "h100-sxm5-80gb"},
        {"NVIDIA A100 40GB", "a100-pcie-40gb"},
        {"h100", "h100-sxm5-80gb"},
        {"NVIDIA H100", "h100-sxm5-94gb"},
        {"A30 24GB", "a30"},
        {"H200", "h200-sxm5-141gb"},
        {"GH200 96GB HBM3", "gh200-96gb"},
        {"B200 180GB", "b200-180gb"},
        {"GB300", "gb300-278gb"},
        {"NVIDIA L40S", "l40s"},
        {"Tesla T4", "t4"},
        {"RTX PRO 6000 Blackwell Server Edition 96GB", "rtx-pro-6000-blackwell-se"},
        {"NVIDIA RTX PRO 6000 Blackwell Server Edition", "rtx-pro-6000-blackwell-se"},
        {"jetson-thor", "jetson-thor"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_string_equal(model_of(rows[i].text)->key, rows[i].key);
    }
}

static void unknown_names_get_the_nearest(void **state)
{
    (void)state;
    const struct gpu_model *model = NULL;
    struct error err = {0};
    assert_int_equal(catalog_find(catalog, "l40x", &model, &err), -REASON_NOT_FOUND);
    assert_non_null(strstr(err.message, "did you mean \"l40"));
    assert_int_equal(catalog_find(catalog, "0x1234", &model, &err), -REASON_NOT_FOUND);
    assert_non_null(strstr(err.message, "0x1234"));
    assert_int_equal(catalog_find(catalog, "0x20B01002", &model, &err), -REASON_INVALID);
    assert_int_equal(catalog_find(catalog, "0xzz", &model, &err), -REASON_INVALID);

    const struct cat_profile *profile = NULL;
    assert_int_equal(model_find_profile(model_of("a100-40gb"), "2g.20gb", &profile, &err),
                     -REASON_NOT_FOUND);
    assert_non_null(strstr(err.message, "did you mean \"2g.10gb\"?"));
    assert_non_null(strstr(err.hint, "7g.40gb"));
    assert_int_equal(model_find_profile(model_of("l40s"), "1g.5gb", &profile, &err),
                     -REASON_NOT_FOUND);

    const struct cat_vgpu_type *type = NULL;
    assert_int_equal(model_find_type(model_of("l40s"), "L40S-9Q", &type, &err), -REASON_NOT_FOUND);
    assert_non_null(strstr(err.message, "did you mean \"L40S-"));
}

static void a_type_without_a_gpu_is_looked_up_over_all(void **state)
{
    (void)state;
    const struct gpu_model *models[4];
    assert_int_equal(catalog_find_types(catalog, "L40S-8Q", models, 4), 1);
    assert_string_equal(models[0]->key, "l40s");
    assert_int_equal(catalog_find_types(catalog, "DC-1-8C", models, 4), 2);
    assert_int_equal(catalog_find_types(catalog, "DC-1-8C", models, 1), 1);
    assert_int_equal(catalog_find_types(catalog, "6000D-1-42CGFX", models, 4), 1);
    assert_string_equal(models[0]->key, "rtx-6000d");
    assert_int_equal(catalog_find_types(catalog, "no-such", models, 4), 0);
}

static void what_no_source_says_stays_unknown(void **state)
{
    (void)state;
    assert_int_equal(profile_of("rtx-pro-5000", "1g.24gb+gfx")->id, CAT_UNKNOWN);
    assert_int_equal(profile_of("rtx-pro-5000", "1g.24gb+gfx")->n_placements, 0);
    assert_int_equal(profile_of("rtx-pro-5000", "1g.24gb+gfx")->decoders, CAT_UNKNOWN);
    assert_int_equal(model_of("jetson-thor")->memory_mib, CAT_UNKNOWN);
    assert_int_equal(model_of("rtx-pro-5000-72gb")->compute_slices, CAT_UNKNOWN);
    assert_int_equal(model_of("rtx-6000d")->mig_timesliced, CAT_MAYBE);
    assert_int_equal(profile_of("h100xs", "1g.8gb")->memory_mib, CAT_UNKNOWN);
    assert_null(model_profile_of_type(model_of("rtx-6000d"), type_of("rtx-6000d", "6000D-1-42C")));
}

/* What stands in for an unpublished size is no more than any published one. */
static void no_profile_has_less_than_its_least(void **state)
{
    (void)state;
    size_t n_unknown = 0;
    for (size_t i = 0; i < catalog_count(catalog); i++) {
        for (vec_each(&catalog_at(catalog, i)->profiles, profile)) {
            struct cat_profile unknown = *profile;
            unknown.memory_mib = CAT_UNKNOWN;
            uint32_t least = profile_least_mib(&unknown);
            assert_true(profile->memory_mib == CAT_UNKNOWN || least <= profile->memory_mib);
            assert_int_equal(profile_least_mib(profile),
                             profile->memory_mib == CAT_UNKNOWN ? least : profile->memory_mib);
            n_unknown += profile->memory_mib == CAT_UNKNOWN;
        }
    }
    assert_true(n_unknown > 0);
    assert_int_equal(profile_least_mib(profile_of("rtx-pro-5000", "1g.24gb")), 21504);
    assert_int_equal(profile_least_mib(profile_of("jetson-thor", "1g.0gb+gfx")), CAT_UNKNOWN);
}

/* What stands in for an unpublished number is the same as each published one. */
static void types_of_one_size_have_one_number(void **state)
{
    (void)state;
    for (size_t i = 0; i < catalog_count(catalog); i++) {
        const struct gpu_model *model = catalog_at(catalog, i);
        for (vec_each(&model->types, type)) {
            struct cat_vgpu_type unknown = *type;
            unknown.max_per_gpu = CAT_UNKNOWN;
            uint32_t most = type_most_per_gpu(model, &unknown);
            assert_true(most == CAT_UNKNOWN || type->max_per_gpu == CAT_UNKNOWN ||
                        most == type->max_per_gpu);
        }
    }
    const struct gpu_model *l40s = model_of("l40s");
    assert_int_equal(type_of("l40s", "L40S-3B")->max_per_gpu, CAT_UNKNOWN);
    assert_int_equal(type_most_per_gpu(l40s, type_of("l40s", "L40S-3B")), 16);
    assert_int_equal(type_compute(l40s, type_of("l40s", "L40S-3B")), 6);
    assert_int_equal(type_most_per_gpu(model_of("a2"), type_of("a2", "A2-3B")), CAT_UNKNOWN);
}

/* What stands in for an unpublished size is the same as each published one. */
static void guests_see_the_same_of_types_of_one_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < catalog_count(catalog); i++) {
        const struct gpu_model *model = catalog_at(catalog, i);
        for (vec_each(&model->types, type)) {
            struct cat_vgpu_type unknown = *type;
            unknown.guest_framebuffer_mib = CAT_UNKNOWN;
            uint32_t seen = type_guest_mib(model, &unknown);
            if (seen != CAT_UNKNOWN && type->guest_framebuffer_mib != CAT_UNKNOWN &&
                seen != type->guest_framebuffer_mib) {
                print_error("%s %s: %u, not %u\n", model->key, type->name, seen,
                            type->guest_framebuffer_mib);
                fail();
            }
        }
    }
    assert_int_equal(type_of("l4", "L4-12C")->guest_framebuffer_mib, CAT_UNKNOWN);
    assert_int_equal(type_guest_mib(model_of("l4"), type_of("l4", "L4-12C")), 11264);
    assert_int_equal(type_guest_mib(NULL, type_of("l4", "L4-12C")), CAT_UNKNOWN);
}

static void a_type_is_for_media_by_its_profile_or_name(void **state)
{
    (void)state;
    struct cat_vgpu_type alone = {.name = "X-1-8CME", .gi_profile_id = 99};
    const struct gpu_model *model = model_of("a100");
    assert_true(type_is_for_media(model, type_of("a100", "A100-1-5CME")));
    assert_false(type_is_for_media(model, type_of("a100", "A100-1-5C")));
    assert_false(type_is_for_media(model_of("l40s"), type_of("l40s", "L40S-8Q")));
    assert_true(type_is_for_media(model, &alone));
    alone.name = "X-1-8C";
    assert_false(type_is_for_media(model, &alone));
}

/* PCI device ids in the filters of the configs that NVIDIA ships: mig-parted's default and example,
 * vgpu-device-manager's examples. */
static void every_board_that_nvidias_configs_name_is_there(void **state)
{
    (void)state;
    static const uint32_t devices[] = {
        0x1DB1, 0x1DB3, 0x1DB4, 0x1DB5, 0x1DB6, 0x1DF6, 0x1E78, 0x1EB8, 0x20B0, 0x20B1,
        0x20B2, 0x20B5, 0x20B6, 0x20B7, 0x20B8, 0x20B9, 0x20F1, 0x20F3, 0x20F5, 0x20F6,
        0x20FD, 0x2230, 0x2231, 0x2233, 0x2235, 0x2236, 0x2321, 0x2322, 0x2324, 0x2329,
        0x232C, 0x2330, 0x2331, 0x2335, 0x2336, 0x2337, 0x2339, 0x233A, 0x233B, 0x233D,
        0x2342, 0x2348, 0x25B6, 0x26B1, 0x26B2, 0x26B3, 0x26B5, 0x26B9, 0x26BA, 0x27B6,
        0x27B8, 0x2901, 0x2941, 0x2BB5, 0x2BB9, 0x2C3A, 0x3182, 0x31C2,
    };
    for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
        bool found = false;
        for (size_t k = 0; k < catalog_count(catalog); k++) {
            for (vec_each(&catalog_at(catalog, k)->pci_ids, id)) {
                found = found || id->device == devices[i];
            }
        }
        if (!found) {
            fail_msg("no model has 0x%04X", devices[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_model_profile_and_type_is_there),
        cmocka_unit_test(every_board_that_nvidias_configs_name_is_there),
        cmocka_unit_test(every_value_says_where_it_comes_from),
        cmocka_unit_test(the_a100_has_the_table_of_lgip),
        cmocka_unit_test(the_rtx_pro_6000_has_twelve_memory_slices_and_graphics_profiles),
        cmocka_unit_test(boards_without_a_dump_of_their_own_have_what_is_published),
        cmocka_unit_test(what_is_something_else_is_named_as_that),
        cmocka_unit_test(the_l40s_is_time_sliced_only_with_the_ada_table),
        cmocka_unit_test(one_gpu_on_two_boards_is_two_models),
        cmocka_unit_test(a_subsystem_id_tells_apart_what_a_device_id_does_not),
        cmocka_unit_test(names_are_found_as_people_and_tools_write_them),
        cmocka_unit_test(unknown_names_get_the_nearest),
        cmocka_unit_test(a_type_without_a_gpu_is_looked_up_over_all),
        cmocka_unit_test(what_no_source_says_stays_unknown),
        cmocka_unit_test(no_profile_has_less_than_its_least),
        cmocka_unit_test(types_of_one_size_have_one_number),
        cmocka_unit_test(guests_see_the_same_of_types_of_one_size),
        cmocka_unit_test(a_type_is_for_media_by_its_profile_or_name),
    };
    return cmocka_run_group_tests_name("catalog_data", tests, load_catalog, unload_catalog);
}
