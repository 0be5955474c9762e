/* SPDX-License-Identifier: Apache-2.0 */
/* Admission of one claim before a plan exists: any GPU of the host will do. */
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "plan/admit_search.h"
#include "plan/need_refusal.h"
#include "plan/passed_over.h"
#include "plan/planner.h"

/* The claim learns its VM's UUID: the VM may be renamed before the claim is bound. */
static int check_vm(const struct planner *planner, struct claim *claim, struct error *err)
{
    if (claim->vm[0] == '\0' || planner->host->libvirt_problem[0] != '\0') {
        return 0;
    }
    const struct vm *known = host_find_vm(planner->host, claim->vm);
    if (known != NULL) {
        STR_SET(claim->vm_uuid, known->uuid);
        return 0;
    }
    const char *names[64];
    size_t n = 0;
    for (vec_each(&planner->host->vms, vm)) {
        if (n < ARRAY_SIZE(names)) {
            names[n++] = vm->name;
        }
    }
    const char *nearest = str_nearest(claim->vm, names, n);
    error_set(err, REASON_NOT_FOUND, claim->vm, "there is no VM \"%s\"%s%s%s", claim->vm,
              nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
              nearest != NULL ? "\"?" : "");
    error_hint(err, "define it with virsh or `cleave vm create`, or leave the VM out");
    return -REASON_NOT_FOUND;
}

/* Is the word something else than what was asked for, on whatever board? */
static int refuse_other(const struct gpu_model *model, const struct claim *claim, struct error *err)
{
    const struct cat_vgpu_type *type = NULL;
    const struct cat_profile *profile = NULL;
    struct error said = {.hint = ""};
    int r = claim->spec.type[0] != '\0'
                ? model_find_type(model, claim->spec.type, &type, &said)
                : model_find_profile(model, claim->spec.profile, &profile, &said);
    if (r != -REASON_INVALID) {
        return 0;
    }
    error_set(err, REASON_INVALID, SUBJECT("claim", claim->name), "%s", said.message);
    error_hint(err, "%s", said.hint);
    return r;
}

/* No GPU that was selected has the type or profile: says what it is, or names the nearest that one
 * of them has. */
static int refuse_unknown(const struct planner *planner, const struct claim *claim,
                          struct error *err)
{
    bool is_type = claim->spec.type[0] != '\0';
    const char *word = is_type ? claim->spec.type : claim->spec.profile;
    VEC(const char *) names = {0};
    for (vec_each(&planner->host->gpus, gpu)) {
        const struct gpu_model *model = gpu_model_of(planner, gpu);
        if (model == NULL || !admit_selects(planner, claim, gpu)) {
            continue;
        }
        int other = refuse_other(model, claim, err);
        if (other != 0) {
            vec_done(&names);
            return other;
        }
        for (vec_each(&model->types, type)) {
            if (is_type) { /* "DC-1-8C" is what people type of "RTX Pro 6000 Blackwell DC-1-8C" */
                const char *blank = strrchr(type->name, ' ');
                *vec_push(&names) = blank != NULL ? blank + 1 : type->name;
                *vec_push(&names) = type->name;
            }
        }
        for (vec_each(&model->profiles, profile)) {
            if (!is_type) {
                *vec_push(&names) = profile->name;
            }
        }
    }
    const char *nearest = str_nearest(word, names.items, names.n);
    vec_done(&names);
    error_set(err, REASON_NOT_FOUND, SUBJECT("claim", claim->name),
              "no GPU %s has the %s \"%s\"%s%s%s",
              claim->spec.gpu[0] != '\0' ? "that the claim selects" : "of this host",
              is_type ? "vGPU type" : "GPU instance profile", word,
              nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
              nearest != NULL ? "\"?" : "");
    error_hint(err, "`cleave profile list` shows what the GPUs of this host have");
    return -REASON_NOT_FOUND;
}

/* Without NVML it is unknown whether a GPU is in MIG mode. */
static int check_nvml(const struct planner *planner, const struct claim *claim, struct error *err)
{
    const struct host *host = planner->host;
    if (host->nvml_problem[0] == '\0' || host->gpus.n == 0 ||
        claim->spec.mode == CLAIM_PASSTHROUGH) {
        return 0;
    }
    error_set(err, REASON_UNAVAILABLE, SUBJECT("claim", claim->name), "claim \"%s\" needs NVML: %s",
              claim->name, host->nvml_problem);
    error_hint(err, "%s; without NVML only pass-through works",
               host->nvml_unasked
                   ? "cleaved asks NVML again when that step has returned; see `cleave plan list`"
               : host->driver_version[0] == '\0' ? "install or load NVIDIA's driver"
                                                 : "dmesg (NVRM, Xid) may say why");
    return -REASON_UNAVAILABLE;
}

/* A claim that comes and goes with a VM needs one. */
static int check_hold(const struct claim *claim, struct error *err)
{
    if (claim->spec.hold != CLAIM_ON_DEMAND || claim->vm[0] != '\0') {
        return 0;
    }
    error_set(err, REASON_INVALID, SUBJECT("claim", claim->name),
              "claim \"%s\" is on-demand, but has no VM", claim->name);
    error_hint(
        err,
        "an on-demand claim gets its device when its VM starts: name the VM, or use hold: held");
    return -REASON_INVALID;
}

