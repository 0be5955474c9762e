/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/preference.h"

#include "base/str.h"
#include "plan/bars.h"
#include "plan/group.h"
#include "plan/mode.h"

/* Is the whole GPU named for another claim? */
static bool is_named_whole(const struct gpu_work *work, const struct claim *mine)
{
    for (size_t i = 0; i < work->planner->claims->n; i++) {
        const struct claim *claim = &work->planner->claims->items[i];
        if (claim->named.set && !str_eq(claim->name, mine->name) &&
            pci_addr_cmp(&claim->named.device, &work->gpu->addr) == 0 &&
            claim->named.mdev_uuid[0] == '\0') {
            return true;
        }
    }
    return false;
}

/* Does a VM's definition, or another claim that waits for its VM, name the whole GPU, so that what
 * comes here first would be in its way? */
static bool is_spoken_for(const struct gpu_work *work, const struct claim *claim)
{
    if (work->n_kept + work->n_added > 0) {
        return false; /* then something is in its way already */
    }
    return is_named_whole(work, claim) || bars_find(work->planner, &work->gpu->addr) != NULL;
}

/* Higher is tried first: the GPU that is named for the claim, then one in the right mode, the
 * fuller the better, then an idle one, the fewer share its IOMMU group the better, then one whose
 * mode must change, then one that takes others along. */
int work_preference(const struct gpu_work *work, const struct claim *claim)
{
    enum gpu_mode want = mode_of_claim(claim->spec.mode);
    if (claim->named.set && pci_addr_cmp(&claim->named.gpu, &work->gpu->addr) == 0) {
        return 10000;
    }
    size_t busy = work->n_kept + work->n_added;
    if (is_spoken_for(work, claim)) {
        const struct vm *vm = bars_find(work->planner, &work->gpu->addr);
        bool own = want == GPU_PASSTHROUGH && vm != NULL && claim->vm[0] != '\0' &&
                   claim_is_of(claim, vm->name, vm->uuid);
        return own ? 9000 : 50;
    }
    if (want == GPU_PASSTHROUGH && group_count_along(work) > 0) {
        return 75; /* it takes other GPUs from the host */
    }
    bool right = work->gpu->mode == want ||
                 (work->n_added > 0 && mode_of_claim(work->added[0].claim.spec.mode) == want);
    if (right) {
        return 1000 + (int)busy;
    }
    if (want == GPU_PASSTHROUGH && work->gpu->mode == GPU_IDLE) {
        return 500 - (int)(work->gpu->group_members.n < 100 ? work->gpu->group_members.n : 100);
    }
    return work->gpu->mode == GPU_IDLE ? 500 - (int)busy : 100 - (int)busy;
}
