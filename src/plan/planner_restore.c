/* SPDX-License-Identifier: Apache-2.0 */
/* The plan that brings one GPU back. */
#include <stdio.h>

#include "base/str.h"
#include "plan/ability.h"
#include "plan/collect.h"
#include "plan/gpu_gate.h"
#include "plan/group.h"
#include "plan/mode.h"
#include "plan/restore_work.h"
#include "plan/seats.h"
#include "plan/work_scheduler.h"

/* ---- the claims of the GPU ---- */

static bool is_late(const struct restore_request *request, const char *name)
{
    for (size_t i = 0; i < request->n_late; i++) {
        if (str_eq(request->late[i], name)) {
            return true;
        }
    }
    return false;
}

/* Order of making: what failed before last; bare instances after those with vGPUs, as the driver
 * may put a vGPU on any empty one; instances that will be full first, as the driver can't choose
 * those for the next; by place; of one place the larger vGPU first. */
static bool comes_before(const struct restore_item *a, const struct restore_item *b)
{
    bool bare_a = a->claim.spec.mode == CLAIM_GPU_INSTANCE;
    bool bare_b = b->claim.spec.mode == CLAIM_GPU_INSTANCE;
    if (a->late != b->late) {
        return b->late;
    }
    if (bare_a != bare_b) {
        return bare_b;
    }
    if (a->left != b->left) {
        return a->left < b->left;
    }
    if (a->claim.assigned.start != b->claim.assigned.start) {
        return a->claim.assigned.start < b->claim.assigned.start;
    }
    uint32_t fb_a = a->type != NULL ? a->type->framebuffer_mib : 0;
    uint32_t fb_b = b->type != NULL ? b->type->framebuffer_mib : 0;
    return fb_a > fb_b;
}

/* Room for more vGPUs of the item's type on its instance, once all of its claims have theirs. */
static uint32_t left_next_to(const struct restore *r, const struct restore_item *item)
{
    if (r->work.model == NULL || item->type == NULL || item->profile == NULL) {
        return 0;
    }
    uint32_t n = 0;
    const struct assignment *got = &item->stored->assigned;
    const struct host *host = r->work.planner->host;
    for (vec_each(r->work.planner->claims, claim)) {
        n += restore_wants(claim) && restore_gpu_of(host, claim) == r->work.gpu &&
             claim->assigned.start == got->start && claim->assigned.size == got->size;
    }
    uint32_t most = seats_most(&r->work, item->type);
    return most > n ? most - n : 0;
}

static void insert(struct restore *r, const struct restore_item *item)
{
    (void)vec_push(&r->items);
    size_t at = r->items.n - 1;
    for (; at > 0 && comes_before(item, &r->items.items[at - 1]); at--) {
        r->items.items[at] = r->items.items[at - 1];
    }
    r->items.items[at] = *item;
}

static void collect(struct restore *r, const struct restore_request *request)
{
    const struct planner *planner = r->work.planner;
    const struct gpu *gpu = r->work.gpu;
    for (vec_each(planner->claims, claim)) {
        if (!restore_wants(claim) || restore_gpu_of(planner->host, claim) != gpu) {
            continue;
        }
        struct restore_item item = {
            .claim = *claim, .stored = claim, .late = is_late(request, claim->name)};
        if (pci_addr_cmp(&item.claim.assigned.gpu, &gpu->addr) != 0) {
            restore_move(&item.claim.assigned, gpu);
        }
        if (gpu_known_uuid(gpu)[0] != '\0' && claim->assigned.board == CLAIM_BOARD_HERE) {
            STR_SET(item.claim.assigned.gpu_uuid, gpu_known_uuid(gpu));
        }
        if (r->work.model != NULL && claim->spec.type[0] != '\0') {
            (void)model_find_type(r->work.model, claim->spec.type, &item.type, NULL);
        }
        if (r->work.model != NULL && claim->assigned.profile[0] != '\0') {
            (void)model_find_profile(r->work.model, claim->assigned.profile, &item.profile, NULL);
        }
        item.left = left_next_to(r, &item);
        insert(r, &item);
    }
}

/* ---- is the GPU ready? ---- */

