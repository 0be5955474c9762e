/* SPDX-License-Identifier: Apache-2.0 */
/* Plans that the store had unfinished when cleaved started: which goes on next. */
#include "turn/unfinished.h"

#include "state/state.h"
#include "watch/looks.h"
#include "watch/observe.h"

static bool waits_for_libvirt(const struct manager *m, const struct plan *plan)
{
    bool back = plan->state == PLAN_UNDOING || plan_is_cancelled(plan);
    bool guests =
        false; /* false: all steps have ended, only the end of the plan is left to store */
    for (vec_each(&plan->steps, step)) {
        bool open = back ? step_was_begun(step) : step->state != STEP_DONE;
        if (open && step_kind_port(step->kind) != PORT_GUEST) {
            return false;
        }
        guests = guests || open;
    }
    return guests && m->host != NULL && m->host->libvirt_problem[0] != '\0';
}

struct plan *unfinished_take_next(struct manager *m)
{
    for (size_t i = m->n_unfinished; i > 0; i--) {
        struct plan *plan = m->unfinished[i - 1];
        if (waits_for_libvirt(m, plan)) {
            continue;
        }
        m->n_unfinished--;
        for (size_t k = i - 1; k < m->n_unfinished; k++) {
            m->unfinished[k] = m->unfinished[k + 1];
        }
        return plan;
    }
    if (m->n_unfinished > 0 && looks_begun(m, SOURCE_GUESTS) == 0) {
        observe_all(m, NULL, NULL);
    }
    return NULL;
}
