/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/work_enter.h"

#include "base/str.h"

bool work_is_wiped(const struct gpu_work *work)
{
    return work_has_step(work, STEP_SRIOV_ENABLE) || work_has_step(work, STEP_MIG_ENABLE) ||
           work_has_step(work, STEP_MIG_DISABLE);
}

bool work_enter_wipes(const struct gpu_work *work, bool vfs)
{
    const struct gpu *gpu = work->gpu;
    return vfs && gpu->mig_enabled && gpu->vfs_total > 0 && gpu->vfs_enabled == 0;
}

/* Both as they are after the steps so far. */
static bool mig_is_on(const struct gpu_work *work)
{
    return work->gpu->mig_enabled && !work_has_step(work, STEP_MIG_DISABLE);
}

static bool functions_are_on(const struct gpu_work *work)
{
    return work->gpu->vfs_enabled > 0 && !work_is_wiped(work) &&
           !work_has_step(work, STEP_SRIOV_DISABLE);
}

static void leave(struct gpu_work *work)
{
    bool left = work_has_step(work, STEP_GI_DESTROY) || work_has_step(work, STEP_SRIOV_DISABLE) ||
                work_has_step(work, STEP_MIG_DISABLE);
    if (!left) {
        work_to_idle(work);
    }
}

struct step *work_enter(struct gpu_work *work, enum gpu_mode mode, bool vfs)
{
    const struct gpu *gpu = work->gpu;
    switch (mode) {
    case GPU_IDLE:
        leave(work);
        return NULL;
    case GPU_PASSTHROUGH:
        leave(work);
        return str_eq(gpu->driver, "vfio-pci") ? NULL : work_step(work, STEP_BIND_VFIO);
    case GPU_TIME_SLICED:
        if (gpu->mig_enabled) {
            leave(work);
        }
        break;
    case GPU_MIG:
        if (!mig_is_on(work)) {
            if (functions_are_on(work)) {
                work_step(work, STEP_SRIOV_DISABLE);
            }
            work_step(work, STEP_MIG_ENABLE);
        }
        break;
    case GPU_MODE_COUNT:
        return NULL;
    }
    if (vfs && gpu->vfs_total > 0 && !functions_are_on(work)) {
        work_step(work, STEP_SRIOV_ENABLE);
    }
    return NULL;
}
