/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/work_try.h"

#include "plan/gpu_gate.h"
#include "plan/group.h"
#include "plan/together.h"
#include "plan/work_solve.h"

int work_admit(const struct gpu_work *work, const struct claim *claim,
               struct admitted *ret_admitted, struct error *err)
{
    int result = gate_check_quarantine(work->planner, work->gpu, err);
    if (result == 0) {
        result = admit_on_gpu(work->planner, claim, work->gpu, ret_admitted, err);
    }
    if (result == 0) {
        result = together_check(work->planner, work->request, ret_admitted, err);
    }
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
