/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and checks the MIG part of a model's file. */
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "catalog/consistency.h"
#include "catalog/profile_name.h"
#include "catalog/readers.h"

#define MAX_PROFILES 32
#define MAX_SLICES 64

/* What a profile's name says: "<slices>g.<gigabytes>gb" and a suffix. */
static const struct {
    const char *suffix;
    bool gfx;
    enum cat_media media;
} suffixes[] = {
    {.suffix = "", .media = MEDIA_PLAIN},   {.suffix = "+gfx", .gfx = true, .media = MEDIA_PLAIN},
    {.suffix = "+me", .media = MEDIA_ME},   {.suffix = "+me.all", .media = MEDIA_ALL},
    {.suffix = "-me", .media = MEDIA_NONE},
};

static bool read_suffix(const char *suffix, struct cat_profile *profile)
{
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        if (str_eq(suffixes[i].suffix, suffix)) {
            profile->gfx = suffixes[i].gfx;
            profile->media = suffixes[i].media;
            return true;
        }
    }
    return false;
}

static const char *skip_digits(const char *text)
{
    return text + strspn(text, "0123456789");
}

/* Takes the name apart and compares its slice count with the row's. */
static void check_name(struct reader *r, struct cat_profile *profile)
{
    if (r->result != 0) {
        return;
    }
    const char *name = profile->name;
    const char *slices_end = skip_digits(name);
    const char *gb = str_starts(slices_end, "g.") ? slices_end + 2 : slices_end;
    const char *gb_end = skip_digits(gb);
    bool shaped = slices_end != name && gb != slices_end && gb_end != gb &&
                  str_starts(gb_end, "gb") && read_suffix(gb_end + 2, profile);
    if (!shaped) {
        reader_fail(r, "name", "\"%s\" is not like 1g.24gb, +gfx, +me, +me.all or -me", name);
        return;
    }
    CLEANUP_FREE char *slices = xstrndup(name, (size_t)(slices_end - name));
    uint32_t count = 0;
    if (!parse_u32(slices, &count) || count != profile->compute_slices) {
        reader_fail(r, "slices", "is %u, but the name \"%s\" says %s", profile->compute_slices,
                    name, slices);
    }
}

static void read_placements(struct cat_file *file, struct reader *r, struct cat_source fallback,
                            struct cat_profile *profile)
{
    profile->memory_slices = cat_number(r, "size", 1, MAX_SLICES);
    json_t *starts = reader_array_or_null(r, "at", CAT_MAX_PLACEMENTS);
    profile->placements_source = cat_read_source(file, r, "placements_source", fallback);
    size_t n = json_array_size(starts);
    if (n > 0 && profile->memory_slices == CAT_UNKNOWN) {
        reader_fail(r, "size", "is missing, and there are placements");
    }
    if (n > 0 && profile->placements_source.text == NULL) {
        reader_fail(r, "placements_source", "is missing, and there are placements");
    }
    for (size_t i = 0; r->result == 0 && i < n; i++) {
        const json_t *start = json_array_get(starts, i);
        json_int_t value = json_integer_value(start);
        if (!json_is_integer(start) || value < 0 || value >= MAX_SLICES) {
            reader_fail(r, "at", "item %zu must be a number of a memory slice", i);
            return;
        }
        profile->placements[profile->n_placements++] =
            (struct cat_placement){.start = (uint32_t)value, .size = profile->memory_slices};
    }
}

/* engines: [copy, decode, encode, JPEG, OFA], null where unknown. */
static void read_engines(struct reader *r, struct cat_profile *profile)
{
    uint32_t *const counts[] = {&profile->copy_engines, &profile->decoders, &profile->encoders,
                                &profile->jpeg, &profile->ofa};
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
        *counts[i] = CAT_UNKNOWN;
    }
    json_t *engines = reader_array_or_null(r, "engines", ARRAY_SIZE(counts));
    if (engines == NULL) {
        return;
    }
    if (json_array_size(engines) != ARRAY_SIZE(counts)) {
        reader_fail(r, "engines", "must have %zu items", ARRAY_SIZE(counts));
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
        const json_t *count = json_array_get(engines, i);
        json_int_t value = json_integer_value(count);
        if (json_is_integer(count) && value >= 0 && value <= 64) {
            *counts[i] = (uint32_t)value;
        } else if (!json_is_null(count)) {
            reader_fail(r, "engines", "item %zu must be a count or null", i);
        }
    }
}

