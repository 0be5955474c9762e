/* SPDX-License-Identifier: Apache-2.0 */
#include "models.h"

#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "test.h"

/* clang-format off */
#define AT1(a) .placements = { { a, S } }, .n_placements = 1
#define AT2(a, b) .placements = { { a, S }, { b, S } }, .n_placements = 2
#define AT3(a, b, c) .placements = { { a, S }, { b, S }, { c, S } }, .n_placements = 3
#define AT4(a, b, c, d) .placements = { { a, S }, { b, S }, { c, S }, { d, S } }, .n_placements = 4
#define AT7 .placements = { { 0, 1 }, { 1, 1 }, { 2, 1 }, { 3, 1 }, { 4, 1 }, { 5, 1 }, { 6, 1 } }, \
            .n_placements = 7

/* Profiles and placements as `nvidia-smi mig -lgip` and -lgipp print them (A100-40, A30, RTX PRO 6000
 * Blackwell Server Edition). */
static struct cat_profile a100_profiles[] = {
    { "1g.5gb+me", 20, 7, 1, CAT_UNKNOWN, 1, 1, .media = MEDIA_ME, AT7 },
    { "1g.5gb", 19, 0, 7, CAT_UNKNOWN, 1, 1, AT7 },
#define S 2
    { "1g.10gb", 15, 9, 4, CAT_UNKNOWN, 1, 2, AT4(0, 2, 4, 6) },
    { "2g.10gb", 14, 1, 3, CAT_UNKNOWN, 2, 2, AT3(0, 2, 4) },
#undef S
#define S 4
    { "3g.20gb", 9, 2, 2, CAT_UNKNOWN, 3, 4, AT2(0, 4) },
    { "4g.20gb", 5, 3, 1, CAT_UNKNOWN, 4, 4, AT1(0) },
#undef S
#define S 8
    { "7g.40gb", 0, 4, 1, CAT_UNKNOWN, 7, 8, AT1(0) },
#undef S
};

static struct cat_profile a30_profiles[] = {
#define S 1
    { "1g.6gb+me", 21, 7, 1, CAT_UNKNOWN, 1, 1, .media = MEDIA_ME, AT4(0, 1, 2, 3) },
    { "1g.6gb", 14, 0, 4, CAT_UNKNOWN, 1, 1, AT4(0, 1, 2, 3) },
#undef S
#define S 2
    { "2g.12gb+me", 6, 8, 1, CAT_UNKNOWN, 2, 2, .media = MEDIA_ME, AT2(0, 2) },
    { "2g.12gb", 5, 1, 2, CAT_UNKNOWN, 2, 2, AT2(0, 2) },
#undef S
#define S 4
    { "4g.24gb", 0, 3, 1, CAT_UNKNOWN, 4, 4, AT1(0) },
#undef S
};

static struct cat_profile rtx_pro_6000_profiles[] = {
#define S 3
    { "1g.24gb-me", 67, 13, 4, CAT_UNKNOWN, 1, 3, .media = MEDIA_NONE, AT4(0, 3, 6, 9) },
    { "1g.24gb+me.all", 65, 15, 1, CAT_UNKNOWN, 1, 3, .media = MEDIA_ALL, AT4(0, 3, 6, 9) },
    { "1g.24gb+gfx", 47, 10, 4, CAT_UNKNOWN, 1, 3, .gfx = true, AT4(0, 3, 6, 9) },
    { "1g.24gb+me", 21, 7, 1, CAT_UNKNOWN, 1, 3, .media = MEDIA_ME, AT4(0, 3, 6, 9) },
    { "1g.24gb", 14, 0, 4, CAT_UNKNOWN, 1, 3, AT4(0, 3, 6, 9) },
#undef S
#define S 6
    { "2g.48gb-me", 66, 14, 2, CAT_UNKNOWN, 2, 6, .media = MEDIA_NONE, AT2(0, 6) },
    { "2g.48gb+me.all", 64, 16, 1, CAT_UNKNOWN, 2, 6, .media = MEDIA_ALL, AT2(0, 6) },
    { "2g.48gb+gfx", 35, 11, 2, CAT_UNKNOWN, 2, 6, .gfx = true, AT2(0, 6) },
    { "2g.48gb", 5, 1, 2, CAT_UNKNOWN, 2, 6, AT2(0, 6) },
#undef S
#define S 12
    { "4g.96gb+gfx", 32, 12, 1, CAT_UNKNOWN, 4, 12, .gfx = true, AT1(0) },
    { "4g.96gb", 0, 3, 1, CAT_UNKNOWN, 4, 12, AT1(0) },
#undef S
};

