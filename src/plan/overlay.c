/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/overlay.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define BY_DRIVER "the driver says so"
#define CONFIDENCE "measured-dump"

static const char *keep(struct overlay *overlay, const char *text)
{
    char **slot = vec_push(&overlay->texts);
    *slot = xstrdup(text);
    return *slot;
}

__attribute__((format(printf, 2, 3))) static void disagree(struct overlay *overlay,
                                                           const char *format, ...)
{
    if (overlay->n_disagreements++ == 0) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(overlay->disagreement, sizeof(overlay->disagreement), format, args);
        va_end(args);
    }
}

/* The driver's word, unless it says nothing. */
static void take(uint32_t *value, uint32_t said)
{
    *value = said == BOARD_UNKNOWN ? *value : said;
}

static void take_compared(struct overlay *overlay, const char *name, const char *what,
                          uint32_t *value, uint32_t said)
{
    if (said == BOARD_UNKNOWN) {
        return;
    }
    if (*value != CAT_UNKNOWN && *value != said) {
        disagree(overlay, "%s of %s is %u in the driver and %u in the catalog", what, name, said,
                 *value);
    }
    *value = said;
}

/* ---- GPU instance profiles ---- */

/* NVML_GPU_INSTANCE_PROFILE_* numbers (nvml.h) whose kind the number alone tells, for drivers that
 * have no names (before R515). */
enum { NUMBER_1_SLICE_REV1 = 7, NUMBER_2_SLICE_REV1 = 8 };

static const char *profile_name(struct overlay *overlay, const struct board_profile *said,
                                const struct cat_profile *base)
{
    if (said->name[0] != '\0') {
        return keep(overlay, said->name);
    }
    if (base != NULL) {
        return base->name;
    }
    bool media = said->number == NUMBER_1_SLICE_REV1 || said->number == NUMBER_2_SLICE_REV1;
    char name[BOARD_NAME_SIZE];
    (void)snprintf(name, sizeof(name), "%ug.%ugb%s", said->compute_slices,
                   (said->memory_mib + 1023) / 1024, media ? "+me" : "");
    return keep(overlay, name);
}

/* As the MIG user guide forms names: "+me", "+me.all", "-me", "+gfx". */
static enum cat_media media_of(const char *name)
{
    return str_ends(name, "+me.all") ? MEDIA_ALL
           : str_ends(name, "-me")   ? MEDIA_NONE
           : str_ends(name, "+me")   ? MEDIA_ME
                                     : MEDIA_PLAIN;
}

static bool same_places(const struct board_profile *said, const struct cat_profile *base)
{
    bool same = said->n_starts == base->n_placements;
    for (uint32_t i = 0; same && i < said->n_starts; i++) {
        same =
            base->placements[i].start == said->starts[i] && base->placements[i].size == said->size;
    }
    return same;
}

static void take_places(struct overlay *overlay, struct cat_profile *profile,
                        const struct board_profile *said)
{
    if (said->n_starts == 0) {
        return;
    }
    if (profile->n_placements > 0 && !same_places(said, profile)) {
        disagree(overlay,
                 "%s has %u places of %u memory slices in the driver, and %u of %u in the catalog",
                 profile->name, said->n_starts, said->size, profile->n_placements,
                 profile->placements[0].size);
    }
    profile->n_placements = said->n_starts;
    profile->memory_slices = said->size;
    for (uint32_t i = 0; i < said->n_starts; i++) {
        profile->placements[i] =
            (struct cat_placement){.start = said->starts[i], .size = said->size};
    }
    profile->placements_source = (struct cat_source){.text = BY_DRIVER, .confidence = CONFIDENCE};
}

static const struct cat_profile *base_profile(const struct gpu_model *base,
                                              const struct board_profile *said)
{
    const struct cat_profile *by_name = NULL;
    for (size_t i = 0; base != NULL && i < base->profiles.n; i++) {
        const struct cat_profile *profile = &base->profiles.items[i];
        if (profile->id != CAT_UNKNOWN && profile->id == said->id) {
            return profile;
        }
        by_name =
            profile->id == CAT_UNKNOWN && str_eq(profile->name, said->name) ? profile : by_name;
    }
    return by_name;
}

