/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cleave's own steps put into VMs' definitions and took out, noted before libvirt is asked
 * again: a plan that follows at once, as a restoration's does, must not do it once more.
 */
#include "watch/definitions.h"

#include "plan/outlook.h"
#include "state/state.h"

void definitions_follow_plan(struct manager *m, const struct plan *plan)
{
    for (vec_each(&plan->steps, step)) {
        if (step->state == STEP_DONE && m->host != NULL) {
            outlook_define(m->host, step);
        }
    }
}