#define MIG_TYPE(n, fb, gi, per_gi, per_gpu)                                                       \
    { .name = n, .full_name = n, .type_id = CAT_UNKNOWN, .series = 'C', .framebuffer_mib = fb,     \
      .mig_backed = true, .max_per_gpu = per_gpu, .max_per_gpu_mixed = CAT_UNKNOWN,                \
      .gi_profile_id = gi, .max_per_gi = per_gi, .subsystem_id = CAT_UNKNOWN }
#define TYPE(n, fb, most, mixed)                                                                   \
    { .name = n, .full_name = n, .type_id = CAT_UNKNOWN, .series = 'Q', .framebuffer_mib = fb,     \
      .max_per_gpu = most, .max_per_gpu_mixed = mixed, .gi_profile_id = CAT_UNKNOWN,               \
      .max_per_gi = CAT_UNKNOWN, .subsystem_id = CAT_UNKNOWN }

/* NVIDIA vGPU software user guide 17, A100 PCIe 40GB and L40S; NVIDIA AI Enterprise documentation,
 * RTX PRO 6000 Blackwell Server Edition. */
static struct cat_vgpu_type a100_types[] = {
    MIG_TYPE("A100-1-5CME", 5120, 20, 1, 1),   MIG_TYPE("A100-1-5C", 5120, 19, 1, 7),
    MIG_TYPE("A100-1-10C", 10240, 15, 1, 4),   MIG_TYPE("A100-2-10C", 10240, 14, 1, 3),
    MIG_TYPE("A100-3-20C", 20480, 9, 1, 2),    MIG_TYPE("A100-4-20C", 20480, 5, 1, 1),
    MIG_TYPE("A100-7-40C", 40960, 0, 1, 1),    TYPE("A100-4C", 4096, 10, 8),
    TYPE("A100-10C", 10240, 4, 4),             TYPE("A100-40C", 40960, 1, 1),
};

static struct cat_vgpu_type rtx_pro_6000_types[] = {
    MIG_TYPE("DC-1-2Q", 2048, 47, 12, 48),   MIG_TYPE("DC-1-3Q", 3072, 47, 8, 32),
    MIG_TYPE("DC-1-3A", 3072, 47, 8, 32),    MIG_TYPE("DC-1-8Q", 8192, 47, 3, 12),
    MIG_TYPE("DC-1-8C", 8192, 47, 3, 12),    MIG_TYPE("DC-1-12Q", 12288, 47, 2, 8),
    MIG_TYPE("DC-1-24C", 24576, 47, 1, 4),   MIG_TYPE("DC-2-12Q", 12288, 35, 4, 8),
    MIG_TYPE("DC-2-48Q", 49152, 35, 1, 2),   MIG_TYPE("DC-4-24C", 24576, 32, 4, 4),
    MIG_TYPE("DC-4-96C", 98304, 32, 1, 1),   TYPE("DC-8Q", 8192, 12, 12),
    TYPE("DC-48Q", 49152, 2, 2),
};

static struct cat_vgpu_type l40s_types[] = {
    TYPE("L40S-1Q", 1024, 32, 16),  TYPE("L40S-2Q", 2048, 24, 16), TYPE("L40S-4Q", 4096, 12, 8),
    TYPE("L40S-4C", 4096, 12, 8),   TYPE("L40S-8Q", 8192, 6, 4),   TYPE("L40S-12Q", 12288, 4, 4),
    TYPE("L40S-16Q", 16384, 3, 2),  TYPE("L40S-24Q", 24576, 2, 2), TYPE("L40S-48Q", 49152, 1, 1),
};

/* NVIDIA vGPU software user guide 17, placements for mixed sizes on 48 GB (Ada row for 1 GB). */
static struct cat_mixed_row l40s_mixed[] = {
    { 49152, 48, 1, 1, { 0 }, 1 },
    { 24576, 24, 2, 2, { 0, 24 }, 2 },
    { 16384, 16, 3, 2, { 0, 32 }, 2 },
    { 12288, 12, 4, 4, { 0, 12, 24, 36 }, 4 },
    { 8192, 8, 6, 4, { 0, 16, 24, 40 }, 4 },
    { 6144, 6, 8, 8, { 0, 6, 12, 18, 24, 30, 36, 42 }, 8 },
    { 4096, 4, 12, 8, { 0, 8, 12, 20, 24, 32, 36, 44 }, 8 },
    { 3072, 3, 16, 16, { 0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 42, 45 }, 16 },
    { 2048, 2, 24, 16, { 0, 4, 6, 10, 12, 16, 18, 22, 24, 28, 30, 34, 36, 40, 42, 46 }, 16 },
    { 1024, 1, 32, 16, { 0, 5, 6, 11, 12, 17, 18, 23, 24, 29, 30, 35, 36, 41, 42, 47 }, 16 },
};

#define ALL(a) { .items = (a), .n = ARRAY_SIZE(a) }
/* clang-format on */

