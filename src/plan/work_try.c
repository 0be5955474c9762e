/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/work_try.h"

#include "base/str.h"
#include "plan/gpu_gate.h"
#include "plan/group.h"
#include "plan/together.h"
#include "plan/work_solve.h"

/* Claims of a VM that needs several GPUs have one each. */
static const struct claim *find_sibling(const struct gpu_work *work, const struct claim *claim)
{
    bool several = claim->has_need && claim->need.gpus > 1 && claim->vm[0] != '\0';
    for (size_t i = 0; several && i < work->n_kept + work->n_added; i++) {
        const struct claim *other =
            i < work->n_kept ? work->kept[i] : &work->added[i - work->n_kept].claim;
        if (other->has_need && other->need.gpus > 1 && !str_eq(other->name, claim->name) &&
            claim_is_of(other, claim->vm, claim->vm_uuid)) {
            return other;
        }
    }
    return NULL;
}

static int check_sibling(const struct gpu_work *work, const struct claim *claim, struct error *err)
{
    const struct claim *other = find_sibling(work, claim);
    return other == NULL ? 0
                         : error_set(err, REASON_CONFLICT, work->subject,
                                     "claim \"%s\" of VM \"%s\" is on GPU %s, and the VM needs %u "
                                     "GPUs",
                                     other->name, claim->vm, work->bdf, claim->need.gpus);
}

int work_admit(const struct gpu_work *work, const struct claim *claim,
               struct admitted *ret_admitted, struct error *err)
{
    int result = gate_check_quarantine(work->planner, work->gpu, err);
    if (result == 0) {
        result = admit_on_gpu(work->planner, claim, work->gpu, ret_admitted, err);
    }
    if (result == 0) {
        const struct together now = {
            .request = work->request, .works = work->all, .n_works = work->n_all};
        result = together_check(work->planner, &now, ret_admitted, err);
    }
    result = result != 0 ? result : check_sibling(work, claim, err);
    result = result != 0 ? result : gate_check_cordon(work->planner, work->gpu, err);
    return result != 0 ? result : gate_check_held(work->planner, work->gpu, err);
}

int work_try(struct gpu_work *work, const struct claim *claim, const struct claim *moved,
             struct error *err)
{
    if (work->n_added == WORK_MAX_CLAIMS) {
        return error_set(err, REASON_NO_CAPACITY, "gpu", "too many claims for one GPU");
    }
    int result = work_admit(work, claim, &work->added[work->n_added], err);
    if (result != 0) {
        return result;
    }
    work->moved[work->n_added] = moved;
    work->n_added++;
    result = work_solve(work, err);
    result = result != 0 ? result : group_check(work, err);
    if (result != 0) {
        /* The solution from before the claim came is the GPU's part again. */
        work->n_added--;
        work_solve_again(work);
    }
    return result;
}
