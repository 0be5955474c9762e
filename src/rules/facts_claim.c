/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/facts_claim.h"

#include "base/str.h"
#include "rules/say.h"

static bool claim_mode(const struct rule_facts *f, char *out)
{
    return f->spec != NULL && say_text(out, claim_mode_name(f->spec->mode));
}

static bool claim_type(const struct rule_facts *f, char *out)
{
    return f->spec != NULL && say_text(out, f->type != NULL ? f->type->name : f->spec->type);
}

static bool claim_guest(const struct rule_facts *f, char *out)
{
    return f->spec != NULL && say_text(out, guest_os_name(f->spec->guest));
}

static bool claim_mixed(const struct rule_facts *f, char *out)
{
    return f->spec != NULL && say_bool(out, f->spec->mixed);
}

static bool claim_migratable(const struct rule_facts *f, char *out)
{
    return f->spec != NULL && say_bool(out, f->spec->migratable);
}

static bool claim_has_vm(const struct rule_facts *f, char *out)
{
    return say_bool(out, f->has_vm);
}

static bool claim_name(const struct rule_facts *f, char *out)
{
    return say_text(out, f->claim);
}

/* A parameter that the claim has no word about is as the driver has it. */
static bool say_param(const struct rule_facts *f, const char *word, char *out)
{
    const struct vgpu_param *param = vgpu_param_find(word);
    if (f->params == NULL || param == NULL) {
        return false;
    }
    enum tristate value = vgpu_param_get(f->params, param);
    return say_bool(out, value == TRI_UNKNOWN ? param->initial : value == TRI_YES);
}

/* Has it a word about any? What its need implies is none. */
static bool claim_params_any(const struct rule_facts *f, char *out)
{
    return f->params != NULL && say_bool(out, vgpu_params_any(f->params));
}

#define CLAIM_PARAM(name, word)                                                                    \
    static bool claim_##name(const struct rule_facts *f, char *out)                                \
    {                                                                                              \
        return say_param(f, word, out);                                                            \
    }
CLAIM_PARAM(console, "console")
CLAIM_PARAM(debugger, "debugger")
CLAIM_PARAM(frame_rate_limiter, "frame-rate-limiter")
CLAIM_PARAM(profiler, "profiler")

static const struct fact claim_rows[] = {
    {"claim.console", claim_console},
    {"claim.debugger", claim_debugger},
    {"claim.frame-rate-limiter", claim_frame_rate_limiter},
    {"claim.guest", claim_guest},
    {"claim.has-vm", claim_has_vm},
    {"claim.migratable", claim_migratable},
    {"claim.mixed", claim_mixed},
    {"claim.mode", claim_mode},
    {"claim.name", claim_name},
    {"claim.params", claim_params_any},
    {"claim.profiler", claim_profiler},
    {"claim.type", claim_type},
};
const struct fact_table claim_facts = FACT_TABLE(claim_rows);