const struct gpu_model model_a100 = {
    .key = "a100-40gb",
    .name = "A100 40GB",
    .arch = ARCH_AMPERE,
    .memory_mib = 40960,
    .compute_slices = 7,
    .memory_slices = 8,
    .max_gpu_instances = 7,
    .mig_needs_reset = true,
    .profiles = ALL(a100_profiles),
    .sriov = CAT_YES,
    .time_sliced = CAT_YES,
    .mixed_size = CAT_YES,
    .mig_backed = CAT_YES,
    .mig_timesliced = CAT_NO,
    .types = ALL(a100_types),
};

const struct gpu_model model_a30 = {
    .key = "a30",
    .name = "A30",
    .arch = ARCH_AMPERE,
    .memory_mib = 24576,
    .compute_slices = 4,
    .memory_slices = 4,
    .max_gpu_instances = 4,
    .mig_needs_reset = true,
    .profiles = ALL(a30_profiles),
};

const struct gpu_model model_rtx_pro_6000 = {
    .key = "rtx-pro-6000-blackwell-se",
    .name = "RTX PRO 6000 Blackwell Server Edition",
    .arch = ARCH_BLACKWELL,
    .memory_mib = 98304,
    .compute_slices = 4,
    .memory_slices = 12,
    .max_gpu_instances = 4,
    .profiles = ALL(rtx_pro_6000_profiles),
    .sriov = CAT_YES,
    .time_sliced = CAT_YES,
    .mixed_size = CAT_YES,
    .mig_backed = CAT_YES,
    .mig_timesliced = CAT_YES,
    .types = ALL(rtx_pro_6000_types),
};

const struct gpu_model model_l40s = {
    .key = "l40s",
    .name = "L40S",
    .arch = ARCH_ADA,
    .memory_mib = 49152,
    .compute_slices = CAT_UNKNOWN,
    .memory_slices = CAT_UNKNOWN,
    .max_gpu_instances = 0,
    .sriov = CAT_YES,
    .time_sliced = CAT_YES,
    .mixed_size = CAT_YES,
    .types = ALL(l40s_types),
    .mixed = ALL(l40s_mixed),
};

const struct cat_profile *model_profile(const struct gpu_model *model, const char *name)
{
    for (size_t i = 0; i < model->profiles.n; i++) {
        if (str_eq(model->profiles.items[i].name, name)) {
            return &model->profiles.items[i];
        }
    }
    fail_msg("%s has no profile \"%s\"", model->name, name);
    return NULL;
}

const struct cat_vgpu_type *model_type(const struct gpu_model *model, const char *name)
{
    for (size_t i = 0; i < model->types.n; i++) {
        const struct cat_vgpu_type *type = &model->types.items[i];
        const char *blank = strrchr(type->name, ' '); /* "RTX Pro 6000 Blackwell DC-1-8C" */
        if (str_eq(type->name, name) || (blank != NULL && str_eq(blank + 1, name))) {
            return type;
        }
    }
    fail_msg("%s has no vGPU type \"%s\"", model->name, name);
    return NULL;
}

/* Takes the next word of *text apart: NAME[@START][=COUNT]. False at the end. */
static bool next_word(const char **text, char name[64], uint32_t *start, uint32_t *count)
{
    *text += strspn(*text, " ");
    size_t len = strcspn(*text, " ");
    if (len == 0) {
        return false;
    }
    assert_true(len < 64);
    memcpy(name, *text, len);
    name[len] = '\0';
    *text += len;
    *start = LAYOUT_ANYWHERE;
    *count = 1;
    char *equals = strchr(name, '=');
    if (equals != NULL) {
        *equals = '\0';
        assert_true(parse_u32(equals + 1, count));
    }
    char *at = strchr(name, '@');
    if (at != NULL) {
        *at = '\0';
        assert_true(parse_u32(at + 1, start));
    }
    return true;
}

struct layout_gis gis_of(const struct gpu_model *model, const char *text)
{
    struct layout_gis gis = {.n = 0};
    char name[64];
    uint32_t start = 0;
    uint32_t count = 0;
    while (next_word(&text, name, &start, &count)) {
        for (uint32_t i = 0; i < count; i++) {
            assert_true(gis.n < LAYOUT_MAX_GIS);
            gis.items[gis.n++] = (struct layout_gi){model_profile(model, name), start};
        }
    }
    return gis;
}

struct layout_vgpus vgpus_of(const struct gpu_model *model, const char *text)
{
    struct layout_vgpus vgpus = {.n = 0};
    char name[64];
    uint32_t start = 0;
    uint32_t count = 0;
    while (next_word(&text, name, &start, &count)) {
        for (uint32_t i = 0; i < count; i++) {
            assert_true(vgpus.n < LAYOUT_MAX_VGPUS);
            vgpus.items[vgpus.n++] = (struct layout_vgpu){
                .type = model_type(model, name), .gi = LAYOUT_ANYWHERE, .placement_id = start};
        }
    }
    return vgpus;
}
