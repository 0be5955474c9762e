/* SPDX-License-Identifier: Apache-2.0 */
/* Time-sliced vGPUs on one GPU: equal sizes, or mixed sizes at placement ids. */
#include <stdio.h>

#include "base/str.h"
#include "plan/work_device.h"
#include "plan/work_enter.h"
#include "plan/work_parts.h"
#include "plan/work_scheduler.h"

#define MIXED_WORDS(on) ((on) ? "with `--mixed` (mixed: true)" : "without `--mixed` (mixed: false)")

/* Collects the vGPUs that stay: those of kept claims and those that no one claims. */
static int staying(const struct gpu_work *work, struct layout_vgpus *ret_vgpus, struct error *err)
{
    ret_vgpus->n = 0;
    for (vec_each(&work->gpu->vgpus, vgpu)) {
        if (work_vgpu_is_released(work, vgpu)) {
            continue;
        }
        const struct cat_vgpu_type *type = work_type_of(work, vgpu);
        if (type == NULL) {
            return error_set(err, REASON_UNSUPPORTED, work->subject,
                             "GPU %s has a vGPU of type %u, which the catalog does not have",
                             work->bdf, vgpu->type_id);
        }
        if (ret_vgpus->n == LAYOUT_MAX_VGPUS) {
            return error_set(err, REASON_NO_CAPACITY, "gpu", "more than %d vGPUs on one GPU",
                             LAYOUT_MAX_VGPUS);
        }
        ret_vgpus->items[ret_vgpus->n++] = (struct layout_vgpu){
            .type = type,
            .gi = LAYOUT_ANYWHERE,
            .placement_id = vgpu->placement_id == NO_ID ? LAYOUT_ANYWHERE : vgpu->placement_id};
    }
    return 0;
}

/* Does the claim stay, and is its vGPU not there because a reboot took it? */
static bool is_lost(const struct gpu_work *work, const struct claim *claim)
{
    const struct assignment *got = &claim->assigned;
    return claim->spec.mode == CLAIM_TIME_SLICED &&
           gpu_find_vgpu(work->gpu, got->mdev_uuid, &got->device) == NULL;
}

/* The room of vGPUs that a reboot took stays that of their claims. */
static void add_lost(const struct gpu_work *work, struct layout_vgpus *vgpus)
{
    for (size_t i = 0; i < work->n_kept && vgpus->n < LAYOUT_MAX_VGPUS; i++) {
        const struct claim *claim = work->kept[i];
        const struct cat_vgpu_type *type = NULL;
        if (!is_lost(work, claim) ||
            model_find_type(work->model, claim->spec.type, &type, NULL) != 0) {
            continue;
        }
        uint32_t placement = claim->assigned.placement_id;
        vgpus->items[vgpus->n++] =
            (struct layout_vgpu){.type = type,
                                 .gi = LAYOUT_ANYWHERE,
                                 .placement_id = placement == NO_ID ? LAYOUT_ANYWHERE : placement};
    }
}

/* A vGPU that is to come back needs the size mode that it had. */
static int check_lost(const struct gpu_work *work, bool mixed, struct error *err)
{
    for (size_t i = 0; i < work->n_kept; i++) {
        const struct claim *claim = work->kept[i];
        if (!is_lost(work, claim) || claim->spec.mixed == mixed) {
            continue;
        }
        error_set(err, REASON_NO_CAPACITY, work->subject,
                  "GPU %s must stay in %s-size mode for claim \"%s\", whose vGPU has to be made "
                  "again, but the new claim asks for %s sizes",
                  work->bdf, mixed ? "equal" : "mixed", claim->name, mixed ? "mixed" : "equal");
        error_hint(err, "use another GPU, or claim %s", MIXED_WORDS(!mixed));
        return -REASON_NO_CAPACITY;
    }
    return 0;
}

/* The GPU's size mode after the plan, and the step to get there. Only an empty GPU can change it.
 */
static int size_mode(struct gpu_work *work, size_t n_staying, bool *ret_mixed, struct error *err)
{
    /* Enabling virtual functions clears the flag (vGPU software user guide, sriov-manage). */
    bool now = work->gpu->heterogeneous == TRI_YES && !work_is_wiped(work);
    bool want = now;
    for (size_t i = 0; i < work->n_added; i++) {
        const struct claim *claim = &work->added[i].claim;
        if (i > 0 && claim->spec.mixed != work->added[0].claim.spec.mixed) {
            return error_set(err, REASON_CONFLICT, work->subject,
                             "claims \"%s\" and \"%s\" ask for different size modes on GPU %s",
                             work->added[0].claim.name, claim->name, work->bdf);
        }
        want = claim->spec.mixed;
    }
    if (want != now && n_staying > 0) {
        error_set(err, REASON_NO_CAPACITY, work->subject,
                  "GPU %s has %zu vGPUs in %s-size mode, but the claim asks for %s sizes",
                  work->bdf, n_staying, now ? "mixed" : "equal", want ? "mixed" : "equal");
        error_hint(err, "the size mode changes only on an empty GPU: use another GPU, or claim %s",
                   MIXED_WORDS(now));
        return -REASON_NO_CAPACITY;
    }
    if (want != now) {
        work_step(work, want ? STEP_MIXED_ON : STEP_MIXED_OFF);
    }
    *ret_mixed = want;
    return check_lost(work, want, err);
}