static int check_ready(const struct restore *r, struct error *err)
{
    const struct gpu *gpu = r->work.gpu;
    const struct host *host = r->work.planner->host;
    int result = gate_check_answers(gpu, err);
    if (result != 0) {
        return result;
    }
    if (host->pci_problem[0] != '\0') {
        return error_set(err, REASON_UNAVAILABLE, r->work.subject, "%s", host->pci_problem);
    }
    return gate_check_quarantine(r->work.planner, gpu, err);
}

/* Everything but pass-through needs NVIDIA's driver on the GPU, and its library. 1: a step that
 * binds it was planned, and the rest can be planned only after it. */
static int check_driver(struct restore *r, struct error *err)
{
    const struct gpu *gpu = r->work.gpu;
    const struct host *host = r->work.planner->host;
    if (!gpu_at_home(gpu)) {
        if (gpu->holder[0] != '\0') {
            return error_set(err, REASON_IN_USE, r->work.subject,
                             "GPU %s is passed through to VM \"%s\" now", r->work.bdf, gpu->holder);
        }
        if (gpu->driver[0] != '\0' && !str_eq(gpu->driver, "vfio-pci")) {
            error_set(err, REASON_CONFLICT, r->work.subject,
                      "GPU %s is bound to driver %s, not nvidia", r->work.bdf, gpu->driver);
            error_hint(err,
                       "keep %s from binding it (blacklist the module), then `cleave host "
                       "restore`",
                       gpu->driver);
            return -REASON_CONFLICT;
        }
        if (host->driver_load == 0 && host->nvml_problem[0] != '\0') {
            error_set(err, REASON_UNAVAILABLE, r->work.subject,
                      "GPU %s waits for NVIDIA's driver, which is not loaded: %s", r->work.bdf,
                      host->nvml_problem);
            error_hint(err, "load it (`modprobe nvidia`): cleaved tries again until the timeout");
            return -REASON_UNAVAILABLE;
        }
        work_step(&r->work, STEP_BIND_NVIDIA);
        r->more = true;
        return 1;
    }
    if (gpu->index == NO_ID) {
        error_set(err, REASON_UNAVAILABLE, r->work.subject,
                  "NVIDIA's driver does not know GPU %s yet%s%s", r->work.bdf,
                  host->nvml_problem[0] != '\0' ? ": " : "", host->nvml_problem);
        error_hint(err, "cleaved tries again until the timeout");
        return -REASON_UNAVAILABLE;
    }
    return 0;
}

static enum gpu_mode wanted_mode(const struct restore *r)
{
    if (r->items.n > 0) {
        return mode_of_claim(r->items.items[0].claim.spec.mode);
    }
    return r->record != NULL && r->record->mode_set ? r->record->mode : GPU_IDLE;
}

/* A GPU is used one way; a claim that says another one was not made by cleave. */
static void check_modes(struct restore *r)
{
    size_t i = 0;
    while (i < r->items.n) {
        struct restore_item *item = &r->items.items[i];
        enum gpu_mode mode = mode_of_claim(item->claim.spec.mode);
        if (mode == r->mode && (mode != GPU_PASSTHROUGH || i == 0)) {
            i++;
            continue;
        }
        struct error err = {0};
        error_set(&err, REASON_CONFLICT, r->work.subject,
                  "GPU %s is restored as %s for claim \"%s\"", r->work.bdf, gpu_mode_name(r->mode),
                  r->items.items[0].claim.name);
        r->why = err;
        vec_remove(&r->items, i);
    }
}

static void restore_mode(struct restore *r)
{
    struct error err = {0};
    r->mode = wanted_mode(r);
    if (r->items.n == 0 && r->mode != GPU_PASSTHROUGH && group_goes_along(&r->work)) {
        return;
    }
    check_modes(r);
    int result = check_ready(r, &err);
    if (result == 0 && r->mode != GPU_PASSTHROUGH &&
        restore_concerns(r->work.planner, r->work.gpu)) {
        result = check_driver(r, &err);
    }
    if (result < 0) {
        restore_block_all(r, &err);
        return;
    }
    if (result > 0) {
        for (vec_each(&r->items, item)) {
            item->outcome = RESTORE_COMES;
        }
        return;
    }
    switch (r->mode) {
    case GPU_PASSTHROUGH:
        restore_passthrough(r);
        break;
    case GPU_MIG:
        restore_mig(r);
        break;
    case GPU_TIME_SLICED:
        restore_time_sliced(r);
        break;
    case GPU_IDLE:
        if (!r->work.gpu->mig_enabled && r->work.gpu->vgpus.n == 0) {
            work_scheduler(&r->work);
        }
        break;
    case GPU_MODE_COUNT:
        break;
    }
    if (ability_check(&r->work, &err) != 0) {
        r->work.steps.n = 0;
        restore_block_all(r, &err);
    }
}

