/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the vGPU part of a model's file. */
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "catalog/consistency.h"
#include "catalog/readers.h"

#define MAX_GROUPS 16
#define MAX_TYPES 256
#define MAX_FRAMEBUFFER_MIB (4096 * 1024)

/* Types of one mode that share their sources. */
struct group {
    bool mig_backed;
    const char *brand;
    struct cat_source id, limit, mixed, profile, subsystem;
};

/* "7680x4320" */
static bool is_resolution(const char *text)
{
    const char *by = strchr(text, 'x');
    if (by == NULL) {
        return false;
    }
    CLEANUP_FREE char *width = xstrndup(text, (size_t)(by - text));
    uint32_t number = 0;
    return parse_u32(width, &number) && parse_u32(by + 1, &number);
}

static const char *read_resolution(struct cat_file *file, struct reader *r)
{
    const char *text = reader_str_or(r, "resolution", 16, NULL);
    if (text != NULL && !is_resolution(text)) {
        reader_fail(r, "resolution", "\"%s\" is not like 7680x4320", text);
        return NULL;
    }
    return cat_keep(file->catalog, text);
}

/* "NVIDIA L40S-8Q"; the short name is its tail. */
static void read_name(struct cat_file *file, struct reader *r, const struct group *group,
                      struct cat_vgpu_type *type)
{
    const char *name = reader_str(r, "name", 64);
    if (name == NULL) {
        return;
    }
    CLEANUP_FREE char *full = xasprintf("%s %s", group->brand, name);
    type->full_name = cat_keep(file->catalog, full);
    type->name = type->full_name + strlen(group->brand) + 1;
}

/* Finds the GPU instance profile that a type runs on, by name or by id. */
static void read_gi_profile(struct reader *r, const struct gpu_model *model,
                            struct cat_vgpu_type *type)
{
    const char *name = reader_str_or(r, "profile", 32, NULL);
    type->gi_profile_id = cat_number(r, "profile_id", 0, 255);
    if (name != NULL && type->gi_profile_id != CAT_UNKNOWN) {
        reader_fail(r, "profile_id", "is given together with profile");
    }
    if (name == NULL) {
        return;
    }
    struct error problem = {0};
    const struct cat_profile *profile = NULL;
    if (model_find_profile(model, name, &profile, &problem) < 0) {
        reader_fail(r, "profile", "%s", problem.message);
        return;
    }
    type->gi_profile = profile->name;
    type->gi_profile_id = profile->id;
}

/* Where a value is known, its source must be; where it is not, there is none. */
static struct cat_source source_if(struct reader *r, bool known, struct cat_source source,
                                   const char *key)
{
    if (known && source.text == NULL) {
        reader_fail(r, key, "is missing");
    }
    return known ? source : (struct cat_source){0};
}

static void read_type_sources(struct cat_file *file, struct reader *r, const struct group *group,
                              struct cat_vgpu_type *type)
{
    struct cat_source id = cat_read_source(file, r, "id_source", group->id);
    struct cat_source limit = cat_read_source(file, r, "limit_source", group->limit);
    struct cat_source mixed = cat_read_source(file, r, "mixed_source", group->mixed);
    struct cat_source profile = cat_read_source(file, r, "profile_source", group->profile);
    struct cat_source subsystem = cat_read_source(file, r, "subsystem_source", group->subsystem);

    bool limited = type->max_per_gpu != CAT_UNKNOWN || type->max_per_gi != CAT_UNKNOWN;
    bool placed = type->gi_profile != NULL || type->gi_profile_id != CAT_UNKNOWN;
    type->id_source = source_if(r, type->type_id != CAT_UNKNOWN, id, "id_source");
    type->limit_source = source_if(r, limited, limit, "limit_source");
    type->mixed_source =
        source_if(r, type->max_per_gpu_mixed != CAT_UNKNOWN, mixed, "mixed_source");
    type->profile_source = source_if(r, placed, profile, "profile_source");
    type->subsystem_source =
        source_if(r, type->subsystem_id != CAT_UNKNOWN, subsystem, "subsystem_source");

    const struct cat_source *const order[] = {&type->id_source, &type->limit_source,
                                              &type->subsystem_source};
    for (size_t i = 0; i < ARRAY_SIZE(order) && type->source == NULL; i++) {
        type->source = order[i]->text;
        type->confidence = order[i]->confidence;
    }
}

