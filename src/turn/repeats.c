/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/repeats.h"

#include "base/str.h"
#include "state/state.h"

#define MAX_REPEATS 256 /* the oldest is forgotten: its next failure is an event once more */

/* What a person asked for is never a repetition. */
static bool may_repeat(const struct plan *plan)
{
    return plan->no_undo || plan->author[0] == '\0' || str_eq(plan->author, "cleaved");
}

static struct failed_plan *find(const struct manager *m, const struct plan *plan)
{
    for (vec_each(&m->failed_plans, failed)) {
        if (str_eq(failed->reason, plan->reason)) {
            return failed;
        }
    }
    return NULL;
}

bool repeats_have(const struct manager *m, const struct plan *plan)
{
    const struct failed_plan *failed = find(m, plan);
    return failed != NULL && plan->state != PLAN_DONE && may_repeat(plan) &&
           !str_eq(failed->id, plan->id) && str_eq(failed->problem, plan->problem);
}

void repeats_forget_restorations(struct manager *m)
{
    for (size_t i = m->failed_plans.n; i > 0; i--) {
        if (m->failed_plans.items[i - 1].restores) {
            vec_remove(&m->failed_plans, i - 1);
        }
    }
}

void repeats_note(struct manager *m, const struct plan *plan)
{
    struct failed_plan *failed = find(m, plan);
    if (!may_repeat(plan) || repeats_have(m, plan)) {
        return;
    }
    if (plan->state == PLAN_DONE || plan->state == PLAN_CANCELLED) {
        if (failed != NULL) {
            vec_remove(&m->failed_plans, (size_t)(failed - m->failed_plans.items));
        }
        return;
    }
    if (failed == NULL && m->failed_plans.n == MAX_REPEATS) {
        vec_remove(&m->failed_plans, 0);
    }
    failed = failed == NULL ? vec_push(&m->failed_plans) : failed;
    failed->restores = plan->no_undo;
    STR_SET(failed->id, plan->id);
    STR_SET(failed->reason, plan->reason);
    STR_SET(failed->problem, plan->problem);
}
