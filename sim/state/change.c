/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of a host: one at a time, counted, saved, and said to who follows. */
#include "sim/state/internal.h"

#include "base/clock.h"

void sim_lock(struct sim_host *host)
{
    pthread_mutex_lock(&host->lock);
    host->locked_at_us = clock_monotonic_us();
}

void sim_unlock(struct sim_host *host)
{
    host->busy_us += clock_monotonic_us() - host->locked_at_us;
    pthread_mutex_unlock(&host->lock);
}

void sim_changed(struct sim_host *host)
{
    host->changes++;
    sim_save(host);
    if (host->on_change != NULL) {
        host->on_change(host, host->on_change_data);
    }
}
