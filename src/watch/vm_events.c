/* SPDX-License-Identifier: Apache-2.0 */
#include "watch/vm_events.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "state/state.h"
#include "watch/looks.h"
#include "watch/observe.h"

/* Events of one change come together: a rename has two. */
#define SETTLE_US UINT64_C(100000)
/* A host that starts or loses many VMs has events without end. */
#define PAUSE_US UINT64_C(1000000)

struct vm_events {
    struct manager *manager;
    struct evloop_timer *timer;
    atomic_bool posted; /* an event is on its way to the loop */
    bool due;           /* a look is, when the timer ends */
    uint64_t looked_us; /* monotonic: when events began a look last */
};

static void look(void *data)
{
    struct vm_events *events = data;
    events->due = false;
    if (!events->manager->stopping) {
        events->looked_us = clock_monotonic_us();
        observe_guests(events->manager);
    }
}

static void on_event(void *data)
{
    struct vm_events *events = data;
    uint64_t now_us = clock_monotonic_us();
    uint64_t next_us = events->looked_us + PAUSE_US;
    atomic_store(&events->posted, false);
    if (!events->due && !events->manager->stopping) {
        uint64_t pause_us = next_us > now_us + SETTLE_US ? next_us - now_us : SETTLE_US;
        events->due = evloop_timer_set(events->timer, pause_us) == 0;
    }
}

/* The port's thread. */
static void vm_changed(void *data)
{
    struct vm_events *events = data;
    if (!atomic_exchange(&events->posted, true)) {
        evloop_post(events->manager->config.loop, on_event, events);
    }
}

int vm_events_open(struct manager *m)
{
    struct guest_port *port = looks_guest_port(m);
    m->vm_events = xcalloc(1, sizeof(*m->vm_events));
    m->vm_events->manager = m;
    int r = evloop_timer_new(m->config.loop, look, m->vm_events, &m->vm_events->timer);
    if (r == 0 && port != NULL && port->ops->follow != NULL) {
        port->ops->follow(port, vm_changed, m->vm_events);
    }
    return r;
}

void vm_events_close(struct manager *m)
{
    struct guest_port *port = looks_guest_port(m);
    if (m->vm_events == NULL) {
        return;
    }
    if (port != NULL && port->ops->follow != NULL) {
        port->ops->follow(port, NULL, NULL);
    }
    evloop_run_posts(m->config.loop);
    evloop_timer_free(m->vm_events->timer);
    free(TAKE_PTR(m->vm_events));
}
