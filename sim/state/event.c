/* SPDX-License-Identifier: Apache-2.0 */
/* What the driver reports on its own: Xids and ECC errors. Numbers: NVIDIA's list of Xid errors. */
#include "sim/state/internal.h"

#define XID_DOUBLE_BIT_ECC 48
#define XID_OFF_THE_BUS 79

static void put(struct sim_host *host, const struct sim_gpu *gpu, uint64_t type, uint64_t data)
{
    struct sim_event *event = &host->events[host->n_events % SIM_MAX_EVENTS];
    *event = (struct sim_event){.gpu = (uint32_t)(gpu - host->gpus), .type = type, .data = data};
    host->n_events++;
}

void sim_raise_xid(struct sim_host *host, struct sim_gpu *gpu, uint32_t xid)
{
    gpu->last_xid = xid;
    put(host, gpu, SIM_EVENT_XID, xid);
}

void sim_raise_ecc(struct sim_host *host, struct sim_gpu *gpu, bool uncorrected)
{
    struct sim_ecc *ecc = uncorrected ? &gpu->uncorrected : &gpu->corrected;
    ecc->volatile_count++;
    ecc->aggregate_count++;
    put(host, gpu, uncorrected ? SIM_EVENT_DOUBLE_BIT_ECC : SIM_EVENT_SINGLE_BIT_ECC, 0);
    if (uncorrected) {
        sim_raise_xid(host, gpu, XID_DOUBLE_BIT_ECC);
    }
    sim_changed(host);
}

void sim_lose(struct sim_host *host, struct sim_gpu *gpu, bool returns)
{
    gpu->returns = returns;
    if (!gpu->lost) {
        gpu->lost = true;
        sim_raise_xid(host, gpu, XID_OFF_THE_BUS);
    }
    sim_changed(host);
}

void sim_wedge(struct sim_host *host, struct sim_gpu *gpu)
{
    gpu->wedged = true;
    sim_changed(host);
}

const struct sim_event *sim_next_event(const struct sim_host *host, uint64_t *cursor)
{
    uint64_t oldest = host->n_events > SIM_MAX_EVENTS ? host->n_events - SIM_MAX_EVENTS : 0;
    if (*cursor < oldest) {
        *cursor = oldest;
    }
    return *cursor < host->n_events ? &host->events[(*cursor)++ % SIM_MAX_EVENTS] : NULL;
}
