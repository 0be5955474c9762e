/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/admit.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "plan/claim_rule_facts.h"
#include "plan/gpu_gate.h"

static void claim_subject(const struct claim *claim, char *out, size_t size)
{
    snprintf(out, size, "claim/%s", claim->name);
}

/* What a claim of each mode must, may and can't say. */
enum takes { TAKES_NO, MAY_TAKE, MUST_HAVE };
static const struct {
    enum takes type, profile, start, migratable, params;
} needs[] = {
    [CLAIM_PASSTHROUGH] = {TAKES_NO, TAKES_NO, TAKES_NO, MAY_TAKE,
                           TAKES_NO}, /* a rule refuses that one */
    [CLAIM_TIME_SLICED] = {MUST_HAVE, TAKES_NO, TAKES_NO, MAY_TAKE, MAY_TAKE},
    [CLAIM_MIG_BACKED] = {MUST_HAVE, MAY_TAKE, MAY_TAKE, MAY_TAKE, MAY_TAKE},
    [CLAIM_TIME_SLICED_MIG_BACKED] = {MUST_HAVE, MAY_TAKE, MAY_TAKE, MAY_TAKE, MAY_TAKE},
    [CLAIM_GPU_INSTANCE] = {TAKES_NO, MUST_HAVE, MAY_TAKE, TAKES_NO, TAKES_NO},
};
_Static_assert(ARRAY_SIZE(needs) == CLAIM_MODE_COUNT, "every mode says what it takes");

/* A time-sliced type with a profile: its author often left out the "1-" of the MIG-backed one. */
static void hint_mig_type(const struct claim *claim, const struct cat_vgpu_type *type,
                          const struct gpu_model *model, struct error *err)
{
    for (size_t i = 0; type != NULL && i < model->types.n; i++) {
        const struct cat_vgpu_type *other = &model->types.items[i];
        const char *blank = strrchr(other->name, ' ');
        if (other->mig_backed && other->series == type->series &&
            other->framebuffer_mib == type->framebuffer_mib &&
            str_eq_case(other->gi_profile, claim->spec.profile)) {
            error_hint(err, "did you mean %s?", blank != NULL ? blank + 1 : other->name);
            return;
        }
    }
    error_hint(err,
               "leave out the profile, or give a MIG-backed vGPU type (`cleave profile list`)");
}

/* Refuses what the mode takes no notice of, and asks for what it needs. */
static int check_field(const struct claim *claim, enum takes takes, bool given, const char *what,
                       struct error *err)
{
    char subject[80];
    if (takes == MAY_TAKE || (takes == MUST_HAVE) == given) {
        return 0;
    }
    claim_subject(claim, subject, sizeof(subject));
    return error_set(err, REASON_INVALID, subject, "a %s claim %s %s",
                     claim_mode_name(claim->spec.mode), given ? "takes no" : "needs a", what);
}

static int check_fields(const struct claim *claim, const struct cat_vgpu_type *type,
                        const struct gpu_model *model, struct error *err)
{
    const struct claim_spec *spec = &claim->spec;
    enum claim_mode mode = spec->mode;
    int result = check_field(claim, needs[mode].type, spec->type[0] != '\0', "vGPU type", err);
    if (result != 0) {
        return result;
    }
    result = check_field(claim, needs[mode].profile, spec->profile[0] != '\0', "profile", err);
    if (result != 0 && mode == CLAIM_TIME_SLICED) {
        hint_mig_type(claim, type, model, err);
    }
    if (result != 0) {
        return result;
    }
    result = check_field(claim, needs[mode].start, spec->start != NO_ID, "start", err);
    if (result != 0) {
        error_hint(err, "start is the place of a GPU instance, but this claim needs none");
        return result;
    }
    result = check_field(claim, needs[mode].migratable, spec->migratable, "migration", err);
    if (result != 0) {
        error_hint(err, "leave out migratable: no VM has a bare GPU instance");
        return result;
    }
    result = check_field(claim, needs[mode].params, vgpu_params_any(&claim->params),
                         "vGPU parameters", err);
    if (result != 0) {
        error_hint(err, "parameters are of a vGPU, and this claim gets none");
    }
    return result;
}

/* "auto" follows from what was asked for. */
static int resolve_mode(struct claim *claim, const struct cat_vgpu_type *type,
                        const struct gpu_model *model, struct error *err)
{
    struct claim_spec *spec = &claim->spec;
    char subject[80];
    claim_subject(claim, subject, sizeof(subject));
    if (spec->mode == CLAIM_MODE_AUTO) {
        if (type != NULL && type->mig_backed) {
            bool shares = type->max_per_gi != CAT_UNKNOWN && type->max_per_gi > 1;
            spec->mode = shares ? CLAIM_TIME_SLICED_MIG_BACKED : CLAIM_MIG_BACKED;
        } else if (type != NULL) {
            spec->mode = CLAIM_TIME_SLICED;
        } else if (spec->profile[0] != '\0') {
            spec->mode = CLAIM_GPU_INSTANCE;
        } else {
            error_set(err, REASON_INVALID, subject,
                      "claim \"%s\" has no vGPU type, profile or mode", claim->name);
            error_hint(err, "give a type (e.g. L40S-8Q), a profile (e.g. 2g.10gb), or mode "
                            "passthrough for a whole GPU");
            return -REASON_INVALID;
        }
    }
    int result = check_fields(claim, type, model, err);
    if (result != 0) {
        return result;
    }
    if (type != NULL && type->mig_backed == (spec->mode == CLAIM_TIME_SLICED)) {
        return error_set(err, REASON_INVALID, subject,
                         "%s is a %s type, but the mode of the claim is %s", type->name,
                         type->mig_backed ? "MIG-backed" : "time-sliced",
                         claim_mode_name(spec->mode));
    }
    return 0;
}

