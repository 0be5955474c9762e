/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that hang below a manager, and the end of the patience with them at once. */
#ifndef MANAGER_HANG_FIXTURE_H
#define MANAGER_HANG_FIXTURE_H

#include "mhost_fixture.h"
#include "state/lateness.h"
#include "state/state.h"
#include "test.h"
#include "turn/queue.h"
#include "watch/looks.h"

/* Patience ends for what hangs, and at once then. */
static inline int hang_setup(void **state)
{
    int r = mhost_fixture_setup(state);
    ((struct mhost_fixture *)*state)->mhost.tick = mhost_lose_patience;
    return r;
}

static inline int hang_teardown(void **state)
{
    struct mhost_fixture *f = *state;
    atomic_store(&f->mhost.faults.hang, 0);
    atomic_store(&f->mhost.faults.hang_steps, 0);
    return mhost_fixture_teardown(state);
}

static inline void let_hang(struct mhost *mhost, enum port_kind port)
{
    atomic_store(&mhost->faults.hang, 1U << port);
}

static inline void let_go(struct mhost *mhost)
{
    atomic_store(&mhost->faults.hang, 0);
}

static inline void list_gpus(struct mhost *mhost, struct answer *answer)
{
    *answer = (struct answer){0};
    mhost_ask(mhost, VERB_LIST_GPUS, answer);
    assert_true(mhost_wait(mhost, answer));
    assert_int_equal(answer->err.reason, REASON_NONE);
}

static inline bool driver_is_late(void *data)
{
    return looks_driver_problem(((struct mhost *)data)->manager)[0] != '\0';
}

static inline bool driver_is_back(void *data)
{
    const struct manager *m = ((struct mhost *)data)->manager;
    return looks_driver_problem(m)[0] == '\0' && !looks_under_way(m);
}

static inline bool is_free(void *data)
{
    const struct manager *m = ((struct mhost *)data)->manager;
    return !m->busy && m->parked.n > 0;
}

static inline bool is_over(void *data)
{
    struct mhost *mhost = data;
    return mhost->manager->parked.n == 0 && !mhost->manager->busy &&
           queue_length(mhost->manager) == 0;
}

#endif
