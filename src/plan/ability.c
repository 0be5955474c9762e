/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/ability.h"

#include "base/str.h"

/* NVIDIA MIG user guide, enabling MIG mode: a GPU of Ampere is reset for it; where it can't be, the
 * mode is pending until the host boots. A GPU that is away from its driver doesn't say which mode
 * it is in: it may need no change. */
static int check_mig(const struct gpu_work *work, bool on, struct error *err)
{
    const struct gpu *gpu = work->gpu;
    bool needs_reset = work->model != NULL && work->model->mig_needs_reset;
    if (!needs_reset || gpu->reset_methods[0] != '\0' || gpu->index == NO_ID) {
        return 0;
    }
    error_set(err, REASON_UNSUPPORTED, work->subject,
              "MIG mode of GPU %s can't be turned %s now: that needs a reset of the GPU, which the "
              "platform does not offer",
              work->bdf, on ? "on" : "off");
    if (gpu->mig_pending == on) {
        error_hint(err, "the change is pending already: reboot the host to make it effective, or "
                        "use another GPU");
    } else {
        error_hint(err,
                   "make the change pending (`nvidia-smi -i %s -mig %d`), then reboot the host; or "
                   "use another GPU",
                   work->bdf, on ? 1 : 0);
    }
    return -REASON_UNSUPPORTED;
}

int ability_check(const struct gpu_work *work, struct error *err)
{
    int result = 0;
    for (vec_each(&work->steps, step)) {
        if (step->kind == STEP_MIG_ENABLE || step->kind == STEP_MIG_DISABLE) {
            result = check_mig(work, step->kind == STEP_MIG_ENABLE, err);
        } else if (step->kind == STEP_SRIOV_ENABLE) {
            result = boards_check_vgpu(work->planner->boards, work->gpu, "enable virtual functions",
                                       err);
        }
        if (result != 0) {
            return result;
        }
    }
    return 0;
}
