/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/work_solve.h"

#include "base/str.h"
#include "plan/ability.h"
#include "plan/mode.h"
#include "plan/work_parts.h"
#include "plan/work_release.h"

/* All claims on a GPU must want it in the same mode. */
static int wanted_mode(const struct gpu_work *work, enum gpu_mode *ret_mode, struct error *err)
{
    const struct claim *first = work->n_kept > 0 ? work->kept[0] : NULL;
    enum gpu_mode mode = first != NULL ? mode_of_claim(first->spec.mode) : GPU_MODE_COUNT;
    for (size_t i = 0; i < work->n_added; i++) {
        const struct claim *claim = &work->added[i].claim;
        enum gpu_mode one = mode_of_claim(claim->spec.mode);
        if (first != NULL && one != mode) {
            error_set(err, REASON_CONFLICT, work->subject,
                      "GPU %s is used as %s by claim \"%s\"; the %s claim \"%s\" needs it as %s",
                      work->bdf, gpu_mode_name(mode), first->name,
                      claim_mode_name(claim->spec.mode), claim->name, gpu_mode_name(one));
            error_hint(err, "a GPU has one mode at a time: use another GPU, or release the claims "
                            "on this one");
            return -REASON_CONFLICT;
        }
        first = first != NULL ? first : claim;
        mode = one;
    }
    if (mode == GPU_MODE_COUNT) { /* no claim is left */
        mode = work->gpu->mode == GPU_PASSTHROUGH ? GPU_IDLE : work->gpu->mode;
    }
    *ret_mode = mode;
    return 0;
}

static int guard(const struct gpu_work *work, enum gpu_mode to, struct error *err)
{
    if (work->gpu->mode == GPU_IDLE || work->gpu->mode == to) {
        return 0;
    }
    const char *gone[WORK_MAX_CLAIMS];
    for (size_t i = 0; i < work->n_gone; i++) {
        gone[i] = work->gone[i]->name;
    }
    return mode_guard(work->gpu, work->planner->claims, gone, work->n_gone, work->policy->clears,
                      to, err);
}

/* No claim has it passed through any more, or no driver has it, as after a release that failed: the
 * driver must have the GPU before it can be shared. */
static int bind_to_host_driver(struct gpu_work *work, enum gpu_mode mode, struct error *err)
{
    bool away = work->gpu->mode == GPU_PASSTHROUGH ||
                (work->gpu->other_vendor == 0 && work->gpu->driver[0] == '\0');
    if (!away || (mode != GPU_TIME_SLICED && mode != GPU_MIG) || work->n_added == 0 ||
        work_has_step(work, STEP_BIND_NVIDIA)) {
        return 0;
    }
    const struct vm *vm = work_defined_in(work, &work->gpu->addr);
    if (vm != NULL) {
        return work_refuse_defined(work, vm, err);
    }
    work_step(work, STEP_BIND_NVIDIA);
    return 0;
}

int work_solve(struct gpu_work *work, struct error *err)
{
    work->steps.n = 0;
    work->instances.n = 0;
    work->left.n = 0;
    for (size_t i = 0; i < work->n_added; i++) {
        work->assigned[i] = (struct assignment){.gpu = work->gpu->addr,
                                                .set = true,
                                                .gi_id = NO_ID,
                                                .start = NO_ID,
                                                .size = NO_ID,
                                                .type_id = NO_ID,
                                                .placement_id = NO_ID,
                                                .device = work->gpu->addr};
        STR_SET(work->assigned[i].gpu_uuid, gpu_known_uuid(work->gpu));
    }
    enum gpu_mode mode = GPU_IDLE;
    int result = wanted_mode(work, &mode, err);
    result = result != 0 ? result : guard(work, mode, err);
    result = result != 0 ? result : work_release(work, err);
    result = result != 0 ? result : bind_to_host_driver(work, mode, err);
    if (result != 0) {
        return result;
    }
    switch (mode) {
    case GPU_PASSTHROUGH:
        result = work_passthrough(work, err);
        break;
    case GPU_TIME_SLICED:
        result = work_time_sliced(work, err);
        break;
    case GPU_MIG:
        result = work_mig(work, err);
        break;
    case GPU_IDLE:
    case GPU_MODE_COUNT:
        break;
    }
    return result != 0 ? result : ability_check(work, err);
}

void work_solve_again(struct gpu_work *work)
{
    work->steps.n = 0;
    work->instances.n = 0;
    work->left.n = 0;
    if (work->n_added > 0 || work->n_gone > 0) {
        (void)work_solve(work, NULL);
    }
}