static void add_profile(struct overlay *overlay, const struct board_profile *said)
{
    const struct cat_profile *base = base_profile(overlay->base, said);
    struct cat_profile *profile = vec_push(&overlay->model.profiles);
    if (base != NULL) {
        *profile = *base;
    } else {
        *profile = (struct cat_profile){.max_instances = CAT_UNKNOWN,
                                        .compute_slices = CAT_UNKNOWN,
                                        .memory_slices = CAT_UNKNOWN,
                                        .source = BY_DRIVER,
                                        .confidence = CONFIDENCE};
    }
    profile->name = profile_name(overlay, said, base);
    profile->id = said->id;
    profile->nvml_profile = said->number;
    profile->gfx = said->gfx || strstr(profile->name, "+gfx") != NULL;
    profile->media = media_of(profile->name);
    take_compared(overlay, profile->name, "the slice count", &profile->compute_slices,
                  said->compute_slices);
    take_compared(overlay, profile->name, "the most", &profile->max_instances, said->max_instances);
    take_places(overlay, profile, said);
    bool new = base == NULL; /* then 0 is the driver's answer, not its silence */
    const struct {
        uint32_t *value;
        uint32_t said;
    } figures[] = {{&profile->memory_mib, said->memory_mib},
                   {&profile->sm, said->sm},
                   {&profile->copy_engines, said->copy_engines},
                   {&profile->decoders, said->decoders},
                   {&profile->encoders, said->encoders},
                   {&profile->jpeg, said->jpeg},
                   {&profile->ofa, said->ofa}};
    for (size_t i = 0; i < ARRAY_SIZE(figures); i++) {
        if (new || figures[i].said != 0) {
            *figures[i].value = figures[i].said;
        }
    }
}

/* By descending id, as -lgip prints. */
static int by_id(const void *a, const void *b)
{
    const struct cat_profile *x = a;
    const struct cat_profile *y = b;
    return (x->id < y->id) - (x->id > y->id);
}

static void overlay_profiles(struct overlay *overlay, const struct board *board)
{
    struct gpu_model *model = &overlay->model;
    if (!board->profiles_known) {
        for (size_t i = 0; overlay->base != NULL && i < overlay->base->profiles.n; i++) {
            *vec_push(&model->profiles) = overlay->base->profiles.items[i];
        }
        return;
    }
    uint32_t end = 0;
    uint32_t slices = 0;
    uint32_t most = 0;
    for (vec_each(&board->profiles, said)) {
        add_profile(overlay, said);
        slices = said->compute_slices > slices ? said->compute_slices : slices;
        most = said->max_instances > most ? said->max_instances : most;
        uint32_t last = said->n_starts > 0 ? said->starts[said->n_starts - 1] + said->size : 0;
        end = last > end ? last : end;
    }
    qsort(model->profiles.items, model->profiles.n, sizeof(model->profiles.items[0]), by_id);
    if (end > 0) {
        model->memory_slices = end;
    }
    model->compute_slices = model->compute_slices == CAT_UNKNOWN ? slices : model->compute_slices;
    model->max_gpu_instances =
        model->max_gpu_instances == CAT_UNKNOWN ? most : model->max_gpu_instances;
}

/* ---- vGPU types ---- */

/* From the letters behind the last number of the name: Q, A, B (B4), C (CME). */
static char series_of(const char *name)
{
    const char *dash = strrchr(name, '-');
    const char *at = dash == NULL ? "" : dash + 1;
    at += strspn(at, "0123456789");
    return *at != '\0' && strchr("QABC", *at) != NULL ? *at : 'G';
}

static struct cat_vgpu_type *find_type(struct gpu_model *model, const struct board_type *said)
{
    struct cat_vgpu_type *by_name = NULL;
    for (vec_each(&model->types, type)) {
        if (type->type_id == said->type_id && type->type_id != CAT_UNKNOWN) {
            return type;
        }
        by_name = str_eq(type->name, type_without_brand(said->name)) ? type : by_name;
    }
    return by_name;
}

static void take_gi_profile(struct overlay *overlay, struct cat_vgpu_type *type,
                            const struct board_type *said)
{
    const struct cat_profile *profile = model_profile_by_id(&overlay->model, said->gi_profile_id);
    if (!said->mig_backed || profile == NULL) {
        return;
    }
    if (type->gi_profile != NULL && !str_eq(type->gi_profile, profile->name)) {
        disagree(overlay, "%s needs %s in the driver and %s in the catalog", type->name,
                 profile->name, type->gi_profile);
    }
    type->gi_profile = profile->name;
    type->gi_profile_id = profile->id;
    type->gi_slices = profile->compute_slices;
    if (type->profile_source.text == NULL) {
        type->profile_source = (struct cat_source){.text = BY_DRIVER, .confidence = CONFIDENCE};
    }
}