/* What the vGPUs before `end` take, by their types. */
static uint64_t sum_mib(const struct layout_vgpus *vgpus, size_t end)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < end; i++) {
        uint32_t mib = vgpus->items[i].type->framebuffer_mib;
        sum += mib == CAT_UNKNOWN ? 0 : mib;
    }
    return sum;
}

/* A vGPU of another size than the first, in equal-size mode; in mixed-size mode it might fit. */
static int refuse_size(const struct gpu_work *work, const struct layout_vgpus *vgpus,
                       size_t n_staying, size_t other, struct error *err)
{
    const struct cat_vgpu_type *first = vgpus->items[0].type;
    const struct cat_vgpu_type *type = vgpus->items[other].type;
    uint64_t taken_mib = sum_mib(vgpus, other);
    if (taken_mib + type->framebuffer_mib > work->model->memory_mib) {
        return error_set(err, REASON_NO_CAPACITY, work->subject,
                         "GPU %s has %u MiB, of which vGPUs use %llu, but \"%s\" needs %u",
                         work->bdf, work->model->memory_mib, (unsigned long long)taken_mib,
                         type->name, type->framebuffer_mib);
    }
    if (n_staying > 0) {
        error_set(err, REASON_NO_CAPACITY, work->subject,
                  "GPU %s has vGPUs of %u MiB in equal-size mode, but \"%s\" has %u MiB", work->bdf,
                  first->framebuffer_mib, type->name, type->framebuffer_mib);
    } else {
        error_set(err, REASON_NO_CAPACITY, work->subject,
                  "GPU %s takes vGPUs of one size in equal-size mode, but \"%s\" and \"%s\" have "
                  "%u and %u MiB",
                  work->bdf, first->name, type->name, first->framebuffer_mib,
                  type->framebuffer_mib);
    }
    if (work->model->mixed_size == CAT_NO) {
        error_hint(err, "use another GPU, or a type of %u MiB: %s has no mixed-size mode",
                   first->framebuffer_mib, work->model->name);
    } else {
        error_hint(err,
                   "use another GPU, or a type of %u MiB; different sizes can share a GPU only if "
                   "all its claims have `--mixed` (mixed: true)",
                   first->framebuffer_mib);
    }
    return -REASON_NO_CAPACITY;
}

/* Only those that come are asked: what is there is there. */
static int check_size(const struct gpu_work *work, const struct layout_vgpus *vgpus,
                      size_t n_staying, struct error *err)
{
    for (size_t i = n_staying; i < vgpus->n; i++) {
        if (vgpus->items[i].type->framebuffer_mib != vgpus->items[0].type->framebuffer_mib) {
            return refuse_size(work, vgpus, n_staying, i, err);
        }
    }
    return 0;
}

int work_time_sliced(struct gpu_work *work, struct error *err)
{
    if (work->n_added == 0) {
        return 0;
    }
    struct layout_vgpus vgpus;
    int result = staying(work, &vgpus, err);
    if (result != 0) {
        return result;
    }
    size_t n_there = vgpus.n;
    work_enter(work, GPU_TIME_SLICED, true);
    bool mixed = false;
    result = size_mode(work, n_there, &mixed, err);
    if (result != 0) {
        return result;
    }
    add_lost(work, &vgpus);
    size_t n_staying = vgpus.n;
    for (size_t i = 0; i < work->n_added && vgpus.n < LAYOUT_MAX_VGPUS; i++) {
        vgpus.items[vgpus.n++] = (struct layout_vgpu){
            .type = work->added[i].type, .gi = LAYOUT_ANYWHERE, .placement_id = LAYOUT_ANYWHERE};
    }
    result = work_scheduler_for_added(work, n_there, n_staying - n_there, err);
    if (result != 0) {
        return result;
    }
    struct layout_gis none = {.n = 0};
    struct layout_vgpu_mode mode = {.mig = false, .mixed = mixed};
    result = mixed ? 0 : check_size(work, &vgpus, n_staying, err);
    if (result == 0) {
        result = layout_place_vgpus(work->model, &none, &mode, &vgpus, err);
        work_drop_layout_hint(result, err);
    }
    for (size_t i = 0; result == 0 && i < work->n_added; i++) {
        if (mixed) {
            work->assigned[i].placement_id = vgpus.items[n_staying + i].placement_id;
        }
        result = work_take_device(work, i, err);
        if (result == 0) {
            work_create_vgpu(work, i);
            work_attach(work, i);
        }
    }
    return result;
}
