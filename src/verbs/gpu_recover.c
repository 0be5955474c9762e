/* SPDX-License-Identifier: Apache-2.0 */
/* `cleave gpu recover`: the plan, and what becomes of the quarantine when it ends. */
#include "verbs/gpu_recover.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "plan/recover.h"
#include "state/planner_view.h"
#include "state/state.h"
#include "turn/plans.h"
#include "turn/queue.h"
#include "watch/observe.h"

static void run_recover(struct change *change)
{
    struct error err = {0};
    struct plan *plan = NULL;
    struct planner planner = planner_view(change->manager);
    if (planner_recover(&planner, change->name, change->caller.author, &plan, &err) != 0) {
        change_refuse(change, &err);
        return;
    }
    change_carry_out(change, plan);
}

void verb_recover_gpu(struct manager *m, const struct request *request)
{
    change_enqueue(change_new(m, run_recover, request, request->target));
}

/* ---- is all back that should be? ---- */

/* Within one step of a plan, which has the turn meanwhile: no operation of its own. */
#define SETTLE_PAUSE_US 250000
#define SETTLE_LOOKS 40 /* at what the driver may still bring */
#define SETTLE_ROUNDS 4 /* of steps */

static void settle_look(struct manager *m, const struct error *observe_err, void *data);

static void settle_again(void *data)
{
    observe_hardware(data, settle_look, NULL);
}

static void settle_look(struct manager *m, const struct error *observe_err, void *data)
{
    (void)data;
    struct plan *plan = m->settling;
    if (m->stopping || plan == NULL) {
        return;
    }
    struct error why = {0};
    struct planner planner = planner_view(m);
    size_t n = plan->steps.n;
    bool later = false;
    if (observe_err != NULL) {
        why = *observe_err;
    } else {
        later = recover_settle(&planner, plan, &why);
    }
    if (plan->steps.n > n && ++m->settle_rounds > SETTLE_ROUNDS) {
        plan->steps.n = n;
        error_set(&why, REASON_DRIVER, "gpu",
                  "the devices that were made on the GPU disappear each time");
    }
    if (plan->steps.n == n && why.reason != REASON_NONE && later &&
        ++m->settle_looks < SETTLE_LOOKS &&
        evloop_after(m->config.loop, SETTLE_PAUSE_US, settle_again, m) == 0) {
        return;
    }
    m->settling = NULL;
    runner_settled(m->runner, why.reason != REASON_NONE ? &why : NULL);
}

bool gpu_recover_settle(struct plan *plan, void *data)
{
    struct manager *m = data;
    if (recover_step(plan) == NULL) {
        return false;
    }
    if (m->settled != plan) {
        m->settle_rounds = m->settle_looks = 0;
    }
    m->settled = m->settling = plan;
    observe_hardware(m, settle_look, NULL);
    return true;
}