/* ---- definitions ---- */

static void add_definition(struct restore *r, enum step_kind kind, const struct claim *claim,
                           const struct pci_addr *device, const char *mdev_uuid)
{
    struct step *step = work_step(&r->work, kind);
    step_set_gpu(step, r->work.gpu);
    step_set_claim(step, claim);
    STR_SET(step->type, claim->spec.type);
    step->device = *device;
    STR_SET(step->mdev_uuid, mdev_uuid);
}

/* The VM's definition follows, while it is off: a GPU in another slot has other addresses. Without
 * libvirt, as early in a boot, that is left to the next restoration. */
static void restore_definition(struct restore *r, struct restore_item *item)
{
    const struct host *host = r->work.planner->host;
    const struct claim *claim = &item->claim;
    if (claim->vm[0] == '\0' || claim->spec.mode == CLAIM_GPU_INSTANCE ||
        host->libvirt_problem[0] != '\0' || item->outcome == RESTORE_BLOCKED) {
        return;
    }
    const struct vm *vm = host_find_vm_of(host, claim->vm, claim->vm_uuid);
    if (vm == NULL || vm->transient || vm_is_on(vm) ||
        vm_defines(vm, &claim->assigned.device, claim->assigned.mdev_uuid)) {
        return;
    }
    const struct vm_device *stale = vm_defined_for(vm, claim->name);
    if (stale != NULL) {
        add_definition(r, STEP_DETACH, claim, &stale->addr, stale->mdev_uuid);
    }
    add_definition(r, STEP_ATTACH, claim, &claim->assigned.device, claim->assigned.mdev_uuid);
    item->outcome = RESTORE_COMES;
}

/* ---- the plan ---- */

static bool has_moved(const struct restore_item *item)
{
    return pci_addr_cmp(&item->claim.assigned.gpu, &item->stored->assigned.gpu) != 0;
}

/* The function of a claim is no spare one, also where its GPU has moved. */
static void leave_out(struct plan *plan, const struct pci_addr *device)
{
    for (size_t i = plan->spares.n; i > 0; i--) {
        if (pci_addr_cmp(&plan->spares.items[i - 1].device, device) == 0) {
            vec_remove(&plan->spares, i - 1);
        }
    }
}

static struct plan *make_plan(const struct restore *r, const struct restore_request *request)
{
    struct plan *plan = collect_begin(PURPOSE_RESTORE, request->author, request->reason);
    for (vec_each(&r->work.steps, step)) {
        *vec_push(&plan->steps) = *step;
    }
    for (vec_each(&r->work.instances, instance)) {
        *vec_push(&plan->instances) = *instance;
    }
    seats_add_spares(plan, &r->work);
    for (vec_each(&r->items, item)) {
        bool changes = item->outcome == RESTORE_COMES ||
                       (item->outcome == RESTORE_THERE && (has_moved(item) || item->renamed));
        if (changes) {
            *vec_push(&plan->claims) =
                (struct plan_claim){.verb = PLAN_RESTORE, .claim = item->claim};
            plan_name_vm(plan, item->claim.vm);
        }
        leave_out(plan, &item->claim.assigned.device);
    }
    plan_mark_changes(plan);
    return plan;
}

void planner_restore(const struct planner *planner, const struct restore_request *request,
                     struct restoration *ret_restoration)
{
    struct restore r = {.record = planner_record_of(planner, request->gpu)};
    work_init(&r.work, planner, PURPOSE_RESTORE, request->gpu);
    collect(&r, request);
    restore_interface(&r, request->new_uuid);
    restore_mode(&r);
    for (vec_each(&r.items, item)) {
        restore_definition(&r, item);
    }
    *ret_restoration =
        (struct restoration){.plan = make_plan(&r, request), .more = r.more, .why = r.why};
    for (vec_each(&r.items, item)) {
        struct restore_claim *claim = vec_push(&ret_restoration->claims);
        STR_SET(claim->name, item->claim.name);
        claim->outcome = item->outcome;
        claim->why = item->why;
    }
    vec_done(&r.items);
    work_done(&r.work);
}
