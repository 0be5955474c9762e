/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/state/complete.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define BY_US "inferred for the simulated board"
#define CONFIDENCE "inferred"
#define TIME_SLICED_MAX 32 /* vGPUs on one GPU (vGPU user guide 17) */
#define MADE_UP_TYPE_IDS 60000
#define TYPES_PER_BOARD 256

/* ---- what is inferred ---- */

/* GPU instance profiles. Slices and names are published (MIG user guide) but for the H100 64GB and
 * the RTX 6000D, whose vGPU types name them. Ids, and that memory is cut in equal parts, follow the
 * RTX PRO 6000 (a slice of two is its 2g, both are its 4g) and the H100 80GB. `starts`: bit n for
 * memory slice n. */
static const struct inferred_profile {
    const char *board, *name;
    uint32_t id, number, slices, size, starts, max;
} profiles[] = {
    {"h100-sxm5-64gb", "1g.8gb+me", 20, 7, 1, 1, 0x7f, 1},
    {"h100-sxm5-64gb", "1g.8gb", 19, 0, 1, 1, 0x7f, 7},
    {"h100-sxm5-64gb", "1g.16gb", 15, 9, 1, 2, 0x55, 4},
    {"h100-sxm5-64gb", "2g.16gb", 14, 1, 2, 2, 0x15, 3},
    {"h100-sxm5-64gb", "3g.32gb", 9, 2, 3, 4, 0x11, 2},
    {"h100-sxm5-64gb", "4g.32gb", 5, 3, 4, 4, 0x01, 1},
    {"h100-sxm5-64gb", "7g.64gb", 0, 4, 7, 8, 0x01, 1},
    {"rtx-6000d", "1g.42gb+gfx", 35, 10, 1, 6, 0x41, 2},
    {"rtx-6000d", "2g.84gb+gfx", 32, 11, 2, 12, 0x01, 1},
    {"rtx-6000d", "1g.42gb", 5, 0, 1, 6, 0x41, 2},
    {"rtx-6000d", "2g.84gb", 0, 1, 2, 12, 0x01, 1},
    {"rtx-pro-4500-blackwell", "1g.16gb-me", 66, 13, 1, 4, 0x11, 2},
    {"rtx-pro-4500-blackwell", "1g.16gb+me.all", 64, 15, 1, 4, 0x11, 1},
    {"rtx-pro-4500-blackwell", "1g.16gb+gfx", 35, 10, 1, 4, 0x11, 2},
    {"rtx-pro-4500-blackwell", "2g.32gb+gfx", 32, 11, 2, 8, 0x01, 1},
    {"rtx-pro-4500-blackwell", "1g.16gb", 5, 0, 1, 4, 0x11, 2},
    {"rtx-pro-4500-blackwell", "2g.32gb", 0, 1, 2, 8, 0x01, 1},
    {"rtx-pro-4500-blackwell-se", "1g.16gb-me", 66, 13, 1, 4, 0x11, 2},
    {"rtx-pro-4500-blackwell-se", "1g.16gb+me.all", 64, 15, 1, 4, 0x11, 1},
    {"rtx-pro-4500-blackwell-se", "1g.16gb+gfx", 35, 10, 1, 4, 0x11, 2},
    {"rtx-pro-4500-blackwell-se", "2g.32gb+gfx", 32, 11, 2, 8, 0x01, 1},
    {"rtx-pro-4500-blackwell-se", "1g.16gb", 5, 0, 1, 4, 0x11, 2},
    {"rtx-pro-4500-blackwell-se", "2g.32gb", 0, 1, 2, 8, 0x01, 1},
    {"rtx-pro-5000-blackwell-48gb", "1g.24gb-me", 66, 13, 1, 4, 0x11, 2},
    {"rtx-pro-5000-blackwell-48gb", "1g.24gb+me.all", 64, 15, 1, 4, 0x11, 1},
    {"rtx-pro-5000-blackwell-48gb", "1g.24gb+gfx", 35, 10, 1, 4, 0x11, 2},
    {"rtx-pro-5000-blackwell-48gb", "2g.48gb+gfx", 32, 11, 2, 8, 0x01, 1},
    {"rtx-pro-5000-blackwell-48gb", "1g.24gb+me", 6, 7, 1, 4, 0x11, 1},
    {"rtx-pro-5000-blackwell-48gb", "1g.24gb", 5, 0, 1, 4, 0x11, 2},
    {"rtx-pro-5000-blackwell-48gb", "2g.48gb", 0, 1, 2, 8, 0x01, 1},
};

/* Types that the board must have, as the RTX PRO 6000 has them in all sizes; of these no source
 * gives the numbers. */
