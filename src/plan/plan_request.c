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
