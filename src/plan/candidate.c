/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/candidate.h"

#include "base/str.h"
#include "plan/bars.h"
#include "plan/group.h"
#include "plan/mode.h"

/* Is the whole GPU named for another claim? */
static bool is_named_whole(const struct gpu_work *work, const struct claim *mine)
{
    for (size_t i = 0; i < work->planner->claims->n; i++) {
        const struct claim *claim = &work->planner->claims->items[i];
        if (claim->reserved.set && !str_eq(claim->name, mine->name) &&
            pci_addr_cmp(&claim->reserved.device, &work->gpu->addr) == 0 &&
            claim->reserved.mdev_uuid[0] == '\0') {
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

static struct preference preference_of(const struct gpu_work *work, const struct claim *claim)
{
    const struct gpu *gpu = work->gpu;
    enum gpu_mode want = mode_of_claim(claim->spec.mode);
    struct preference it = {.n_claims = (uint32_t)(work->n_kept + work->n_added)};
    bool right = gpu->mode == want ||
                 (work->n_added > 0 && mode_of_claim(work->added[0].claim.spec.mode) == want);
    if (claim->reserved.set && pci_addr_cmp(&claim->reserved.gpu, &gpu->addr) == 0) {
        it.what = PREFERENCE_RESERVED;
    } else if (is_spoken_for(work, claim)) {
        const struct vm *vm = bars_find(work->planner, &gpu->addr);
        bool own = want == GPU_PASSTHROUGH && vm != NULL && claim->vm[0] != '\0' &&
                   claim_is_of(claim, vm->name, vm->uuid);
        it.what = own ? PREFERENCE_BY_HAND : PREFERENCE_SPOKEN_FOR;
    } else if (want == GPU_PASSTHROUGH && group_count_along(work) > 0) {
        it.what = PREFERENCE_TAKES_OTHERS;
    } else if (right) {
        it.what = PREFERENCE_RIGHT_MODE;
    } else if (gpu->mode == GPU_IDLE) {
        it.what = PREFERENCE_IDLE;
        it.n_members = want == GPU_PASSTHROUGH ? (uint32_t)gpu->group_members.n : 0;
    } else {
        it.what = PREFERENCE_OTHER_MODE;
    }
    return it;
}

void candidate_score(const struct gpu_work *work, const struct claim *claim,
                     uint32_t keys[PREFERENCE_KEYS])
{
    struct preference preference = preference_of(work, claim);
    preference_score(&preference, keys);
}