static const struct {
    const char *board, *name, *full_name;
    uint32_t slices; /* 0: time-sliced on the whole GPU */
    char series;
} types[] = {
#define PRO_4500(type, slices, series)                                                             \
    {"rtx-pro-4500-blackwell-se", "RTX Pro 4500 Blackwell DC-" type,                               \
     "NVIDIA RTX Pro 4500 Blackwell DC-" type, slices, series}
    PRO_4500("1-2Q", 1, 'Q'),  PRO_4500("1-4Q", 1, 'Q'), PRO_4500("1-8Q", 1, 'Q'),
    PRO_4500("1-2B", 1, 'B'),  PRO_4500("1-3B", 1, 'B'), PRO_4500("1-8A", 1, 'A'),
    PRO_4500("2-16Q", 2, 'Q'), PRO_4500("4Q", 0, 'Q'),   PRO_4500("8Q", 0, 'Q'),
    PRO_4500("32Q", 0, 'Q'),   PRO_4500("8A", 0, 'A'),
#undef PRO_4500
};

/* ---- profiles ---- */

static struct cat_profile *find_profile(struct gpu_model *model, const char *name)
{
    for (vec_each(&model->profiles, profile)) {
        if (str_eq(profile->name, name)) {
            return profile;
        }
    }
    return NULL;
}

static void set(uint32_t *value, uint32_t inferred)
{
    *value = *value == CAT_UNKNOWN ? inferred : *value;
}

static struct cat_profile *new_profile(struct gpu_model *model, const char *name)
{
    struct cat_profile *profile = vec_push(&model->profiles);
    *profile = (struct cat_profile){.name = name,
                                    .id = CAT_UNKNOWN,
                                    .nvml_profile = CAT_UNKNOWN,
                                    .max_instances = CAT_UNKNOWN,
                                    .memory_mib = CAT_UNKNOWN,
                                    .compute_slices = CAT_UNKNOWN,
                                    .memory_slices = CAT_UNKNOWN,
                                    .sm = CAT_UNKNOWN,
                                    .copy_engines = CAT_UNKNOWN,
                                    .decoders = CAT_UNKNOWN,
                                    .encoders = CAT_UNKNOWN,
                                    .jpeg = CAT_UNKNOWN,
                                    .ofa = CAT_UNKNOWN,
                                    .gfx = str_ends(name, "+gfx"),
                                    .media = str_ends(name, "+me") ? MEDIA_ME : MEDIA_PLAIN,
                                    .source = BY_US,
                                    .confidence = CONFIDENCE};
    return profile;
}

static void place(struct cat_profile *profile, const struct inferred_profile *row)
{
    if (profile->n_placements > 0) {
        return;
    }
    profile->memory_slices = row->size;
    profile->placements_source = (struct cat_source){.text = BY_US, .confidence = CONFIDENCE};
    for (uint32_t start = 0; start < 32; start++) {
        if ((row->starts & 1U << start) != 0) {
            profile->placements[profile->n_placements++] =
                (struct cat_placement){.start = start, .size = row->size};
        }
    }
}

static void complete_profiles(struct gpu_model *model)
{
    uint32_t end = 0;
    uint32_t slices = 0;
    uint32_t most = 0;
    for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
        const struct inferred_profile *row = &profiles[i];
        if (!str_eq(row->board, model->key)) {
            continue;
        }
        struct cat_profile *profile = find_profile(model, row->name);
        profile = profile != NULL ? profile : new_profile(model, row->name);
        set(&profile->id, row->id);
        set(&profile->nvml_profile, row->number);
        set(&profile->compute_slices, row->slices);
        set(&profile->max_instances, row->max);
        place(profile, row);
        slices = row->slices > slices ? row->slices : slices;
        most = row->max > most ? row->max : most;
        end = row->size > end ? row->size : end; /* the largest takes all of the memory */
    }
    if (end > 0) {
        set(&model->memory_slices, end);
        set(&model->compute_slices, slices);
        set(&model->max_gpu_instances, most);
    }
}

/* ---- vGPU types ---- */

/* "…-8Q": the number behind the last dash, in GiB. */
static uint32_t named_gib(const char *name)
{
    const char *dash = strrchr(name, '-');
    uint32_t gib = 0;
    for (const char *at = dash == NULL ? "" : dash + 1; *at >= '0' && *at <= '9' && gib < 1024;
         at++) {
        gib = gib * 10 + (uint32_t)(*at - '0');
    }
    return gib;
}

/* The instance profile of a type's slices: the driver's own table where it has an id; else with
 * graphics where the board has that (g_vgpu_resman_specific.h puts all types of RTX boards
 * there). */
static const struct cat_profile *profile_of(const struct gpu_model *model,
                                            const struct cat_vgpu_type *type)
{
    const struct cat_profile *found = NULL;
    for (vec_each(&model->profiles, profile)) {
        if (type->gi_profile != NULL             ? str_eq(profile->name, type->gi_profile)
            : type->gi_profile_id != CAT_UNKNOWN ? profile->id == type->gi_profile_id
                                                 : false) {
            return profile;
        }
        if (profile->compute_slices == type->gi_slices && profile->media == MEDIA_PLAIN &&
            (found == NULL || profile->gfx)) {
            found = profile;
        }
    }
    return found;
}

