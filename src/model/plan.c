/* SPDX-License-Identifier: Apache-2.0 */
#include "model/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sm.h"
#include "base/str.h"

#define NAME(sym, name_, port_, text_) WORD(STEP_##sym, name_),
WORDS_DEFINE(step_kind_words, "kind of step", STEP_KIND_COUNT, STEP_MAP(NAME))
#undef NAME

struct step_row {
    const char *text;
    enum port_kind port;
};

#define ROW(sym, name_, port_, text_) [STEP_##sym] = {.text = text_, .port = port_},
static const struct step_row rows[] = {STEP_MAP(ROW)};
#undef ROW
_Static_assert(ARRAY_SIZE(rows) == STEP_KIND_COUNT, "every step kind has a row");

#define NO_UNDO STEP_KIND_COUNT

static const enum step_kind undo_of[] = {
    [STEP_COMPANION_VFIO] = STEP_COMPANION_HOME,
    [STEP_COMPANION_HOME] = STEP_COMPANION_VFIO,
    [STEP_BIND_VFIO] = STEP_BIND_NVIDIA,
    [STEP_BIND_NVIDIA] = STEP_BIND_VFIO,
    [STEP_MIG_ENABLE] = STEP_MIG_DISABLE,
    [STEP_MIG_DISABLE] = STEP_MIG_ENABLE,
    [STEP_GPU_RESET] = NO_UNDO,
    [STEP_PCI_RESCAN] = NO_UNDO,
    [STEP_SRIOV_ENABLE] = STEP_SRIOV_DISABLE,
    [STEP_SRIOV_DISABLE] = STEP_SRIOV_ENABLE,
    [STEP_MIXED_ON] = STEP_MIXED_OFF,
    [STEP_MIXED_OFF] = STEP_MIXED_ON,
    [STEP_SCHEDULER_SET] = STEP_SCHEDULER_SET,
    [STEP_GI_CREATE] = STEP_GI_DESTROY,
    [STEP_GI_DESTROY] = STEP_GI_CREATE,
    [STEP_CI_CREATE] = STEP_CI_DESTROY,
    [STEP_CI_DESTROY] = STEP_CI_CREATE,
    [STEP_VGPU_CREATE] = STEP_VGPU_DELETE,
    [STEP_VGPU_DELETE] = STEP_VGPU_CREATE,
    [STEP_VGPU_PARAMS] = STEP_VGPU_PARAMS, /* what the claim asks for stays */
    [STEP_ATTACH] = STEP_DETACH,
    [STEP_DETACH] = STEP_ATTACH,
};
_Static_assert(ARRAY_SIZE(undo_of) == STEP_KIND_COUNT, "every step kind says how it is undone");

#define TO(state) SM_TO(STEP_##state)
static const struct word step_state_rows[] = {
    [STEP_PLANNED] = {.name = "planned",
                      .next = TO(RUNNING) | TO(FAILED),
                      .initial = true,
                      .final = true},
    [STEP_RUNNING] = {.name = "running", .next = TO(DONE) | TO(UNDOING) | TO(FAILED)},
    [STEP_DONE] = {.name = "done", .next = TO(UNDOING), .final = true},
    [STEP_FAILED] = {.name = "failed", .final = true},
    [STEP_UNDOING] = {.name = "undoing", .next = TO(UNDONE) | TO(FAILED) | TO(STUCK)},
    [STEP_UNDONE] = {.name = "undone", .final = true},
    [STEP_STUCK] = {.name = "stuck", .final = true},
};
#undef TO
WORDS_OF(step_state_words, "step", step_state_rows, STEP_STATE_COUNT)

