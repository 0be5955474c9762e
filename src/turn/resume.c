/* SPDX-License-Identifier: Apache-2.0 */
/* Plans that were begun go on: after a restart, or when a call has come back. */
#include "turn/resume.h"

#include "base/clock.h"
#include "base/log.h"
#include "state/plan_run.h"
#include "state/state.h"
#include "turn/plan_holds.h"
#include "turn/queue.h"
#include "turn/unfinished.h"

void resume_all(struct manager *m)
{
    struct plan *plan = unfinished_take_next(m);
    if (plan == NULL) {
        queue_release_turn(m);
        return;
    }
    resume_plan(m, plan);
}

void resume_if_free(struct manager *m)
{
    if (!m->busy && !m->stopping) {
        m->busy = true;
        resume_all(m);
    }
}

void resume_plan(struct manager *m, struct plan *plan)
{
    m->busy = true;
    m->n_plans++;
    if (plan->state == PLAN_RUNNING) {
        plan->problem[0] = '\0'; /* that it waited for something is over */
    }
    m->turn_since_us = m->step_since_us = clock_monotonic_us(); /* the step in hand, once more */
    plan_holds_take(m, plan);
    m->running = plan;
    m->n_plans++;
    log_info("plan %s (%s) was not finished: continuing it", plan->id, plan->reason);
    plan_run_follow(m, plan);
    runner_resume(m->runner, plan);
}