static void complete_mig_type(const struct gpu_model *model, struct cat_vgpu_type *type)
{
    const struct cat_profile *profile = profile_of(model, type);
    if (profile == NULL) {
        return;
    }
    if (type->gi_profile == NULL) {
        type->gi_profile = profile->name;
        type->profile_source = (struct cat_source){.text = BY_US, .confidence = CONFIDENCE};
    }
    type->gi_profile_id = profile->id;
    uint32_t whole = model->memory_mib / model->compute_slices * profile->compute_slices;
    set(&type->max_per_gi, model->mig_timesliced == CAT_YES && whole > type->framebuffer_mib
                               ? whole / type->framebuffer_mib
                               : 1);
    set(&type->max_per_gpu, type->max_per_gi * profile->max_instances);
}

static void add_types(struct gpu_model *model)
{
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (!str_eq(types[i].board, model->key)) {
            continue;
        }
        struct cat_vgpu_type *type = vec_push(&model->types);
        *type = (struct cat_vgpu_type){.name = types[i].name,
                                       .full_name = types[i].full_name,
                                       .type_id = CAT_UNKNOWN,
                                       .series = types[i].series,
                                       .framebuffer_mib = CAT_UNKNOWN,
                                       .guest_framebuffer_mib = CAT_UNKNOWN,
                                       .max_heads = CAT_UNKNOWN,
                                       .mig_backed = types[i].slices > 0,
                                       .max_per_gpu = CAT_UNKNOWN,
                                       .max_per_gpu_mixed = CAT_UNKNOWN,
                                       .gi_slices = types[i].slices,
                                       .gi_profile_id = CAT_UNKNOWN,
                                       .max_per_gi = CAT_UNKNOWN,
                                       .subsystem_id = CAT_UNKNOWN,
                                       .source = BY_US,
                                       .confidence = CONFIDENCE};
    }
}

static void complete_types(struct gpu_model *model, uint32_t first_id)
{
    add_types(model);
    for (size_t i = 0; i < model->types.n; i++) {
        struct cat_vgpu_type *type = &model->types.items[i];
        set(&type->type_id, first_id + (uint32_t)i);
        uint32_t gib = named_gib(type->name);
        set(&type->framebuffer_mib, gib * 1024);
        if (type->framebuffer_mib == 0) {
            continue;
        }
        if (type->mig_backed) {
            complete_mig_type(model, type);
            continue;
        }
        /* The GB200-189C is a little larger than the board's 186 GB: sizes are nominal. */
        uint32_t fit = model->memory_mib / type->framebuffer_mib;
        fit = fit == 0 ? 1 : fit;
        set(&type->max_per_gpu, fit < TIME_SLICED_MAX ? fit : TIME_SLICED_MAX);
    }
}

/* ---- memory ---- */

/* Boards whose ECC takes of the memory give a sixteenth to it (nvidia-smi of the A40 and L40: 46068
 * MiB with ECC, 49140 without). */
static void complete_memory(struct gpu_model *model)
{
    struct cat_measured *seen = &model->measured;
    if (seen->mib == CAT_UNKNOWN || seen->ecc_off_mib != CAT_UNKNOWN) {
        return;
    }
    bool shares = (uint64_t)seen->mib * 32 < (uint64_t)model->memory_mib * 31;
    seen->ecc_off_mib = shares ? (uint32_t)((uint64_t)seen->mib * 16 / 15) : seen->mib;
}

/* ---- the board ---- */

static uint32_t index_of(const struct catalog *catalog, const struct gpu_model *model)
{
    uint32_t i = 0;
    while (i < catalog_count(catalog) && catalog_at(catalog, i) != model) {
        i++;
    }
    return i;
}

static struct gpu_model *copy(const struct gpu_model *model)
{
    struct gpu_model *whole = xcalloc(1, sizeof(*whole));
    *whole = *model;
    memset(&whole->profiles, 0, sizeof(whole->profiles));
    memset(&whole->types, 0, sizeof(whole->types));
    for (vec_each(&model->profiles, profile)) {
        *vec_push(&whole->profiles) = *profile;
    }
    for (vec_each(&model->types, type)) {
        *vec_push(&whole->types) = *type;
    }
    return whole;
}

const struct gpu_model *sim_complete(struct sim_host *host, const struct gpu_model *model)
{
    for (uint32_t i = 0; i < host->n_completed; i++) {
        if (str_eq(host->completed[i]->key, model->key)) {
            return host->completed[i];
        }
    }
    if (host->n_completed == SIM_MAX_GPUS) {
        return model; /* there is no room for another GPU either */
    }
    struct gpu_model *whole = copy(model);
    complete_memory(whole);
    complete_profiles(whole);
    /* Ids are NVIDIA's and name one type on every board: so do those that are made up. */
    complete_types(whole, MADE_UP_TYPE_IDS + TYPES_PER_BOARD * index_of(host->catalog, model));
    host->completed[host->n_completed++] = whole;
    return whole;
}

void sim_completed_free(struct sim_host *host)
{
    for (uint32_t i = 0; i < host->n_completed; i++) {
        vec_done(&host->completed[i]->profiles);
        vec_done(&host->completed[i]->types);
        free(host->completed[i]);
    }
    host->n_completed = 0;
}