#define TO(state) SM_TO(PLAN_##state)
static const struct word plan_state_rows[] = {
    [PLAN_PLANNED] = {.name = "planned",
                      .next = TO(RUNNING) | TO(DONE),
                      .initial = true,
                      .final = true},
    [PLAN_RUNNING] = {.name = "running", .next = TO(DONE) | TO(UNDOING) | TO(FAILED)},
    [PLAN_DONE] = {.name = "done", .final = true},
    [PLAN_UNDOING] = {.name = "undoing",
                      .next = TO(UNDONE) | TO(STUCK) | TO(FAILED) | TO(CANCELLED)},
    [PLAN_UNDONE] = {.name = "undone", .final = true},
    [PLAN_STUCK] = {.name = "stuck", .final = true},
    [PLAN_FAILED] = {.name = "failed", .final = true},
    [PLAN_CANCELLED] = {.name = "cancelled", .final = true},
};
#undef TO
WORDS_OF(plan_state_words, "plan", plan_state_rows, PLAN_STATE_COUNT)

WORDS_DEFINE(plan_verb_words, "verb", PLAN_RESTORE + 1, WORD(PLAN_BIND, "bind"),
             WORD(PLAN_RELEASE, "release"), WORD(PLAN_KEEP, "keep"),
             WORD(PLAN_DEALLOCATE, "deallocate"), WORD(PLAN_RESTORE, "restore"))

void step_move(struct step *step, enum step_state to)
{
    sm_go(&step_state_words, &step->state, to);
}

void plan_move(struct plan *plan, enum plan_state to)
{
    sm_go(&plan_state_words, &plan->state, to);
}

bool plan_is_cancelled(const struct plan *plan)
{
    return plan->cancelled_by[0] != '\0';
}

bool plan_is_over(const struct plan *plan)
{
    return plan->state != PLAN_PLANNED && plan_state_rows[plan->state].final;
}

bool plan_was_begun(const struct plan *plan)
{
    for (vec_each(&plan->steps, step)) {
        if (step_was_begun(step)) {
            return true;
        }
    }
    return false;
}

void plan_blame_step(struct plan *plan, size_t at, const struct error *err)
{
    char what[STEP_TEXT_SIZE];
    struct step *step = &plan->steps.items[at];
    /* A stored text must be readable again: clean. */
    str_print(step->problem, sizeof(step->problem), "%s", err->message);
    step->reason = err->reason;
    str_print(step->hint, sizeof(step->hint), "%s", err->hint);
    str_print(plan->problem, sizeof(plan->problem), "step %zu of %zu (%s): %s", at + 1,
              plan->steps.n, step_describe(step, what, sizeof(what)), err->message);
}

/* Its claim, or one that the plan is for: the rest goes with it. */
static const char *claim_of_step(const struct plan *plan, const struct step *step)
{
    return step->claim[0] != '\0' ? step->claim
           : plan->claims.n > 0   ? plan->claims.items[0].claim.name
                                  : "";
}

void plan_blame_undo(struct plan *plan, size_t at, const struct error *err)
{
    char what[STEP_TEXT_SIZE];
    struct step *step = &plan->steps.items[at];
    size_t len = strlen(plan->problem);
    str_print(plan->problem + len, sizeof(plan->problem) - len,
              "%sstep %zu of %zu (%s) cannot be undone: %s", len > 0 ? "; then " : "", at + 1,
              plan->steps.n, step_describe(step, what, sizeof(what)), err->message);
    str_print(step->problem, sizeof(step->problem), "cannot be undone: %s", err->message);
    step->reason = err->reason;
    const char *claim = plan->no_undo ? "" : claim_of_step(plan, step);
    if (claim[0] == '\0') {
        str_print(step->hint, sizeof(step->hint), "%s", err->hint);
    } else {
        str_print(step->hint, sizeof(step->hint),
                  "%s%swhen that is mended, `cleave claim delete %s` or `cleave gc` clears what is "
                  "left",
                  err->hint, err->hint[0] != '\0' ? "; " : "", claim);
    }
}

void plan_blame_cancel(struct plan *plan)
{
    if (plan->problem[0] == '\0') {
        str_print(plan->problem, sizeof(plan->problem), "cancelled by %s", plan->cancelled_by);
    }
}

