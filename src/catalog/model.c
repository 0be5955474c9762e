/* SPDX-License-Identifier: Apache-2.0 */
/* Finding profiles and vGPU types within a model. */
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "catalog/catalog.h"

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
    return NULL;
}

static int unknown_profile(const struct gpu_model *model, const char *text, struct error *err)
{
    if (model->profiles.n == 0) {
        return error_set(err, REASON_NOT_FOUND, text,
                         "no GPU instance profiles of %s are known, so not \"%s\"", model->name,
                         text);
    }
    VEC(const char *) names = {0};
    CLEANUP_STRBUF struct strbuf list = {0};
    for (vec_each(&model->profiles, profile)) {
        *vec_push(&names) = profile->name;
        strbuf_addf(&list, "%s%s", names.n > 1 ? ", " : "", profile->name);
    }
    const char *nearest = str_nearest(text, names.items, names.n);
    vec_done(&names);
    int r = error_set(err, REASON_NOT_FOUND, text, "%s has no GPU instance profile \"%s\"%s%s%s",
                      model->name, text, nearest != NULL ? "; did you mean \"" : "",
                      nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
    error_hint(err, "it has %s", strbuf_str(&list));
    return r;
}

int model_find_profile(const struct gpu_model *model, const char *text,
                       const struct cat_profile **ret_profile, struct error *err)
{
    const char *name = str_starts(text, "MIG ") ? text + 4 : text;
    uint32_t id = 0;
    const struct cat_profile *profile =
        parse_u32(name, &id) ? model_profile_by_id(model, id) : profile_by_name(model, name);
    if (profile == NULL) {
        return unknown_profile(model, name, err);
    }
    *ret_profile = profile;
    return 0;
}

/* The part of a vGPU type's name after the board's words: "DC-1-8C". */
static const char *short_type(const char *name)
{
    const char *blank = strrchr(name, ' ');
    return blank != NULL ? blank + 1 : name;
}

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
        if (str_starts(text, brands[i])) {
            return text + strlen(brands[i]);
        }
    }
    return text;
}

static const struct cat_vgpu_type *type_by_name(const struct gpu_model *model, const char *text)
{
    const char *name = type_without_brand(text);
    for (vec_each(&model->types, type)) {
        if (str_eq_case(type->name, name) || str_eq_case(short_type(type->name), name)) {
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

static int unknown_type(const struct gpu_model *model, const char *text, struct error *err)
{
    if (err == NULL) { /* a search over all models needs no suggestion */
        return -REASON_NOT_FOUND;
    }
    if (model->types.n == 0) {
        return error_set(err, REASON_NOT_FOUND, text,
                         "no vGPU types of %s are known, so not \"%s\"", model->name, text);
    }
    VEC(const char *) names = {0};
    for (vec_each(&model->types, type)) {
        *vec_push(&names) = type->name;
        *vec_push(&names) = short_type(type->name);
    }
    const char *nearest = str_nearest(type_without_brand(text), names.items, names.n);
    vec_done(&names);
    return error_set(err, REASON_NOT_FOUND, text, "%s has no vGPU type \"%s\"%s%s%s", model->name,
                     text, nearest != NULL ? "; did you mean \"" : "",
                     nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
}

int model_find_type(const struct gpu_model *model, const char *text,
                    const struct cat_vgpu_type **ret_type, struct error *err)
{
    uint32_t id = 0;
    const struct cat_vgpu_type *type =
        parse_u32(text, &id) ? model_type_by_id(model, id) : type_by_name(model, text);
    if (type == NULL) {
        type = type_on_gfx(model, text);
    }
    if (type == NULL) {
        return unknown_type(model, text, err);
    }
    *ret_type = type;
    return 0;
}
