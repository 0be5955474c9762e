/* SPDX-License-Identifier: Apache-2.0 */
/* Time that passes for who waits for a call that hangs, and for nothing else: however busy the
 * machine is, only what really hangs is late. */
#include "base/clock.h"
#include "mhost.h"
#include "state/state.h"
#include "watch/looks.h"
#include "watch/looks_inside.h"
#include "watch/observe.h"

#define AGE_US UINT64_C(20000000) /* more than any patience */

/* NVML has its turn after sysfs, within one look. */
static bool is_at_driver(const struct manager *m)
{
    const struct observation *view = &m->looks->at[SOURCE_HARDWARE];
    return m->looks->driver_look != NULL && m->looks->driver_look->number == view->begun &&
           !view->again;
}

static bool is_held_up(const struct manager *m, enum port_kind port)
{
    const struct observation *view =
        &m->looks->at[port == PORT_GUEST ? SOURCE_GUESTS : SOURCE_HARDWARE];
    bool waits = view->begun > view->ended && !view->late;
    return waits && (port != PORT_GPU || is_at_driver(m)) &&
           (port != PORT_PCI || m->looks->driver_look == NULL);
}

static void make_old(struct manager *m, struct observation *view, enum port_kind port)
{
    if (clock_monotonic_us() - view->begun_us < AGE_US) {
        view->begun_us -= AGE_US;
        if (port == PORT_GPU) {
            m->looks->driver_look->since_us -= AGE_US;
        }
    }
}

/* A reader loses patience first, as outside. */
static bool lose_reading(struct manager *m)
{
    bool any = false;
    for (vec_each(&m->looks->observers, observer)) {
        any = any || observer->due_us > 1;
        observer->due_us = observer->due_us != 0;
    }
    return any;
}

static void lose(struct manager *m, enum port_kind port)
{
    struct observation *view = &m->looks->at[port == PORT_GUEST ? SOURCE_GUESTS : SOURCE_HARDWARE];
    runner_lose_patience(m->runner, port);
    if (!is_held_up(m, port)) {
        return;
    }
    make_old(m, view, port);
    if (!lose_reading(m)) {
        view->late_us = 0;
    }
    observe_on_timeout(m);
}

void mhost_lose_patience(struct mhost *mhost)
{
    for (enum port_kind port = PORT_GPU; port <= PORT_GUEST; port++) {
        bool hangs = (atomic_load(&mhost->faults.hang) & 1U << port) != 0;
        bool steps_hang = (atomic_load(&mhost->faults.hang_steps) & 1U << port) != 0;
        if (mhost->manager == NULL || atomic_load(&mhost->faults.hanging) == 0) {
            continue;
        }
        if (hangs) {
            lose(mhost->manager, port);
        } else if (steps_hang) {
            runner_lose_patience(mhost->manager->runner, port);
        }
    }
}
