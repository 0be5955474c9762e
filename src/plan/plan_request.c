/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan_request.h"

#include "base/str.h"

bool plan_request_removes(const struct plan_request *request, const char *name)
{
    for (size_t i = 0; i < request->n_remove; i++) {
        if (str_eq(request->remove[i], name)) {
            return true;
        }
    }
    return false;
}

const struct gpu_record *planner_record_of(const struct planner *planner, const struct gpu *gpu)
{
    return planner->records == NULL ? NULL : gpu_records_find(planner->records, gpu);
}

const struct gpu_model *gpu_model_of(const struct planner *planner, const struct gpu *gpu)
{
    return boards_find(planner->boards, planner->catalog, gpu);
}

const struct gpu_scheduler *planner_wanted_scheduler(const struct planner *planner,
                                                     const struct gpu *gpu)
{
    const struct gpu_record *record = planner_record_of(planner, gpu);
    bool chosen = record != NULL && record->scheduler.policy != SCHEDULER_UNKNOWN;
    return chosen ? &record->scheduler : &gpu->scheduler;
}

enum scheduler_policy claim_policy(const struct claim *claim, const struct gpu_model *model,
                                   const struct cat_vgpu_type *type)
{
    if (!claim->has_need || !claim_mode_shares_time(claim->spec.mode) || type == NULL) {
        return SCHEDULER_UNKNOWN;
    }
    return need_policy(&claim->need, type_is_whole(model, type));
}
