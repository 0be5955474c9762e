/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/facts_model.h"

#include "base/str.h"
#include "rules/say.h"

static bool model_key(const struct rule_facts *f, char *out)
{
    return f->model != NULL && say_text(out, f->model->key);
}

static bool model_name(const struct rule_facts *f, char *out)
{
    return f->model != NULL && say_text(out, f->model->name);
}

static bool model_arch(const struct rule_facts *f, char *out)
{
    return f->model != NULL && f->model->arch != ARCH_UNKNOWN &&
           say_text(out, cat_arch_key(f->model->arch));
}

/* A board whose profiles no one published (RTX PRO 5000 72GB) is known to have MIG by its vGPU
 * types only; one with neither has none. */
static bool model_mig(const struct rule_facts *f, char *out)
{
    if (f->model == NULL) {
        return false;
    }
    if (f->model->profiles.n > 0) {
        return say_bool(out, true);
    }
    return f->model->mig_backed == CAT_NO && say_bool(out, false);
}

static bool model_time_sliced(const struct rule_facts *f, char *out)
{
    return f->model != NULL && say_support(out, (int)f->model->time_sliced);
}

static bool model_mixed(const struct rule_facts *f, char *out)
{
    return f->model != NULL && say_support(out, (int)f->model->mixed_size);
}

static bool model_gfx(const struct rule_facts *f, char *out)
{
    if (f->model == NULL) {
        return false;
    }
    bool any = false;
    for (vec_each(&f->model->profiles, profile)) {
        any = any || profile->gfx;
    }
    return say_bool(out, any);
}

static bool profile_name(const struct rule_facts *f, char *out)
{
    return f->profile != NULL && say_text(out, f->profile->name);
}

static bool profile_gfx(const struct rule_facts *f, char *out)
{
    return f->profile != NULL && say_bool(out, f->profile->gfx);
}

static bool model_memory(const struct rule_facts *f, char *out)
{
    return f->model != NULL && say_number(out, f->model->memory_mib);
}

static bool model_mig_backed(const struct rule_facts *f, char *out)
{
    return f->model != NULL && say_support(out, (int)f->model->mig_backed);
}

static bool model_max_instances(const struct rule_facts *f, char *out)
{
    return f->model != NULL && say_number(out, f->model->max_gpu_instances);
}

static bool model_nvlink(const struct rule_facts *f, char *out)
{
    return f->model != NULL && say_support(out, (int)f->model->nvlink);
}

/* Has the board a type for graphics in the claim's mode? */
static bool mode_graphics_types(const struct rule_facts *f, char *out)
{
    if (f->spec == NULL || f->model == NULL || f->model->types.n == 0) {
        return false;
    }
    bool mig = f->spec->mode != CLAIM_TIME_SLICED;
    bool any = false;
    for (vec_each(&f->model->types, type)) {
        any = any || (type->mig_backed == mig && type->series != 'C');
    }
    return say_bool(out, any);
}

/* What a VM of this mode has to itself towards those that the need names: memory, or hardware. */
static bool mode_isolation(const struct rule_facts *f, char *out)
{
    if (f->spec == NULL) {
        return false;
    }
    bool grouped = f->need != NULL && f->need->boundary == BOUNDARY_GROUP;
    bool in_time = f->spec->mode == CLAIM_TIME_SLICED ||
                   (f->spec->mode == CLAIM_TIME_SLICED_MIG_BACKED && !grouped);
    return f->need != NULL &&
           say_text(out, isolation_name(in_time ? ISOLATION_MEMORY : ISOLATION_HARDWARE));
}

/* Of what the claim's mode offers, the largest. */
static bool mode_largest(const struct rule_facts *f, char *out)
{
    uint32_t most = 0;
    if (f->spec == NULL || f->model == NULL) {
        return false;
    }
    if (f->spec->mode == CLAIM_PASSTHROUGH) {
        return say_number(out, f->model->memory_mib);
    }
    for (vec_each(&f->model->types, type)) {
        uint32_t size = type_nominal_mib(type);
        if (f->spec->mode != CLAIM_GPU_INSTANCE &&
            type->mig_backed == (f->spec->mode != CLAIM_TIME_SLICED) && size != CAT_UNKNOWN) {
            most = size > most ? size : most;
        }
    }
    for (vec_each(&f->model->profiles, profile)) {
        if (f->spec->mode == CLAIM_GPU_INSTANCE && profile->memory_mib != CAT_UNKNOWN) {
            most = profile->memory_mib > most ? profile->memory_mib : most;
        }
    }
    return most > 0 && say_number(out, most);
}

static const struct fact mode_rows[] = {
    {"mode.graphics-types", mode_graphics_types},
    {"mode.isolation", mode_isolation},
    {"mode.largest-mib", mode_largest},
};
const struct fact_table mode_facts = FACT_TABLE(mode_rows);

static const struct fact model_rows[] = {
    {"model.arch", model_arch},
    {"model.gfx-profiles", model_gfx},
    {"model.key", model_key},
    {"model.max-gpu-instances", model_max_instances},
    {"model.memory-mib", model_memory},
    {"model.mig", model_mig},
    {"model.mig-backed", model_mig_backed},
    {"model.mixed-sizes", model_mixed},
    {"model.name", model_name},
    {"model.nvlink", model_nvlink},
    {"model.time-sliced", model_time_sliced},
};
const struct fact_table model_facts = FACT_TABLE(model_rows);

static const struct fact profile_rows[] = {
    {"profile.gfx", profile_gfx},
    {"profile.name", profile_name},
};
const struct fact_table profile_facts = FACT_TABLE(profile_rows);