/* mib: as a source states it; gib: as nvidia-smi prints it. */
static uint32_t read_memory(struct reader *r)
{
    uint32_t mib = cat_number(r, "mib", 1, 4096 * 1024);
    if (!reader_has(r, "gib")) {
        return mib;
    }
    if (mib != CAT_UNKNOWN) {
        reader_fail(r, "gib", "is given together with mib");
    }
    double gib = reader_real(r, "gib");
    if (gib <= 0 || gib > 4096) {
        reader_fail(r, "gib", "must be above 0 and at most 4096");
        return CAT_UNKNOWN;
    }
    return (uint32_t)(gib * 1024 + 0.5);
}

/* Names that other drivers, or other tools, give it. */
static void read_also(struct cat_file *file, struct reader *r, struct cat_profile *profile)
{
    json_t *names = reader_array_or_null(r, "also", CAT_MAX_ALSO);
    profile->also_source = cat_read_source(file, r, "also_source", (struct cat_source){0});
    if (names != NULL && profile->also_source.text == NULL) {
        reader_fail(r, "also_source", "is missing, and there are other names");
    }
    for (size_t i = 0; r->result == 0 && i < json_array_size(names); i++) {
        const char *text = json_string_value(json_array_get(names, i));
        struct profile_name name;
        if (text == NULL || profile_name_parse(text, &name, NULL) != 0 || name.ci_slices > 0 ||
            name.gi_slices != profile->compute_slices) {
            reader_fail(r, "also", "item %zu must be a profile's name with %u slices", i,
                        profile->compute_slices);
            return;
        }
        profile->also[i] = cat_keep(file->catalog, text);
    }
}

static int read_profile(struct cat_file *file, struct reader *r, struct cat_source source,
                        struct cat_source placements_source, struct cat_profile *profile)
{
    *profile = (struct cat_profile){
        .name = cat_keep(file->catalog, reader_str(r, "name", 32)),
        .id = cat_number(r, "id", 0, 255),
        .nvml_profile = cat_number(r, "nvml", 0, 63),
        .max_instances = cat_number(r, "max", 1, CAT_MAX_PLACEMENTS),
        .compute_slices = (uint32_t)reader_int(r, "slices", 1, MAX_SLICES),
        .sm = cat_number(r, "sm", 1, 1024),
        .memory_mib = read_memory(r),
    };
    struct cat_source own = cat_read_source(file, r, "source", source);
    profile->source = own.text;
    profile->confidence = own.confidence;
    read_placements(file, r, placements_source, profile);
    read_engines(r, profile);
    read_also(file, r, profile);
    check_name(r, profile);
    return reader_end(r);
}

/* Keeps the table sorted by profile id, the highest first; unknown ids stay in the file's order. */
static void insert_profile(struct gpu_model *model, const struct cat_profile *profile)
{
    vec_push(&model->profiles);
    size_t at = model->profiles.n - 1;
    struct cat_profile *items = model->profiles.items;
    while (at > 0 && profile->id != CAT_UNKNOWN && items[at - 1].id < profile->id) {
        items[at] = items[at - 1];
        at--;
    }
    items[at] = *profile;
}

int cat_read_mig(struct cat_file *file, const struct reader *outer, const json_t *json,
                 struct gpu_model *model)
{
    struct reader r = cat_inner(outer, "mig", -1, json);
    model->compute_slices = cat_number(&r, "compute_slices", 1, MAX_SLICES);
    model->memory_slices = cat_number(&r, "memory_slices", 1, MAX_SLICES);
    model->max_gpu_instances = cat_number(&r, "max_instances", 1, CAT_MAX_PLACEMENTS);
    model->mig_needs_reset = reader_bool_or(&r, "needs_reset", false);
    if (!reader_has(&r, "source")) {
        reader_fail(&r, "source", "is missing");
    }
    model->mig_source = cat_read_source(file, &r, "source", (struct cat_source){0});
    struct cat_source placements =
        cat_read_source(file, &r, "placements_source", (struct cat_source){0});
    json_t *profiles = reader_array_or_null(&r, "profiles", MAX_PROFILES);
    int result = reader_end(&r);
    for (size_t i = 0; result == 0 && i < json_array_size(profiles); i++) {
        struct reader row = cat_inner(&r, "profiles", (int)i, json_array_get(profiles, i));
        struct cat_profile profile;
        result = read_profile(file, &row, model->mig_source, placements, &profile);
        if (result == 0) {
            insert_profile(model, &profile);
        }
    }
    if (result == 0) {
        cat_check_profiles(&r, model);
        result = r.result;
    }
    return result;
}
