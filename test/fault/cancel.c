/* SPDX-License-Identifier: Apache-2.0 */
#include "cancel.h"

#include "base/str.h"
#include "state/state.h"
#include "test.h"

#define ALL_STEPS (1U << PORT_GPU | 1U << PORT_PCI | 1U << PORT_GUEST)

static struct cancel *under_way;

static const struct operation *find_plan(const struct manager *m)
{
    for (vec_each(&m->operations.items, operation)) {
        if ((*operation)->kind->id == OPERATION_KIND_PLAN && !operation_is_over(*operation)) {
            return *operation;
        }
    }
    return NULL;
}

static void tick(struct mhost *mhost)
{
    if (atomic_load(&mhost->faults.hanging) == 0) {
        return;
    }
    const struct operation *plan = find_plan(mhost->manager);
    if (!under_way->asked && plan != NULL) {
        under_way->asked = true;
        under_way->calls = atomic_load(&mhost->faults.calls);
        STR_SET(under_way->plan, plan->id);
        under_way->answer.mhost = mhost;
        mhost_ask(mhost, VERB_CANCEL_OPERATION, &under_way->answer, .target = plan->id);
    }
    if (!under_way->asked || under_way->answer.there) {
        atomic_store(&mhost->faults.hang_steps, 0);
    }
}

void cancel_begin(struct mhost *mhost, unsigned at, struct cancel *ret_cancel)
{
    *ret_cancel = (struct cancel){0};
    under_way = ret_cancel;
    mhost->tick = tick;
    atomic_store(&mhost->faults.spared, (int)at);
    atomic_store(&mhost->faults.hang_steps, ALL_STEPS);
}

void cancel_end(struct mhost *mhost, struct cancel *cancel)
{
    mhost->tick = NULL;
    under_way = NULL;
    atomic_store(&mhost->faults.hang_steps, 0);
    answer_done(&cancel->answer);
}

bool cancel_was_accepted(const struct cancel *cancel)
{
    return cancel->asked && cancel->answer.there && cancel->answer.err.reason == REASON_NONE;
}
