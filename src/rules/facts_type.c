/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/facts_type.h"

#include "base/str.h"
#include "rules/board_type.h"
#include "rules/say.h"

static bool type_profile(const struct rule_facts *f, char *out)
{
    return f->type != NULL && say_text(out, f->type->gi_profile);
}

static bool type_fits_profile(const struct rule_facts *f, char *out)
{
    if (f->type == NULL || f->profile == NULL || f->type->gi_profile == NULL) {
        return false;
    }
    return say_bool(out, str_eq(f->type->gi_profile, f->profile->name));
}

static bool type_max_per_gi(const struct rule_facts *f, char *out)
{
    return f->type != NULL && f->type->mig_backed && say_number(out, f->type->max_per_gi);
}

static bool type_framebuffer(const struct rule_facts *f, char *out)
{
    return f->type != NULL && say_number(out, f->type->framebuffer_mib);
}

static bool type_max_per_vm(const struct rule_facts *f, char *out)
{
    const struct board_type *type = board_type_of(f);
    return type != NULL && type->max_per_vm != BOARD_UNKNOWN && say_number(out, type->max_per_vm);
}

/* Does the type take a whole board's memory? */
static bool type_whole(const struct rule_facts *f, char *out)
{
    return f->type != NULL && f->model != NULL && type_nominal_mib(f->type) != CAT_UNKNOWN &&
           f->model->memory_mib != CAT_UNKNOWN &&
           say_bool(out, type_nominal_mib(f->type) >= f->model->memory_mib);
}

static bool share_of_type(const struct rule_facts *f, char *out)
{
    return say_number(out, type_compute(f->model, f->type));
}

/* Can vGPUs of the type exchange data with another GPU's over NVLink? */
static bool type_peer_transfers(const struct rule_facts *f, char *out)
{
    char whole[FACT_SIZE];
    if (f->type == NULL || f->model == NULL) {
        return false;
    }
    if (f->type->mig_backed || f->model->nvlink == CAT_NO) {
        return say_bool(out, false);
    }
    if (!type_whole(f, whole)) {
        return false;
    }
    return str_eq(whole, "false") ? say_bool(out, false) : say_support(out, (int)f->model->nvlink);
}

static bool type_name(const struct rule_facts *f, char *out)
{
    return (f->type != NULL && say_text(out, f->type->name)) ||
           (f->spec != NULL && say_text(out, f->spec->type));
}

static bool type_series(const struct rule_facts *f, char *out)
{
    char series[2] = {f->type != NULL ? f->type->series : '\0', '\0'};
    return say_text(out, series);
}

static bool type_exclusive_type(const struct rule_facts *f, char *out)
{
    const struct board_type *type = board_type_of(f);
    return type != NULL && say_answer(out, type->exclusive_type);
}

static bool type_exclusive_size(const struct rule_facts *f, char *out)
{
    const struct board_type *type = board_type_of(f);
    return type != NULL && say_answer(out, type->exclusive_size);
}

static const struct fact type_rows[] = {
    {"type.compute", share_of_type},
    {"type.exclusive-size", type_exclusive_size},
    {"type.exclusive-type", type_exclusive_type},
    {"type.fits-profile", type_fits_profile},
    {"type.framebuffer-mib", type_framebuffer},
    {"type.max-per-gi", type_max_per_gi},
    {"type.max-per-vm", type_max_per_vm},
    {"type.name", type_name},
    {"type.peer-transfers", type_peer_transfers},
    {"type.profile", type_profile},
    {"type.series", type_series},
    {"type.whole-board", type_whole},
};
const struct fact_table type_facts = FACT_TABLE(type_rows);