static int read_type(struct cat_file *file, struct reader *r, const struct group *group,
                     struct gpu_model *model)
{
    struct cat_vgpu_type type = {
        .type_id = cat_number(r, "id", 1, 65535),
        .subsystem_id = cat_number(r, "subsystem", 1, 0xffff),
        .framebuffer_mib = cat_number(r, "mib", 1, MAX_FRAMEBUFFER_MIB),
        .guest_framebuffer_mib = cat_number(r, "guest_mib", 1, MAX_FRAMEBUFFER_MIB),
        .max_heads = cat_number(r, "heads", 1, 16),
        .max_resolution = read_resolution(file, r),
        .mig_backed = group->mig_backed,
        .max_per_gpu = cat_number(r, "max", 1, 1024),
        .max_per_gpu_mixed = CAT_UNKNOWN,
        .max_per_gi = CAT_UNKNOWN,
        .gi_profile_id = CAT_UNKNOWN,
    };
    read_name(file, r, group, &type);
    if (group->mig_backed) {
        type.max_per_gi = cat_number(r, "per_gi", 1, 64);
        read_gi_profile(r, model, &type);
    } else {
        type.max_per_gpu_mixed = cat_number(r, "mixed", 1, 64);
    }
    read_type_sources(file, r, group, &type);
    int result = reader_end(r);
    if (result < 0) {
        return result;
    }
    struct cat_vgpu_type *kept = vec_push(&model->types);
    *kept = type;
    cat_complete_type(r, model, kept);
    return r->result;
}

WORDS_LOCAL(mode_words, "mode", 2, WORD(0, "time-sliced"), WORD(1, "mig"))

static int read_group(struct cat_file *file, struct reader *r, const char *brand,
                      struct gpu_model *model)
{
    const struct cat_source none = {0};
    struct group group = {
        .brand = brand,
        .mig_backed = reader_word(r, "mode", &mode_words) == 1,
        .id = cat_read_source(file, r, "id_source", none),
        .limit = cat_read_source(file, r, "limit_source", none),
        .mixed = cat_read_source(file, r, "mixed_source", none),
        .profile = cat_read_source(file, r, "profile_source", none),
        .subsystem = cat_read_source(file, r, "subsystem_source", none),
    };
    json_t *rows = reader_array(r, "rows", MAX_TYPES);
    int result = reader_end(r);
    for (size_t i = 0; result == 0 && i < json_array_size(rows); i++) {
        struct reader row = cat_inner(r, "rows", (int)i, json_array_get(rows, i));
        result = read_type(file, &row, &group, model);
    }
    return result;
}

static void read_mixed_size_table(struct cat_file *file, struct reader *r, struct gpu_model *model)
{
    const char *name = reader_str_or(r, "mixed_size_table", 32, NULL);
    if (name == NULL) {
        return;
    }
    for (vec_each(&file->catalog->tables, table)) {
        if (!str_eq(table->name, name)) {
            continue;
        }
        for (vec_each(&table->rows, row)) {
            *vec_push(&model->mixed) = *row;
        }
        if (model->memory_mib != table->region_gb * 1024) {
            reader_fail(r, "mixed_size_table", "\"%s\" is for %u GB, the GPU has %u", name,
                        table->region_gb, model->memory_mib / 1024);
        }
        return;
    }
    reader_fail(r, "mixed_size_table", "there is no mixed-size/%s.yaml", name);
}

static enum cat_answer answer(struct reader *r, const char *key)
{
    if (!reader_has(r, key)) {
        return CAT_MAYBE;
    }
    return reader_bool(r, key) ? CAT_YES : CAT_NO;
}

static void read_abilities(struct cat_file *file, struct reader *r, struct gpu_model *model)
{
    if (!reader_has(r, "source")) {
        reader_fail(r, "source", "is missing");
    }
    model->vgpu_source = cat_read_source(file, r, "source", (struct cat_source){0});
    model->sriov = answer(r, "sriov");
    model->time_sliced = answer(r, "time_sliced");
    model->mixed_size = answer(r, "mixed_size");
    model->mig_backed = answer(r, "mig_backed");
    model->mig_timesliced = answer(r, "mig_timesliced");
    model->nvlink = answer(r, "nvlink");
    model->nvlink_source = source_if(
        r, model->nvlink != CAT_MAYBE,
        cat_read_source(file, r, "nvlink_source", (struct cat_source){0}), "nvlink_source");
    model->sriov_vfs = cat_number(r, "sriov_vfs", 1, 256);
    model->sriov_vfs_source = source_if(
        r, model->sriov_vfs != CAT_UNKNOWN,
        cat_read_source(file, r, "sriov_vfs_source", (struct cat_source){0}), "sriov_vfs_source");
    if (model->sriov_vfs != CAT_UNKNOWN && model->sriov != CAT_YES) {
        reader_fail(r, "sriov_vfs", "is given, but sriov is not true");
    }
    read_mixed_size_table(file, r, model);
}

int cat_read_vgpu(struct cat_file *file, const struct reader *outer, const json_t *json,
                  struct gpu_model *model)
{
    struct reader r = cat_inner(outer, "vgpu", -1, json);
    read_abilities(file, &r, model);
    if (!reader_has(&r, "types")) { /* it is known to have none */
        return reader_end(&r);
    }
    model->vgpu_prefix = cat_keep(file->catalog, reader_str(&r, "prefix", 48));
    const char *brand = reader_str(&r, "brand", 16);
    json_t *groups = reader_array(&r, "types", MAX_GROUPS);
    int result = reader_end(&r);
    for (size_t i = 0; result == 0 && i < json_array_size(groups); i++) {
        struct reader group = cat_inner(&r, "types", (int)i, json_array_get(groups, i));
        result = read_group(file, &group, brand, model);
    }
    return result;
}
