/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of the data: within a model, between its parts, and over all models. */
#include "catalog/consistency.h"

#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "catalog/board_name.h"

/* How many placements of a profile fit next to each other (they are sorted by start). */
static uint32_t reachable(const struct cat_profile *profile)
{
    uint32_t count = 0;
    uint32_t free_from = 0;
    for (uint32_t i = 0; i < profile->n_placements; i++) {
        if (profile->placements[i].start >= free_from) {
            count++;
            free_from = profile->placements[i].start + profile->placements[i].size;
        }
    }
    return count;
}

static void check_placements(struct reader *r, const struct gpu_model *model,
                             const struct cat_profile *profile)
{
    for (uint32_t i = 0; i < profile->n_placements; i++) {
        const struct cat_placement *p = &profile->placements[i];
        if (model->memory_slices == CAT_UNKNOWN || p->start + p->size > model->memory_slices) {
            reader_fail(r, "profiles", "%s at %u:%u is outside the GPU's %u memory slices",
                        profile->name, p->start, p->size,
                        model->memory_slices == CAT_UNKNOWN ? 0 : model->memory_slices);
        }
        if (i > 0 && p->start <= profile->placements[i - 1].start) {
            reader_fail(r, "profiles", "%s: the starts must ascend", profile->name);
        }
    }
    uint32_t max = profile->max_instances;
    if (max == CAT_UNKNOWN) {
        return;
    }
    if (profile->n_placements > 0 && max > reachable(profile)) {
        reader_fail(r, "profiles", "%s: max is %u, but only %u placements fit next to each other",
                    profile->name, max, reachable(profile));
    }
    if (model->compute_slices != CAT_UNKNOWN &&
        max * profile->compute_slices > model->compute_slices) {
        reader_fail(r, "profiles", "%s: max %u needs more than %u compute slices", profile->name,
                    max, model->compute_slices);
    }
}

/* Another name is no other profile's. */
static void check_also(struct reader *r, const struct gpu_model *model,
                       const struct cat_profile *profile)
{
    for (size_t i = 0; i < CAT_MAX_ALSO && profile->also[i] != NULL; i++) {
        const struct cat_profile *found = NULL;
        if (model_find_profile(model, profile->also[i], &found, NULL) != 0 || found != profile) {
            reader_fail(r, "profiles", "%s, another name of %s, is there twice", profile->also[i],
                        profile->name);
        }
    }
}

void cat_check_profiles(struct reader *r, const struct gpu_model *model)
{
    for (size_t i = 0; i < model->profiles.n && r->result == 0; i++) {
        const struct cat_profile *a = &model->profiles.items[i];
        check_placements(r, model, a);
        check_also(r, model, a);
        for (size_t j = 0; j < i; j++) {
            const struct cat_profile *b = &model->profiles.items[j];
            if (str_eq(a->name, b->name)) {
                reader_fail(r, "profiles", "%s is given twice", a->name);
            }
            if (a->id == b->id && a->id != CAT_UNKNOWN) {
                reader_fail(r, "profiles", "%s and %s have the same id %u", b->name, a->name,
                            a->id);
            }
            if (a->nvml_profile == b->nvml_profile && a->nvml_profile != CAT_UNKNOWN) {
                reader_fail(r, "profiles", "%s and %s have the same nvml profile %u", b->name,
                            a->name, a->nvml_profile);
            }
        }
        if (a->memory_mib != CAT_UNKNOWN && a->memory_mib > model->memory_mib) {
            reader_fail(r, "profiles", "%s has more memory than the GPU", a->name);
        }
    }
}

/* Suffixes of vGPU type names and the series they stand for. */
static const struct {
    const char *suffix;
    char series;
} series_suffixes[] = {
    {"Q", 'Q'}, {"A", 'A'}, {"B", 'B'}, {"B4", 'B'}, {"C", 'C'}, {"CME", 'C'}, {"", 'G'},
};

static bool take_number(const char **text, uint32_t *ret_number)
{
    size_t digits = strspn(*text, "0123456789");
    CLEANUP_FREE char *number = xstrndup(*text, digits);
    *text += digits;
    return parse_u32(number, ret_number);
}

