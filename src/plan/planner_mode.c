/* SPDX-License-Identifier: Apache-2.0 */
/* Changing a GPU's mode by hand. Unlike a claim's plan, it may clear what nobody claims. */
#include <stdio.h>

#include "base/str.h"
#include "plan/health.h"
#include "plan/mode.h"
#include "plan/work.h"

static void add(struct plan *plan, const struct gpu *gpu, enum step_kind kind)
{
    *vec_push(&plan->steps) = step_make(kind, &gpu->addr);
}

/* Clears foreign vGPUs and instances, then virtual functions and MIG. */
static void leave_mode(struct plan *plan, const struct planner *planner, const struct gpu *gpu)
{
    struct gpu_work work = {.planner = planner, .gpu = gpu};
    for (vec_each(&gpu->vgpus, vgpu)) {
        struct step *step = work_step(&work, STEP_VGPU_DELETE);
        STR_SET(step->type, vgpu->type);
        step->type_id = vgpu->type_id;
        step->device = vgpu->vf;
        STR_SET(step->mdev_uuid, vgpu->mdev_uuid);
        step->placement_id = vgpu->placement_id;
    }
    if (gpu->mode == GPU_PASSTHROUGH) {
        work_step(&work, STEP_BIND_NVIDIA);
    }
    work_to_idle(&work);
    for (vec_each(&work.steps, step)) {
        *vec_push(&plan->steps) = *step;
    }
    for (vec_each(&work.instances, instance)) {
        *vec_push(&plan->instances) = *instance;
    }
    work_done(&work);
}

static int enter_mode(struct plan *plan, const struct planner *planner, const struct gpu *gpu,
                      enum gpu_mode mode, struct error *err)
{
    const struct gpu_model *model = gpu_model_of(planner, gpu);
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
    if (mode == GPU_TIME_SLICED && gpu->vfs_total == 0 && gpu->iface == VGPU_IFACE_NONE) {
        return error_set(err, REASON_UNSUPPORTED, bdf,
                         "GPU %s has no virtual functions and offers no vGPU types", bdf);
    }
    if (mode == GPU_PASSTHROUGH && gpu->iommu_group == NO_ID) {
        return error_set(err, REASON_UNSUPPORTED, bdf, "GPU %s is in no IOMMU group", bdf);
    }
    switch (mode) {
    case GPU_PASSTHROUGH:
        add(plan, gpu, STEP_BIND_VFIO);
        break;
    case GPU_TIME_SLICED:
        if (gpu->vfs_total > 0) {
            add(plan, gpu, STEP_SRIOV_ENABLE);
        }
        break;
    case GPU_MIG:
        add(plan, gpu, STEP_MIG_ENABLE);
        /* Virtual functions now: enabling them later would wipe the instances. */
        if (gpu->vfs_total > 0) {
            add(plan, gpu, STEP_SRIOV_ENABLE);
        }
        break;
    case GPU_IDLE:
    case GPU_MODE_COUNT:
        break;
    }
    return 0;
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

int planner_mode(const struct planner *planner, const char *text, enum gpu_mode mode,
                 struct plan **ret_plan, struct error *err)
{
    const struct gpu *gpu = host_find_gpu(planner->host, text);
    if (gpu == NULL) {
        return host_unknown_gpu(planner->host, text, err);
    }
    CLEANUP(plan_freep) struct plan *plan = plan_new();
    int result = health_check_quarantine(planner, gpu, err);
    if (result == 0 && (gpu->mode != mode || mode == GPU_IDLE)) {
        result = guard(planner, gpu, mode, err);
        if (result == 0 && gpu->mode != GPU_IDLE) {
            leave_mode(plan, planner, gpu);
        }
        result = result != 0 ? result : enter_mode(plan, planner, gpu, mode, err);
    }
    if (result == 0) {
        *ret_plan = TAKE_PTR(plan);
    }
    return result;
}