static bool is_all_done(const struct plan *plan)
{
    for (vec_each(&plan->steps, step)) {
        if (step->state != STEP_DONE) {
            return false;
        }
    }
    return true;
}

int plan_check_cancel(const struct plan *plan, struct error *err)
{
    const char *subject = SUBJECT("plan", plan->id);
    if (plan_is_over(plan)) {
        return error_set(err, REASON_CONFLICT, subject, "the plan is over: %s",
                         plan_state_name(plan->state));
    }
    if (plan_is_cancelled(plan)) {
        return 0;
    }
    if (plan->state == PLAN_UNDOING) {
        error_set(err, REASON_CONFLICT, subject, "the plan is being undone already: %s",
                  plan->problem);
    } else if (plan->no_undo && plan_was_begun(plan)) {
        error_set(err, REASON_CONFLICT, subject,
                  "the plan can't be cancelled any more: there is no way back from its steps (%s)",
                  plan->reason);
    } else if (is_all_done(plan)) {
        error_set(err, REASON_CONFLICT, subject,
                  "the plan can't be cancelled any more: all of its steps are done");
    } else {
        return 0;
    }
    error_hint(err, "`cleave plan show %s` has its steps", plan->id);
    return -REASON_CONFLICT;
}

enum port_kind step_kind_port(enum step_kind kind)
{
    return rows[kind].port;
}

bool step_was_begun(const struct step *step)
{
    return step->state == STEP_DONE || step->state == STEP_RUNNING || step->state == STEP_UNDOING;
}

struct step step_make(enum step_kind kind, const struct pci_addr *gpu)
{
    return (struct step){
        .kind = kind,
        .gpu = *gpu,
        .device = *gpu,
        .profile_id = NO_ID,
        .start = NO_ID,
        .size = NO_ID,
        .gi_id = NO_ID,
        .type_id = NO_ID,
        .placement_id = NO_ID,
        .numa_node = -1,
        .assigned_gi_id = NO_ID,
        .state = STEP_PLANNED,
    };
}

void step_set_gpu(struct step *step, const struct gpu *gpu)
{
    if (gpu != NULL && (step->kind == STEP_ATTACH || step->kind == STEP_DETACH)) {
        step->mmio_bytes = gpu->mmio_bytes;
        step->numa_node = gpu->numa_node;
    }
    bool on = step->kind == STEP_MIG_ENABLE;
    if (gpu != NULL && (on || step->kind == STEP_MIG_DISABLE)) {
        step->was_pending = gpu->mig_enabled != on && gpu->mig_pending == on;
    }
}

void step_set_instance(struct step *step, const struct gi *gi)
{
    step->start = gi->start;
    step->size = gi->size;
    step->gi_id = gi->id;
}

void step_set_claim(struct step *step, const struct claim *claim)
{
    STR_SET(step->claim, claim->name);
    STR_SET(step->vm, claim->vm);
    STR_SET(step->vm_uuid, claim->vm_uuid);
}

bool step_has_undo(enum step_kind kind)
{
    return undo_of[kind] != NO_UNDO;
}

struct step step_undo(const struct step *step)
{
    struct step undo = *step;
    undo.kind = undo_of[step->kind];
    undo.scheduler = step->former;
    undo.former = step->scheduler;
    undo.state = STEP_PLANNED;
    undo.problem[0] = '\0';
    undo.assigned_gi_id = NO_ID;
    undo.assigned_uuid[0] = '\0';
    return undo;
}

static void describe_create(const struct step *step, const char *what, char *out, size_t size)
{
    if (step->start == NO_ID) {
        str_print(out, size, "create vGPU %s on %s", step->type, what);
    } else if (step->fillers == 0) {
        str_print(out, size, "create vGPU %s on %s in %s at %u", step->type, what, step->profile,
                  step->start);
    } else {
        str_print(out, size,
                  "create vGPU %s on %s in %s at %u (meanwhile up to %u short-lived vGPUs occupy "
                  "other instances)",
                  step->type, what, step->profile, step->start, step->fillers);
    }
}