/* "<prefix>-[<slices>-]<gigabytes><suffix>" */
static bool parse_type_name(const struct gpu_model *model, struct cat_vgpu_type *type,
                            uint32_t *ret_gb)
{
    const char *at = type->name;
    if (!str_starts(at, model->vgpu_prefix)) {
        return false;
    }
    at += strlen(model->vgpu_prefix);
    uint32_t first = 0;
    if (*at++ != '-' || !take_number(&at, &first)) {
        return false;
    }
    *ret_gb = first;
    if (*at == '-') {
        at++;
        type->gi_slices = first;
        if (!take_number(&at, ret_gb)) {
            return false;
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(series_suffixes); i++) {
        if (str_eq(series_suffixes[i].suffix, at)) {
            type->series = series_suffixes[i].series;
            return true;
        }
    }
    return false;
}

static void check_mig_type(struct reader *r, const struct gpu_model *model,
                           const struct cat_vgpu_type *type)
{
    if (type->gi_slices == 0 || model->mig_backed == CAT_NO) {
        reader_fail(r, "name", "%s is not a MIG-backed type", type->name);
    }
    if (type->max_per_gi != CAT_UNKNOWN && type->max_per_gi > 1 &&
        model->mig_timesliced == CAT_NO) {
        reader_fail(r, "per_gi", "is %u, but the model has no time-slicing inside GPU instances",
                    type->max_per_gi);
    }
    if (type->gi_profile == NULL) {
        return;
    }
    const struct cat_profile *profile = NULL;
    if (model_find_profile(model, type->gi_profile, &profile, NULL) < 0) {
        return; /* refused where it was read */
    }
    if (profile->compute_slices != type->gi_slices) {
        reader_fail(r, "profile", "%s has %u slices, the name of %s says %u", profile->name,
                    profile->compute_slices, type->name, type->gi_slices);
    }
    bool known = type->max_per_gpu != CAT_UNKNOWN && type->max_per_gi != CAT_UNKNOWN &&
                 profile->max_instances != CAT_UNKNOWN;
    if (known && type->max_per_gpu != type->max_per_gi * profile->max_instances) {
        reader_fail(r, "max", "is %u, but %u instances of %s with %u each make %u",
                    type->max_per_gpu, profile->max_instances, profile->name, type->max_per_gi,
                    type->max_per_gi * profile->max_instances);
    }
}

static void check_time_sliced_type(struct reader *r, const struct gpu_model *model,
                                   const struct cat_vgpu_type *type)
{
    if (type->gi_slices != 0 || model->time_sliced == CAT_NO) {
        reader_fail(r, "name", "%s is not a time-sliced type", type->name);
    }
    uint64_t all = (uint64_t)type->framebuffer_mib * type->max_per_gpu;
    bool known = type->framebuffer_mib != CAT_UNKNOWN && type->max_per_gpu != CAT_UNKNOWN &&
                 model->memory_mib != CAT_UNKNOWN;
    if (known && all > model->memory_mib) {
        reader_fail(r, "max", "%u of %u MiB exceed the GPU's %u MiB", type->max_per_gpu,
                    type->framebuffer_mib, model->memory_mib);
    }
    for (vec_each(&model->mixed, row)) {
        if (row->framebuffer_mib != type->framebuffer_mib) {
            continue;
        }
        if (type->max_per_gpu != CAT_UNKNOWN && row->max_equal != type->max_per_gpu) {
            reader_fail(r, "max", "is %u, the mixed-size table says %u", type->max_per_gpu,
                        row->max_equal);
        }
        if (type->max_per_gpu_mixed != CAT_UNKNOWN && row->max_mixed != type->max_per_gpu_mixed) {
            reader_fail(r, "mixed", "is %u, the mixed-size table has %u ids",
                        type->max_per_gpu_mixed, row->max_mixed);
        }
    }
}

void cat_complete_type(struct reader *r, const struct gpu_model *model, struct cat_vgpu_type *type)
{
    uint32_t gb = 0;
    if (!parse_type_name(model, type, &gb)) {
        reader_fail(r, "name", "\"%s\" is not like %s-8C or %s-1-8C", type->name,
                    model->vgpu_prefix, model->vgpu_prefix);
        return;
    }
    uint32_t nominal = gb * 1024;
    uint32_t mib = type->framebuffer_mib;
    if (mib != CAT_UNKNOWN && (mib < nominal - nominal / 64 || mib > nominal + nominal / 64)) {
        reader_fail(r, "mib", "is %u, but the name of %s says %u GB", mib, type->name, gb);
    }
    if (type->mig_backed) {
        check_mig_type(r, model, type);
    } else {
        check_time_sliced_type(r, model, type);
    }
}

/* ---- over all models ---- */

struct named {
    const char *name;
    const char *key;
};

struct numbered {
    uint64_t number;
    const char *name;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t x = ((const struct numbered *)a)->number;
    uint64_t y = ((const struct numbered *)b)->number;
    return (x > y) - (x < y);
}

static int check_names(const struct catalog *catalog, const char *dir, struct error *err)
{
    VEC(struct named) all = {0};
    for (size_t i = 0; i < catalog->models.n; i++) {
        const struct gpu_model *model = catalog->models.items[i];
        *vec_push(&all) = (struct named){.name = model->key, .key = model->key};
        *vec_push(&all) = (struct named){.name = model->name, .key = model->key};
        for (size_t j = 0; j < model->aliases.n; j++) {
            *vec_push(&all) = (struct named){.name = model->aliases.items[j], .key = model->key};
        }
    }
    int result = 0;
    for (size_t i = 0; i < all.n && result == 0; i++) {
        for (size_t j = 0; j < i && result == 0; j++) {
            /* A model's name may be its key with capitals and blanks. */
            if (!str_eq(all.items[i].key, all.items[j].key) &&
                cat_same_name(all.items[i].name, all.items[j].name)) {
                result = error_set(err, REASON_INVALID, dir, "\"%s\" names both %s and %s",
                                   all.items[i].name, all.items[j].key, all.items[i].key);
            }
        }
    }
    vec_done(&all);
    return result;
}

static int check_type_names(const struct catalog *catalog, const char *dir, struct error *err)
{
    VEC(struct named) names = {0};
    for (size_t i = 0; i < catalog->models.n; i++) {
        const struct gpu_model *model = catalog->models.items[i];
        for (vec_each(&model->types, type)) {
            *vec_push(&names) = (struct named){.name = type->name, .key = model->key};
        }
    }
    if (names.n > 1) {
        qsort(names.items, names.n, sizeof(names.items[0]), compare_names);
    }
    int result = 0;
    for (size_t i = 1; i < names.n && result == 0; i++) {
        if (str_eq(names.items[i - 1].name, names.items[i].name)) {
            result = error_set(err, REASON_INVALID, dir, "vGPU type \"%s\" is in both %s and %s",
                               names.items[i].name, names.items[i - 1].key, names.items[i].key);
        }
    }
    vec_done(&names);
    return result;
}

struct numbers {
    struct numbered *items;
    size_t n;
    size_t cap;
};

/* Sorts; two of the same number that follow each other, or NULL. */
static const struct numbered *find_pair(struct numbers *numbers)
{
    if (numbers->n > 1) {
        qsort(numbers->items, numbers->n, sizeof(numbers->items[0]), compare_numbers);
    }
    for (size_t i = 1; i < numbers->n; i++) {
        if (numbers->items[i - 1].number == numbers->items[i].number) {
            return &numbers->items[i - 1];
        }
    }
    return NULL;
}

static int check_type_ids(const struct catalog *catalog, const char *dir, struct error *err)
{
    struct numbers ids = {0};
    for (size_t i = 0; i < catalog->models.n; i++) {
        for (vec_each(&catalog->models.items[i]->types, type)) {
            if (type->type_id != CAT_UNKNOWN) {
                *vec_push(&ids) = (struct numbered){.number = type->type_id, .name = type->name};
            }
        }
    }
    int result = 0;
    const struct numbered *pair = find_pair(&ids);
    if (pair != NULL) {
        result =
            error_set(err, REASON_INVALID, dir, "vGPU types \"%s\" and \"%s\" have the same id %u",
                      pair[0].name, pair[1].name, (unsigned)pair[0].number);
    }
    vec_done(&ids);
    return result;
}

static int check_pci_ids(const struct catalog *catalog, const char *dir, struct error *err)
{
    struct numbers ids = {0};
    for (size_t i = 0; i < catalog->models.n; i++) {
        const struct gpu_model *model = catalog->models.items[i];
        for (vec_each(&model->pci_ids, id)) {
            uint64_t number = (uint64_t)id->device << 32 | id->subsystem;
            *vec_push(&ids) = (struct numbered){.number = number, .name = model->key};
        }
    }
    int result = 0;
    const struct numbered *pair = find_pair(&ids);
    if (pair != NULL) {
        result = error_set(err, REASON_INVALID, dir, "%s and %s have the same PCI id 0x%04X",
                           pair[0].name, pair[1].name, (unsigned)(pair[0].number >> 32));
    }
    vec_done(&ids);
    return result;
}

int cat_check_unique(const struct catalog *catalog, const char *dir, struct error *err)
{
    static int (*const checks[])(const struct catalog *, const char *, struct error *) = {
        check_names, check_type_names, check_type_ids, check_pci_ids};
    int result = 0;
    for (size_t i = 0; i < ARRAY_SIZE(checks) && result == 0; i++) {
        result = checks[i](catalog, dir, err);
    }
    return result;
}
