/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/lookup.h"

#include <strings.h>

#include "base/parse.h"
#include "base/str.h"
#include "catalog/board_name.h"
#include "catalog/profile_name.h"
#include "catalog/spelling.h"

/* ---- profiles ---- */

const struct cat_profile *model_profile_by_id(const struct gpu_model *model, uint32_t id)
{
    for (vec_each(&model->profiles, profile)) {
        if (profile->id == id && id != CAT_UNKNOWN) {
            return profile;
        }
    }
    return NULL;
}

static const struct cat_profile *profile_by_name(const struct gpu_model *model, const char *name)
{
    for (vec_each(&model->profiles, profile)) {
        if (str_eq_case(profile->name, name)) {
            return profile;
        }
    }
    for (vec_each(&model->profiles, profile)) {
        for (size_t i = 0; i < CAT_MAX_ALSO && profile->also[i] != NULL; i++) {
            if (str_eq_case(profile->also[i], name)) {
                return profile;
            }
        }
    }
    return NULL;
}

const struct cat_profile *lookup_profile(const struct gpu_model *model, const char *text)
{
    struct spelling spelling = spelling_of_profile(text);
    if (spelling.shared || (spelling.board[0] != '\0' && !cat_is_of_board(model, spelling.board))) {
        return NULL;
    }
    uint32_t id = 0;
    return parse_u32(spelling.name, &id) ? model_profile_by_id(model, id)
                                         : profile_by_name(model, spelling.name);
}

/* ---- types ---- */

const struct cat_vgpu_type *model_type_by_id(const struct gpu_model *model, uint32_t type_id)
{
    for (vec_each(&model->types, type)) {
        if (type->type_id == type_id && type_id != CAT_UNKNOWN) {
            return type;
        }
    }
    return NULL;
}

const char *type_without_brand(const char *text)
{
    static const char *const brands[] = {"NVIDIA ", "GRID "};
    for (size_t i = 0; i < ARRAY_SIZE(brands); i++) {
        size_t len = strlen(brands[i]);
        if (strncasecmp(text, brands[i], len) == 0) {
            return text + len;
        }
    }
    return text;
}

static const struct cat_vgpu_type *type_by_name(const struct gpu_model *model, const char *text)
{
    const char *name = type_without_brand(text);
    for (vec_each(&model->types, type)) {
        if (cat_same_name(type->name, name) || cat_same_name(cat_short_type(type->name), name)) {
            return type;
        }
    }
    return NULL;
}

/* vgpu-device-manager writes "DC-1-24CGFX" where the driver says "DC-1-24C" and puts it on a
 * graphics instance. */
static const struct cat_vgpu_type *type_on_gfx(const struct gpu_model *model, const char *text)
{
    static const char suffix[] = "GFX";
    if (!str_ends(text, suffix)) {
        return NULL;
    }
    CLEANUP_FREE char *name = xstrndup(text, strlen(text) - strlen(suffix));
    const struct cat_vgpu_type *type = type_by_name(model, name);
    if (type == NULL || !type->mig_backed) {
        return NULL;
    }
    const struct cat_profile *profile =
        type->gi_profile != NULL ? profile_by_name(model, type->gi_profile) : NULL;
    return profile == NULL || profile->gfx ? type : NULL;
}

/* "DC-1-12" is a type of its own, and nearly always "DC-1-12C" with the letter forgotten: taken
 * where the host's driver has it, and where it is named in full, as a driver does. */
static bool is_letter_forgotten(const struct cat_vgpu_type *type, const char *text)
{
    return type->series == 'G' && !type->listed && !str_eq_case(type->full_name, text);
}

const struct cat_vgpu_type *lookup_type(const struct gpu_model *model, const char *text,
                                        bool *ret_letter_forgotten)
{
    struct spelling spelling = spelling_of_type(text);
    uint32_t id = 0;
    *ret_letter_forgotten = false;
    if (parse_u32(spelling.name, &id)) {
        return model_type_by_id(model, id);
    }
    const struct cat_vgpu_type *type = type_by_name(model, spelling.name);
    if (type == NULL) {
        return type_on_gfx(model, spelling.name);
    }
    *ret_letter_forgotten = is_letter_forgotten(type, spelling.name);
    return type;
}

