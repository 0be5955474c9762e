/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/states.h"

#include <stdlib.h>

#include "base/log.h"

#define TO(state) SM_TO(STEP_##state)
static const struct sm_state step_states[] = {
    [STEP_PLANNED] = {.name = "planned",
                      .next = TO(RUNNING) | TO(FAILED),
                      .initial = true,
                      .final = true},
    [STEP_RUNNING] = {.name = "running", .next = TO(DONE) | TO(UNDOING) | TO(FAILED)},
    [STEP_DONE] = {.name = "done", .next = TO(UNDOING), .final = true},
    [STEP_FAILED] = {.name = "failed", .final = true},
    [STEP_UNDOING] = {.name = "undoing", .next = TO(UNDONE) | TO(FAILED) | TO(STUCK)},
    [STEP_UNDONE] = {.name = "undone", .final = true},
    [STEP_STUCK] = {.name = "stuck", .final = true},
};
#undef TO
_Static_assert(ARRAY_SIZE(step_states) == STEP_STATE_COUNT, "every step state has a row");

#define TO(state) SM_TO(PLAN_##state)
static const struct sm_state plan_states[] = {
    [PLAN_PLANNED] = {.name = "planned",
                      .next = TO(RUNNING) | TO(DONE),
                      .initial = true,
                      .final = true},
    [PLAN_RUNNING] = {.name = "running", .next = TO(DONE) | TO(UNDOING) | TO(FAILED)},
    [PLAN_DONE] = {.name = "done", .final = true},
    [PLAN_UNDOING] = {.name = "undoing", .next = TO(UNDONE) | TO(STUCK) | TO(FAILED)},
    [PLAN_UNDONE] = {.name = "undone", .final = true},
    [PLAN_STUCK] = {.name = "stuck", .final = true},
    [PLAN_FAILED] = {.name = "failed", .final = true},
};
#undef TO
_Static_assert(ARRAY_SIZE(plan_states) == PLAN_STATE_COUNT, "every plan state has a row");

#define TO(state) SM_TO(CLAIM_##state)
static const struct sm_state claim_states[] = {
    /* An on-demand claim waits here for its VM, before it is drawn and after it was given back. */
    [CLAIM_PENDING] = {.name = "pending",
                       .next = TO(BINDING) | TO(RELEASING),
                       .initial = true,
                       .final = true},
    [CLAIM_BINDING] = {.name = "binding", .next = TO(BOUND) | TO(PENDING) | TO(FAILED)},
    [CLAIM_BOUND] = {.name = "bound", .next = TO(RELEASING), .final = true},
    /* Back to where it came from when the release was undone. */
    [CLAIM_RELEASING] = {.name = "releasing",
                         .next = TO(RELEASED) | TO(BOUND) | TO(PENDING) | TO(FAILED)},
    [CLAIM_RELEASED] = {.name = "released", .final = true},
    [CLAIM_FAILED] = {.name = "failed", .next = TO(RELEASING), .final = true},
};
#undef TO
_Static_assert(ARRAY_SIZE(claim_states) == CLAIM_STATE_COUNT, "every claim state has a row");

const struct sm_type step_machine = {.name = "step", .states = step_states, .n = STEP_STATE_COUNT};
const struct sm_type plan_machine = {.name = "plan", .states = plan_states, .n = PLAN_STATE_COUNT};
const struct sm_type claim_machine = {
    .name = "claim", .states = claim_states, .n = CLAIM_STATE_COUNT};

static void refuse(const struct sm_type *type, uint32_t from, uint32_t to)
{
    log_error("bug: a %s cannot go from %s to %s", type->name, type->states[from].name,
              type->states[to].name);
    abort();
}

void step_move(struct step *step, enum step_state to)
{
    if (!sm_move(&step_machine, &step->state, to)) {
        refuse(&step_machine, step->state, to);
    }
}

void plan_move(struct plan *plan, enum plan_state to)
{
    if (!sm_move(&plan_machine, &plan->state, to)) {
        refuse(&plan_machine, plan->state, to);
    }
}

void claim_move(struct claim *claim, enum claim_state to)
{
    if (!sm_move(&claim_machine, &claim->state, to)) {
        refuse(&claim_machine, claim->state, to);
    }
}