static void describe_params(const struct step *step, char *out, size_t size)
{
    char params[VGPU_PARAMS_TEXT_SIZE];
    size_t len = strlen(out);
    if (vgpu_params_any(&step->params)) {
        str_print(out + len, size - len, ", with %s", vgpu_params_describe(&step->params, params));
    }
}

const char *step_describe(const struct step *step, char *out, size_t size)
{
    char gpu[BDF_SIZE];
    char device[BDF_SIZE];
    char scheduler[96];
    pci_addr_format(&step->gpu, gpu);
    pci_addr_format(&step->device, device);
    const char *what = step->mdev_uuid[0] != '\0' ? step->mdev_uuid : device;
    switch (step->kind) {
    case STEP_GI_CREATE:
        str_print(out, size, "create GPU instance %s at %u on %s%s%s", step->profile, step->start,
                  gpu,
                  step->scheduler.policy != SCHEDULER_UNKNOWN ? ", shared among vGPUs by " : "",
                  step->scheduler.policy != SCHEDULER_UNKNOWN
                      ? gpu_scheduler_describe(&step->scheduler, scheduler, sizeof(scheduler))
                      : "");
        break;
    case STEP_GI_DESTROY:
        str_print(out, size, "destroy GPU instance %s at %u on %s", step->profile, step->start,
                  gpu);
        break;
    case STEP_CI_CREATE:
        str_print(out, size, "create the default compute instance in %s at %u on %s", step->profile,
                  step->start, gpu);
        break;
    case STEP_CI_DESTROY:
        str_print(out, size, "destroy the compute instances of %s at %u on %s", step->profile,
                  step->start, gpu);
        break;
    case STEP_VGPU_CREATE:
        describe_create(step, what, out, size);
        describe_params(step, out, size);
        break;
    case STEP_VGPU_DELETE:
        str_print(out, size, "delete vGPU %s on %s", step->type, what);
        break;
    case STEP_VGPU_PARAMS:
        str_print(out, size, "write the parameters of vGPU %s on %s again", step->type, what);
        describe_params(step, out, size);
        break;
    case STEP_ATTACH:
        str_print(out, size, "attach %s to VM %s", what, step->vm);
        break;
    case STEP_DETACH:
        str_print(out, size, "detach %s from VM %s", what, step->vm);
        break;
    case STEP_COMPANION_VFIO:
        str_print(out, size, "bind %s (%s), a companion of %s, to vfio-pci", device, step->driver,
                  gpu);
        break;
    case STEP_COMPANION_HOME:
        str_print(out, size, "bind %s, a companion of %s, to %s again", device, gpu, step->driver);
        break;
    case STEP_SCHEDULER_SET:
        gpu_scheduler_describe(&step->scheduler, scheduler, sizeof(scheduler));
        if (step->start != NO_ID) {
            str_print(out, size, "share GPU instance %s at %u on %s among vGPUs by %s",
                      step->profile, step->start, gpu, scheduler);
        } else {
            str_print(out, size, "share %s among vGPUs by %s", gpu, scheduler);
        }
        break;
    case STEP_BIND_VFIO:
        str_print(out, size, "%s: %s%s%s", gpu, rows[step->kind].text,
                  pci_addr_cmp(&step->device, &step->gpu) == 0
                      ? ""
                      : ", with all of its IOMMU group, which contains ",
                  pci_addr_cmp(&step->device, &step->gpu) == 0 ? "" : device);
        break;
    case STEP_GPU_RESET:
    case STEP_PCI_RESCAN:
    case STEP_BIND_NVIDIA:
    case STEP_MIG_ENABLE:
    case STEP_MIG_DISABLE:
    case STEP_SRIOV_ENABLE:
    case STEP_SRIOV_DISABLE:
    case STEP_MIXED_ON:
    case STEP_MIXED_OFF:
        str_print(out, size, "%s: %s", gpu, rows[step->kind].text);
        break;
    case STEP_KIND_COUNT:
        break;
    }
    return out;
}

