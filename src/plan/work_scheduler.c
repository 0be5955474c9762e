/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/work_scheduler.h"

#include "plan/work_enter.h"

void work_scheduler(struct gpu_work *work)
{
    const struct gpu_scheduler *wanted = planner_wanted_scheduler(work->planner, work->gpu);
    static const struct gpu_scheduler fresh = {.policy = SCHEDULER_BEST_EFFORT};
    const struct gpu_scheduler *now = work_is_wiped(work) ? &fresh : &work->gpu->scheduler;
    if (wanted->policy == SCHEDULER_UNKNOWN || gpu_scheduler_matches(wanted, now)) {
        return;
    }
    struct step *step = work_step(work, STEP_SCHEDULER_SET);
    step->scheduler = *wanted;
    step->former = *now;
}

void work_share_instance(const struct gpu_work *work, struct step *step)
{
    const struct gpu_record *record = planner_record_of(work->planner, work->gpu);
    if (record != NULL) {
        step->scheduler = record->scheduler;
    }
}