const struct cat_profile *model_profile_of_type(const struct gpu_model *model,
                                                const struct cat_vgpu_type *type)
{
    for (vec_each(&model->profiles, profile)) {
        if (type->gi_profile_id != CAT_UNKNOWN ? profile->id == type->gi_profile_id
                                               : str_eq(profile->name, type->gi_profile)) {
            return profile;
        }
    }
    return NULL;
}

uint32_t profile_least_mib(const struct cat_profile *profile)
{
    struct profile_name name;
    if (profile->memory_mib != CAT_UNKNOWN) {
        return profile->memory_mib;
    }
    return profile_name_parse(profile->name, &name, NULL) == 0 && name.memory_gb > 0
               ? name.memory_gb * 1024 / 8 * 7
               : CAT_UNKNOWN;
}

bool type_is_for_media(const struct gpu_model *model, const struct cat_vgpu_type *type)
{
    const struct cat_profile *profile = model_profile_of_type(model, type);
    return profile != NULL ? profile->media != MEDIA_PLAIN : str_ends(type->name, "CME");
}

uint32_t type_nominal_mib(const struct cat_vgpu_type *type)
{
    if (type->framebuffer_mib != CAT_UNKNOWN) {
        return type->framebuffer_mib;
    }
    char digits[16];
    const char *last = strrchr(type->name, '-');
    uint32_t gigabytes = 0;
    if (last == NULL || !STR_SET(digits, last + 1)) {
        return CAT_UNKNOWN;
    }
    digits[strspn(digits, "0123456789")] = '\0';
    return parse_u32(digits, &gigabytes) && gigabytes > 0 && gigabytes <= 4096 ? gigabytes * 1024
                                                                               : CAT_UNKNOWN;
}

uint32_t type_guest_mib(const struct gpu_model *model, const struct cat_vgpu_type *type)
{
    if (type->guest_framebuffer_mib != CAT_UNKNOWN || model == NULL) {
        return type->guest_framebuffer_mib;
    }
    for (vec_each(&model->types, other)) {
        if (other->guest_framebuffer_mib != CAT_UNKNOWN && other->mig_backed == type->mig_backed &&
            other->max_per_gi == type->max_per_gi &&
            type_nominal_mib(other) == type_nominal_mib(type)) {
            return other->guest_framebuffer_mib;
        }
    }
    return CAT_UNKNOWN;
}

static bool is_for_displays(const struct cat_vgpu_type *type)
{
    return !type->mig_backed && (type->series == 'A' || type->series == 'B' || type->series == 'Q');
}

uint32_t type_most_per_gpu(const struct gpu_model *model, const struct cat_vgpu_type *type)
{
    if (type->max_per_gpu != CAT_UNKNOWN || model == NULL || !is_for_displays(type)) {
        return type->max_per_gpu;
    }
    for (vec_each(&model->types, other)) {
        if (other->max_per_gpu != CAT_UNKNOWN && is_for_displays(other) &&
            type_nominal_mib(other) == type_nominal_mib(type)) {
            return other->max_per_gpu;
        }
    }
    return CAT_UNKNOWN;
}

uint32_t type_compute(const struct gpu_model *model, const struct cat_vgpu_type *type)
{
    if (type == NULL) {
        return CAT_UNKNOWN;
    }
    uint32_t share = 100;
    uint32_t turns = type_most_per_gpu(model, type);
    if (type->mig_backed) {
        turns = type->max_per_gi;
        if (model == NULL || model->compute_slices == CAT_UNKNOWN || model->compute_slices == 0) {
            return CAT_UNKNOWN;
        }
        share = 100 * type->gi_slices;
        turns = turns == CAT_UNKNOWN ? 1 : turns;
        turns *= model->compute_slices;
    }
    return turns == CAT_UNKNOWN || turns == 0 ? CAT_UNKNOWN : share / turns;
}

bool type_is_whole(const struct gpu_model *model, const struct cat_vgpu_type *type)
{
    uint32_t nominal = type_nominal_mib(type);
    if (nominal != CAT_UNKNOWN && model->memory_mib != CAT_UNKNOWN &&
        nominal >= model->memory_mib) {
        return true;
    }
    if (!type->mig_backed) {
        return type->max_per_gpu == 1;
    }
    bool alone = type->max_per_gi == CAT_UNKNOWN || type->max_per_gi <= 1;
    return alone && type->gi_slices > 0 && type->gi_slices == model->compute_slices;
}