bool admit_selects(const struct planner *planner, const struct claim *claim, const struct gpu *gpu)
{
    const char *text = claim->spec.gpu;
    if (text[0] == '\0') {
        return true;
    }
    const struct gpu *one = host_find_gpu(planner->host, text);
    if (one != NULL) {
        return one == gpu;
    }
    const struct gpu_model *model = NULL;
    const struct gpu_model *here = gpu_model_of(planner, gpu);
    return here != NULL && (str_eq_case(here->key, text) ||
                            (catalog_find(planner->catalog, text, &model, NULL) == 0 &&
                             str_eq(model->key, here->key)));
}

enum scheduler_policy admit_policy(const struct admitted *admitted)
{
    return claim_policy(&admitted->claim, admitted->model, admitted->type);
}

/* A claim that is there has what it has: only those that come are refused for want of a licence. */
static int check_licence(const struct planner *planner, const struct claim *claim, const char *bdf,
                         struct error *err)
{
    bool comes = planner->licences != NULL && claims_find(planner->claims, claim->name) == NULL;
    return comes ? licence_room_check(planner->licences, claim, bdf, err) : 0;
}

int admit_on_gpu(const struct planner *planner, const struct claim *claim, const struct gpu *gpu,
                 struct admitted *ret_admitted, struct error *err)
{
    char bdf[BDF_SIZE];
    char subject[64];
    snprintf(subject, sizeof(subject), "gpu/%s", pci_addr_format(&gpu->addr, bdf));
    if (!admit_selects(planner, claim, gpu)) {
        return error_set(err, REASON_NOT_FOUND, subject, "the claim asks for GPU \"%s\", not %s",
                         claim->spec.gpu, bdf);
    }
    if (gpu->problem[0] != '\0') {
        int result = gate_check_quarantine(planner, gpu, err); /* says what to do about it */
        return result != 0 ? result
                           : error_set(err, REASON_DRIVER, subject, "GPU %s can't be used: %s", bdf,
                                       gpu->problem);
    }
    int taken = gate_check_driver(planner, gpu, err);
    if (taken != 0) {
        return taken;
    }
    struct admitted a = {.claim = *claim, .gpu = gpu, .model = gpu_model_of(planner, gpu)};
    bool needs_model = claim->spec.mode != CLAIM_PASSTHROUGH || claim->spec.type[0] != '\0';
    if (a.model == NULL && needs_model) {
        return error_set(err, REASON_UNSUPPORTED, subject,
                         "the catalog does not have GPU %s (PCI id 0x%04x), and its driver reports "
                         "no profiles and types; only pass-through works",
                         bdf, gpu->pci_id);
    }
    int result = 0;
    if (claim->spec.type[0] != '\0') {
        result = model_find_type(a.model, claim->spec.type, &a.type, err);
    }
    if (result == 0) {
        result = resolve_mode(&a.claim, a.type, a.model, err);
    }
    const char *profile = claim->spec.profile[0] != '\0' ? claim->spec.profile
                          : a.type != NULL               ? a.type->gi_profile
                                                         : NULL;
    if (result == 0 && profile != NULL && a.claim.spec.mode != CLAIM_TIME_SLICED) {
        result = boards_check_profile(planner->boards, gpu, profile, err);
        result = result != 0 ? result : model_find_profile(a.model, profile, &a.profile, err);
    }
    if (result != 0) {
        return result;
    }
    const struct rule_facts facts = claim_rule_facts(planner, &a.claim, gpu);
    result = rules_check(planner->rules, &facts, err);
    if (result != 0) {
        if (err != NULL) {
            claim_subject(claim, err->subject, sizeof(err->subject));
        }
        return result;
    }
    if (a.type != NULL) {
        result = boards_check_type(planner->boards, gpu, a.type, err);
        if (result != 0) {
            return result;
        }
    }
    bool on_gi = mode_of_claim(a.claim.spec.mode) == GPU_MIG;
    if (on_gi && a.profile == NULL) {
        return error_set(err, REASON_UNKNOWN, subject,
                         "no source says which GPU instance profile hosts %s",
                         a.type != NULL ? a.type->name : "this claim");
    }
    STR_SET(a.claim.spec.type, a.type != NULL ? a.type->name : "");
    STR_SET(a.claim.spec.profile, on_gi ? a.profile->name : "");
    *ret_admitted = a;
    return check_licence(planner, &a.claim, bdf, err);
}
