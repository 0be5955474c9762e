/* SPDX-License-Identifier: Apache-2.0 */
/* Changing a GPU's mode by hand. Unlike a claim's plan, it may clear what no one claims. */
#include <stdio.h>

#include "base/str.h"
#include "plan/ability.h"
#include "plan/bars.h"
#include "plan/group.h"
#include "plan/health.h"
#include "plan/mode.h"
#include "plan/planner.h"
#include "plan/seats.h"
#include "plan/work.h"

/* Clears foreign vGPUs and instances, then virtual functions and MIG. */
static void leave_mode(struct gpu_work *work)
{
    const struct gpu *gpu = work->gpu;
    for (vec_each(&gpu->vgpus, vgpu)) {
        struct step *step = work_step(work, STEP_VGPU_DELETE);
        STR_SET(step->type, vgpu->type);
        step->type_id = vgpu->type_id;
        step->device = vgpu->vf;
        STR_SET(step->mdev_uuid, vgpu->mdev_uuid);
        step->placement_id = vgpu->placement_id;
        const struct gi *gi = vgpu->gi_id != NO_ID ? gpu_find_gi(gpu, vgpu->gi_id) : NULL;
        if (gi != NULL) {
            step_set_instance(step, gi);
            STR_SET(step->profile, gi->profile);
        }
    }
    if (gpu->mode == GPU_PASSTHROUGH) {
        work_step(work, STEP_BIND_NVIDIA);
    }
    work_to_idle(work);
}

static int enter_mode(struct gpu_work *work, enum gpu_mode mode, struct error *err)
{
    const struct gpu *gpu = work->gpu;
    const struct gpu_model *model = work->model;
    char bdf[BDF_SIZE];
    pci_addr_format(&gpu->addr, bdf);
    if (gpu->other_vendor != 0 && mode != GPU_PASSTHROUGH && mode != GPU_IDLE) {
        return error_set(err, REASON_UNSUPPORTED, bdf,
                         "GPU %s is of PCI vendor %04x: only pass-through works", bdf,
                         gpu->other_vendor);
    }
    if (mode == GPU_MIG &&
        (gpu->mig_capable == TRI_NO || (model != NULL && model->profiles.n == 0))) {
        return error_set(err, REASON_UNSUPPORTED, bdf, "GPU %s (%s) has no MIG", bdf,
                         model != NULL ? model->name : gpu->name);
    }
    const struct boards *boards = work->planner->boards;
    int result = mode == GPU_TIME_SLICED ? boards_check_vgpu(boards, gpu, "carry vGPUs", err) : 0;
    if (result != 0) {
        return result;
    }
    if (mode == GPU_TIME_SLICED && gpu->vfs_total == 0 && gpu->iface == VGPU_IFACE_NONE) {
        return error_set(err, REASON_UNSUPPORTED, bdf,
                         "GPU %s has no virtual functions and offers no vGPU types", bdf);
    }
    switch (mode) {
    case GPU_PASSTHROUGH:
        work_step(work, STEP_BIND_VFIO);
        break;
    case GPU_TIME_SLICED:
        if (gpu->vfs_total > 0) {
            work_step(work, STEP_SRIOV_ENABLE);
        }
        break;
    case GPU_MIG:
        work_step(work, STEP_MIG_ENABLE);
        /* Virtual functions now: enabling them later would wipe the instances. Without a vGPU
         * manager there are none, and instances serve programs of the host. */
        if (gpu->vfs_total > 0 && boards_can_vgpu(boards, gpu)) {
            work_step(work, STEP_SRIOV_ENABLE);
        }
        break;
    case GPU_IDLE:
    case GPU_MODE_COUNT:
        break;
    }
    return ability_check(work, err);
}

/* Claims and running VMs stop it; foreign instances don't: this is the verb that clears them. */
static int guard(const struct planner *planner, const struct gpu *gpu, enum gpu_mode mode,
                 struct error *err)
{
    struct gpu bare = *gpu;
    bare.gis.n = 0;
    size_t held = 0;
    for (vec_each(&gpu->vgpus, vgpu)) {
        held += vgpu->holder[0] != '\0' ? 1 : 0;
    }
    bare.vgpus.n = held > 0 ? gpu->vgpus.n : 0;
    return mode_guard(&bare, planner->claims, NULL, 0, mode, err);
}

/* The GPU's own steps, in their order, between those that free the rest of its IOMMU group and
 * those that bind it. */
static void collect(struct plan *plan, const struct works *works, const struct gpu_work *own)
{
    for (int first = 1; first >= 0; first--) {
        for (size_t i = 0; i < works->n; i++) {
            for (vec_each(&works->items[i].steps, step)) {
                bool before = step->kind == STEP_COMPANION_VFIO;
                if (&works->items[i] != own && before == (first == 1)) {
                    *vec_push(&plan->steps) = *step;
                }
            }
        }
        for (vec_each(&own->steps, step)) {
            if ((step->kind == STEP_COMPANION_VFIO) == (first == 1)) {
                *vec_push(&plan->steps) = *step;
            }
        }
    }
    for (vec_each(&own->instances, instance)) {
        *vec_push(&plan->instances) = *instance;
    }
    seats_add_spares(plan, own);
}

/* What can't be seen on it might be in use, and another tool's. */
static int check_answers(const struct gpu *gpu, struct error *err)
{
    char bdf[BDF_SIZE];
    if (gpu->problem[0] == '\0') {
        return 0;
    }
    pci_addr_format(&gpu->addr, bdf);
    error_set(err, REASON_UNAVAILABLE, SUBJECT("gpu", bdf), "GPU %s can't be used: %s", bdf,
              gpu->problem);
    error_hint(err,
               "what it carries can't be seen now: try again when `cleave gpu show %s` has no "
               "problem",
               bdf);
    return -REASON_UNAVAILABLE;
}

static int change_mode(struct works *works, struct gpu_work *work, enum gpu_mode mode,
                       struct error *err)
{
    const struct gpu *gpu = work->gpu;
    work->whole = mode == GPU_PASSTHROUGH;
    work->to = mode;
    int result = guard(work->planner, gpu, mode, err);
    if (result == 0 && (mode != GPU_IDLE || gpu->mode == GPU_PASSTHROUGH)) {
        result = group_check(work, err);
    }
    if (result == 0 && gpu->mode != GPU_IDLE) {
        leave_mode(work);
    }
    result = result != 0 ? result : enter_mode(work, mode, err);
    if (result == 0) {
        group_finish(works->items, works->n);
    }
    return result;
}

int planner_mode(const struct planner *planner, const char *text, enum gpu_mode mode,
                 struct plan **ret_plan, struct error *err)
{
    static const struct plan_request none = {0};
    const struct gpu *gpu = host_find_gpu(planner->host, text);
    if (gpu == NULL) {
        return host_unknown_gpu(planner->host, text, err);
    }
    CLEANUP(plan_freep) struct plan *plan = plan_new();
    CLEANUP(works_done) struct works works = {0};
    int result = health_check_quarantine(planner, gpu, err);
    result = result != 0 ? result : check_answers(gpu, err);
    result = result != 0 ? result : works_init(&works, planner, &none, err);
    if (result == 0 && (gpu->mode != mode || mode == GPU_IDLE)) {
        struct gpu_work *work = &works.items[gpu - planner->host->gpus.items];
        result = change_mode(&works, work, mode, err);
        collect(plan, &works, work);
    }
    if (result == 0) {
        bars_note(planner, plan);
        *ret_plan = TAKE_PTR(plan);
    }
    return result;
}
