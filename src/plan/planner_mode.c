/* SPDX-License-Identifier: Apache-2.0 */
/* Changing a GPU's mode by hand. Unlike a claim's plan, it may clear what no one claims. */
#include <stdio.h>

#include "base/str.h"
#include "plan/ability.h"
#include "plan/bars.h"
#include "plan/collect.h"
#include "plan/gpu_gate.h"
#include "plan/group.h"
#include "plan/mode.h"
#include "plan/planner.h"
#include "plan/work_enter.h"
#include "plan/work_release.h"

static int check_able(const struct gpu_work *work, enum gpu_mode mode, struct error *err)
{
    const struct gpu *gpu = work->gpu;
    const struct gpu_model *model = work->model;
    char bdf[BDF_SIZE];
    pci_addr_format(&gpu->addr, bdf);
    if (gpu->other_vendor != 0 && mode != GPU_PASSTHROUGH && mode != GPU_IDLE) {
        return error_set(err, REASON_UNSUPPORTED, bdf,
                         "GPU %s has PCI vendor %04x: only pass-through works", bdf,
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
    return 0;
}

/* A thing that can't be seen on it might be in use, and another tool's. */
static int check_seen(const struct gpu *gpu, struct error *err)
{
    char bdf[BDF_SIZE];
    int r = gate_check_answers(gpu, err);
    if (r != 0) {
        error_hint(err,
                   "cleaved can't read what is on the GPU now: try again when `cleave gpu show %s` "
                   "shows no problem",
                   pci_addr_format(&gpu->addr, bdf));
    }
    return r;
}

/* Virtual functions come with MIG mode: enabling them later would wipe the instances. Without a
 * vGPU manager there are none, and instances serve programs of the host. */
static bool wants_functions(const struct gpu_work *work, enum gpu_mode mode)
{
    return mode != GPU_MIG || boards_can_vgpu(work->planner->boards, work->gpu);
}

/* Passed through, or left without a driver. Another driver's is for people to take away. */
static bool is_away(const struct gpu *gpu)
{
    return gpu->mode == GPU_PASSTHROUGH || (gpu->other_vendor == 0 && gpu->driver[0] == '\0');
}

/* What no claim owns goes, too: this is the verb that clears it. */
static int change_mode(struct works *works, struct gpu_work *work, enum gpu_mode mode,
                       struct error *err)
{
    const struct gpu *gpu = work->gpu;
    work->by_hand = true;
    work->whole = mode == GPU_PASSTHROUGH;
    work->to = mode;
    int result = mode_guard(gpu, work->planner->claims, NULL, 0, work->policy->clears, mode, err);
    if (result == 0 && (mode != GPU_IDLE || is_away(gpu))) {
        result = group_check(work, err);
    }
    result = result != 0 ? result : check_able(work, mode, err);
    if (result != 0) {
        return result;
    }
    for (vec_each(&gpu->vgpus, vgpu)) {
        work_delete_vgpu(work, vgpu);
    }
    if (is_away(gpu)) {
        work_step(work, STEP_BIND_NVIDIA);
        work_to_idle(work); /* what was left on when it went away */
    }
    work_enter(work, mode, wants_functions(work, mode));
    result = ability_check(work, err);
    if (result == 0) {
        group_finish(works->items, works->n);
    }
    return result;
}

int planner_mode(const struct planner *planner, const char *text, enum gpu_mode mode,
                 struct plan **ret_plan, struct error *err)
{
    static const struct plan_request request = {.purpose = PURPOSE_MODE};
    const struct gpu *gpu = host_find_gpu(planner->host, text);
    if (gpu == NULL) {
        return host_unknown_gpu(planner->host, text, err);
    }
    CLEANUP(plan_freep) struct plan *plan = collect_begin(request.purpose, NULL, NULL);
    CLEANUP(works_done) struct works works = {0};
    int result = gate_check_quarantine(planner, gpu, err);
    result = result != 0 ? result : gate_check_driver(planner, gpu, err);
    result = result != 0 ? result : check_seen(gpu, err);
    result = result != 0 ? result : works_init(&works, planner, &request, err);
    if (result == 0 && (gpu->mode != mode || mode == GPU_IDLE)) {
        struct gpu_work *work = &works.items[gpu - planner->host->gpus.items];
        result = change_mode(&works, work, mode, err);
        result = result != 0 ? result : collect_steps(plan, &works, &request, err);
    }
    if (result == 0) {
        bars_note(planner, plan);
        *ret_plan = TAKE_PTR(plan);
    }
    return result;
}