/* Profile numbers are each board's own (nvidia-smi mig -lgip): one that names different profiles on
 * the boards that the claim selects could come out on any of them. */
static int check_number(const struct planner *planner, const struct claim *claim, struct error *err)
{
    uint32_t id = 0;
    const struct gpu_model *first = NULL;
    const struct cat_profile *its = NULL;
    if (!parse_u32(claim->spec.profile, &id)) {
        return 0;
    }
    for (vec_each(&planner->host->gpus, gpu)) {
        const struct gpu_model *model = gpu_model_of(planner, gpu);
        const struct cat_profile *here = model != NULL && admit_selects(planner, claim, gpu)
                                             ? model_profile_by_id(model, id)
                                             : NULL;
        if (here == NULL || (its != NULL && str_eq(here->name, its->name))) {
            continue;
        }
        if (its != NULL) {
            error_set(err, REASON_INVALID, SUBJECT("claim", claim->name),
                      "profile %u is %s on %s and %s on %s", id, its->name, first->name, here->name,
                      model->name);
            error_hint(err, "use the profile's name, or also name the GPU");
            return -REASON_INVALID;
        }
        first = model;
        its = here;
    }
    return 0;
}

/* Numbers are of one boot: after another one the same number may be another board's. A board that
 * is away from its driver can't be found by its UUID. */
static void settle_index(struct claim *claim, const struct gpu *gpu)
{
    uint32_t index = 0;
    char bdf[BDF_SIZE];
    if (parse_u32(claim->spec.gpu, &index)) {
        STR_SET(claim->spec.gpu,
                gpu->uuid[0] != '\0' ? gpu->uuid : pci_addr_format(&gpu->addr, bdf));
    }
}

/* Has one of the GPUs that are selected the type or profile that was typed? */
static bool is_word_known(const struct planner *planner, const struct claim *claim)
{
    const struct cat_vgpu_type *type = NULL;
    const struct cat_profile *profile = NULL;
    const struct claim_spec *spec = &claim->spec;
    for (vec_each(&planner->host->gpus, gpu)) {
        const struct gpu_model *model = gpu_model_of(planner, gpu);
        if (model != NULL && admit_selects(planner, claim, gpu) &&
            (spec->type[0] == '\0' || model_find_type(model, spec->type, &type, NULL) == 0) &&
            (spec->profile[0] == '\0' ||
             model_find_profile(model, spec->profile, &profile, NULL) == 0)) {
            return true;
        }
    }
    return false;
}

static int refuse(struct admit_search *search, const struct place_question *question,
                  const struct place_answer *answer, const struct claim *claim, struct error *err)
{
    const struct planner *planner = search->planner;
    bool open = claim_is_open(claim);
    if (planner->host->gpus.n == 0) {
        return error_set(err, REASON_NOT_FOUND, "host", "this host has no NVIDIA GPU%s%s",
                         planner->host->pci_problem[0] != '\0' ? ": " : "",
                         planner->host->pci_problem);
    }
    if (answer->n == 0) {
        return host_unknown_gpu(planner->host, claim->spec.gpu, err);
    }
    size_t best = place_most_telling(question, answer);
    int result = -(int)answer->items[best].reason;
    if (open ? !is_word_known(planner, claim) : result == -REASON_NOT_FOUND) {
        return refuse_unknown(planner, claim, err);
    }
    const struct passed_over passed = {.planner = planner, .question = question, .answer = answer};
    passed_over_tell(&passed, claim, err);
    if (open && search->options.n == 0) {
        need_tell_boards(planner, claim, err);
    }
    return result;
}

/* Of a claim with a need the words stay open, for the planner chooses them by what has room. */
static int admit(struct admit_search *search, struct claim *claim, struct error *err)
{
    const struct place_question question = admit_search_question(search);
    CLEANUP(place_answer_done) struct place_answer answer;
    if (place_choose(&question, &answer) != 0) {
        return refuse(search, &question, &answer, claim, err);
    }
    /* Keep the user's GPU selector; the rest is canonical now. */
    if (!claim_is_open(claim)) {
        claim->spec = search->admitted.claim.spec;
    }
    settle_index(claim, search->admitted.gpu);
    return 0;
}

int planner_admit(const struct planner *planner, struct claim *claim, struct error *err)
{
    /* A rule that changed since the claim was made takes nothing from it. */
    int result =
        claim->version == 0 ? rules_check_overrides(planner->rules, &claim->overrides, err) : 0;
    result = result != 0 ? result : check_hold(claim, err);
    result = result != 0 ? result : check_vm(planner, claim, err);
    result = result != 0 ? result : check_nvml(planner, claim, err);
    result = result != 0 ? result : check_number(planner, claim, err);
    if (result != 0) {
        return result;
    }
    struct admit_search search;
    admit_search_begin(&search, planner, claim);
    result = admit(&search, claim, err);
    admit_search_done(&search);
    return result;
}