void plan_mark_changes(struct plan *plan)
{
    for (vec_each(&plan->steps, out)) {
        for (vec_each(&plan->steps, in)) {
            if (out->kind == STEP_DETACH && in->kind == STEP_ATTACH && out->claim[0] != '\0' &&
                str_eq(out->claim, in->claim) && str_eq(out->vm, in->vm)) {
                out->keeps = true;
                in->keeps = true;
            }
        }
    }
}

struct plan *plan_new(void)
{
    return xcalloc(1, sizeof(struct plan));
}

/* Members with memory of their own, for both who frees them and who copies them. */
#define PLAN_VECS(X)                                                                               \
    X(steps) X(claims) X(instances) X(vms) X(spares) X(bars) X(left) X(moves) X(warnings)

void plan_free(struct plan *plan)
{
    if (plan == NULL) {
        return;
    }
#define DONE(member) vec_done(&plan->member);
    PLAN_VECS(DONE)
#undef DONE
    free(plan);
}

struct plan *plan_copy(const struct plan *plan)
{
    struct plan *copy = plan_new();
    *copy = *plan;
#define COPY(member) vec_own(&copy->member, &plan->member);
    PLAN_VECS(COPY)
#undef COPY
    return copy;
}

const char *plan_move_text(const struct plan_move *move, char *out, size_t size)
{
    char bdf[BDF_SIZE];
    bool on_gi = move->from.start != NO_ID;
    uint32_t from = on_gi ? move->from.start : move->from.placement_id;
    uint32_t to = on_gi ? move->to.start : move->to.placement_id;
    pci_addr_format(&move->to.gpu, bdf);
    if (pci_addr_cmp(&move->from.gpu, &move->to.gpu) != 0) {
        char before[BDF_SIZE];
        str_print(out, size, "move claim \"%s\" from %s to %s", move->claim,
                  pci_addr_format(&move->from.gpu, before), bdf);
    } else if (from == to) { /* what makes room takes all that is there away */
        str_print(out, size, "make claim \"%s\" again at %u on %s", move->claim, to, bdf);
    } else {
        str_print(out, size, "move claim \"%s\" from %u to %u on %s", move->claim, from, to, bdf);
    }
    return out;
}

void plan_name_vm(struct plan *plan, const char *vm)
{
    for (vec_each(&plan->vms, known)) {
        if (str_eq(known->name, vm)) {
            return;
        }
    }
    if (vm[0] != '\0') {
        struct plan_vm *added = vec_push(&plan->vms);
        STR_SET(added->name, vm);
    }
}

const char *plan_hint(const struct plan *plan)
{
    const char *hint = "";
    for (vec_each(&plan->steps, step)) {
        bool has_hint = step->problem[0] != '\0' && step->hint[0] != '\0';
        if (has_hint && (hint[0] == '\0' || step->state == STEP_STUCK)) {
            hint = step->hint; /* of what is stuck: something is left there */
        }
    }
    return hint;
}

const struct plan_claim *plan_find_claim(const struct plan *plan, enum plan_verb verb,
                                         const char *name)
{
    for (vec_each(&plan->claims, entry)) {
        if (entry->verb == verb && str_eq(entry->claim.name, name)) {
            return entry;
        }
    }
    return NULL;
}

bool plan_claim_is_old(const struct plan_claim *entry)
{
    return entry->claim.version > 0;
}

bool plan_claim_is_replaced(const struct plan *plan, const struct plan_claim *entry)
{
    return entry->verb == PLAN_RELEASE &&
           (plan_find_claim(plan, PLAN_BIND, entry->claim.name) != NULL ||
            plan_find_claim(plan, PLAN_DEALLOCATE, entry->claim.name) != NULL);
}

bool plan_changes_gpu(const struct plan *plan, const struct pci_addr *gpu)
{
    for (vec_each(&plan->steps, step)) {
        if (pci_addr_cmp(&step->gpu, gpu) == 0) {
            return true;
        }
    }
    return false;
}