static void overlay_type(struct overlay *overlay, const struct board_type *said)
{
    struct cat_vgpu_type *type = find_type(&overlay->model, said);
    if (type == NULL) {
        type = vec_push(&overlay->model.types);
        const char *name = keep(overlay, said->name);
        *type = (struct cat_vgpu_type){.name = type_without_brand(name),
                                       .full_name = name,
                                       .type_id = CAT_UNKNOWN,
                                       .series = series_of(name),
                                       .framebuffer_mib = CAT_UNKNOWN,
                                       .guest_framebuffer_mib = CAT_UNKNOWN,
                                       .max_heads = CAT_UNKNOWN,
                                       .mig_backed = said->mig_backed,
                                       .max_per_gpu = CAT_UNKNOWN,
                                       .max_per_gpu_mixed = CAT_UNKNOWN,
                                       .gi_profile_id = CAT_UNKNOWN,
                                       .max_per_gi = CAT_UNKNOWN,
                                       .subsystem_id = CAT_UNKNOWN,
                                       .source = BY_DRIVER,
                                       .confidence = CONFIDENCE};
    }
    if (type->mig_backed != said->mig_backed) {
        disagree(overlay, "%s is %s in the driver and %s in the catalog", type->name,
                 said->mig_backed ? "MIG-backed" : "time-sliced",
                 type->mig_backed ? "MIG-backed" : "time-sliced");
        type->mig_backed = said->mig_backed;
    }
    if (type->source == NULL) {
        type->source = BY_DRIVER;
        type->confidence = CONFIDENCE;
    }
    type->listed = true;
    take(&type->type_id, said->type_id);
    take(&type->subsystem_id, said->subsystem_id);
    take_compared(overlay, type->name, "the framebuffer", &type->framebuffer_mib,
                  said->framebuffer_mib);
    take_compared(overlay, type->name, "the maximum per GPU", &type->max_per_gpu,
                  said->max_per_gpu);
    take_compared(overlay, type->name, "the maximum per GPU instance", &type->max_per_gi,
                  said->max_per_gi);
    take_gi_profile(overlay, type, said);
}

static void overlay_types(struct overlay *overlay, const struct board *board)
{
    struct gpu_model *model = &overlay->model;
    for (size_t i = 0; overlay->base != NULL && i < overlay->base->types.n; i++) {
        *vec_push(&model->types) = overlay->base->types.items[i];
    }
    for (vec_each(&board->types, said)) {
        overlay_type(overlay, said);
        enum cat_answer *mode = said->mig_backed ? &model->mig_backed : &model->time_sliced;
        *mode = CAT_YES;
    }
}

/* ---- the board ---- */

/* "nvidia-rtx-9000": what a board is called that the catalog doesn't know. */
static const char *make_key(struct overlay *overlay, const struct gpu *gpu)
{
    char key[NAME_SIZE];
    char id[16];
    (void)snprintf(id, sizeof(id), "pci-%04x", gpu->pci_id);
    (void)snprintf(key, sizeof(key), "%.*s", NAME_SIZE - 1, gpu->name[0] != '\0' ? gpu->name : id);
    for (char *at = key; *at != '\0'; at++) {
        *at = isalnum((unsigned char)*at) ? (char)tolower((unsigned char)*at) : '-';
    }
    return keep(overlay, key);
}

/* NVML_DEVICE_ARCH_* (nvml.h): 5 is Volta, 10 Blackwell. */
static enum cat_arch arch_of(uint32_t number)
{
    static const enum cat_arch known[] = {ARCH_VOLTA, ARCH_TURING, ARCH_AMPERE,
                                          ARCH_ADA,   ARCH_HOPPER, ARCH_BLACKWELL};
    return number >= 5 && number < 5 + ARRAY_SIZE(known) ? known[number - 5] : ARCH_UNKNOWN;
}

static void new_model(struct overlay *overlay, const struct gpu *gpu)
{
    struct gpu_model *model = &overlay->model;
    *model = (struct gpu_model){.key = make_key(overlay, gpu),
                                .arch = arch_of(gpu->board.architecture),
                                .memory_mib = CAT_UNKNOWN,
                                .measured = CAT_NOT_MEASURED,
                                .compute_slices = CAT_UNKNOWN,
                                .memory_slices = CAT_UNKNOWN,
                                .max_gpu_instances = CAT_UNKNOWN,
                                .sriov = CAT_MAYBE,
                                .time_sliced = CAT_MAYBE,
                                .mixed_size = CAT_MAYBE,
                                .mig_backed = CAT_MAYBE,
                                .mig_timesliced = CAT_MAYBE,
                                .sriov_vfs = CAT_UNKNOWN};
    model->name = gpu->name[0] != '\0' ? keep(overlay, gpu->name) : model->key;
    if (gpu->mem_bytes > 0) {
        model->memory_mib = (uint32_t)(gpu->mem_bytes / (1024 * 1024));
    }
    /* MIG user guide: of Ampere only, the mode changes by a reset. */
    model->mig_needs_reset = model->arch == ARCH_AMPERE;
}

void overlay_init(struct overlay *overlay, const struct gpu_model *base, const struct gpu *gpu)
{
    *overlay = (struct overlay){.base = base};
    struct gpu_model *model = &overlay->model;
    if (base != NULL) {
        *model = *base;
        memset(&model->profiles, 0, sizeof(model->profiles));
        memset(&model->types, 0, sizeof(model->types));
    } else {
        new_model(overlay, gpu);
    }
    if (model->mig_timesliced == CAT_MAYBE && gpu->mig_timeslicing_supported != TRI_UNKNOWN) {
        model->mig_timesliced = gpu->mig_timeslicing_supported == TRI_YES ? CAT_YES : CAT_NO;
    }
    overlay_profiles(overlay, &gpu->board);
    overlay_types(overlay, &gpu->board);
}

void overlay_done(struct overlay *overlay)
{
    vec_done(&overlay->model.profiles);
    vec_done(&overlay->model.types);
    strlist_done(&overlay->texts);
}
