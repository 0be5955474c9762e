/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GPUs that left the PCI bus: as long as a claim holds something on one, or it was quarantined in
 * this boot, it is listed and shown, as lost. What was on it is not known.
 */
#include "base/str.h"
#include "manager/state.h"

#define LOST "it is no longer on the PCI bus: it fell off, or was taken out (dmesg may tell)"

static void add(const struct manager *m, const struct pci_addr *addr, const char *uuid,
                struct host *lost)
{
    bool moved = uuid[0] != '\0' && host_find_gpu(m->host, uuid) != NULL;
    if (moved || host_find_gpu_addr(m->host, addr) != NULL) {
        return;
    }
    struct gpu *gpu = host_add_gpu(lost, addr);
    gpu->fault = GPU_FAULT_LOST;
    STR_SET(gpu->problem, LOST);
    if (uuid[0] != '\0') {
        STR_SET(gpu->uuid, uuid);
    }
}

struct host *manager_lost_gpus(const struct manager *m)
{
    struct host *lost = host_new();
    if (m->host == NULL || !m->views[HALF_HARDWARE].known || m->host->pci_problem[0] != '\0') {
        return lost; /* it may be there */
    }
    for (vec_each(&m->claims, claim)) {
        if (claim_holds(claim)) {
            add(m, &claim->got.gpu, claim->got.gpu_uuid, lost);
        }
    }
    for (vec_each(&m->gpu_records, record)) {
        const struct quarantine *quarantine = &record->quarantine;
        if (quarantine->set && str_eq(quarantine->boot_id, m->host->boot_id)) {
            add(m, &record->addr, record->uuid, lost);
        }
    }
    host_derive(lost);
    return lost;
}
