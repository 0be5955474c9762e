/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GPUs that left the PCI bus: as long as a claim holds something on one, or it was quarantined in
 * this boot, it is listed and shown, as lost. What was on it is not known.
 */
#include "watch/lost.h"

#include "base/str.h"
#include "model/host_derive.h"
#include "state/state.h"
#include "watch/looks.h"

#define LOST "it is no longer on the PCI bus: it fell off, or was removed (dmesg may say which)"
#define REPLACED "it is no longer on the PCI bus, and another board sits at its address"

static struct gpu *find_lost(const struct host *lost, const struct pci_addr *addr, const char *uuid)
{
    for (vec_each(&lost->gpus, gpu)) {
        bool other = uuid[0] != '\0' && gpu->uuid[0] != '\0' && !str_eq_case(gpu->uuid, uuid);
        if (pci_addr_cmp(&gpu->addr, addr) == 0 && !other) {
            return gpu;
        }
    }
    return NULL;
}

static void add(const struct manager *m, const struct pci_addr *addr, const char *uuid,
                struct host *lost)
{
    bool moved = host_find_gpu_known(m->host, uuid) != NULL;
    const struct gpu *there = host_find_gpu_addr(m->host, addr);
    const char *is = there == NULL ? "" : gpu_known_uuid(there);
    bool replaced = uuid[0] != '\0' && is[0] != '\0' && !str_eq_case(is, uuid);
    if (moved || (there != NULL && !replaced)) {
        return;
    }
    struct gpu *gpu = find_lost(lost, addr, uuid);
    if (gpu == NULL) {
        struct host one = {0}; /* two boards may have left one address */
        gpu = vec_push(&lost->gpus);
        *gpu = *host_add_gpu(&one, addr);
        gpu->number = seen_boards_number(&m->seen_boards, addr);
        vec_done(&one.gpus);
    }
    const struct seen_place *place = seen_boards_find_left(&m->seen_boards, addr, uuid);
    if (place != NULL && !replaced) {
        STR_SET(gpu->name, place->name);
        STR_SET(gpu->model, place->model);
    }
    gpu->fault = GPU_FAULT_LOST;
    STR_SET(gpu->problem, replaced ? REPLACED : LOST);
    if (uuid[0] != '\0') {
        STR_SET(gpu->uuid, uuid);
    }
}

struct host *lost_gpus_find(const struct manager *m)
{
    struct host *lost = host_new();
    if (m->host == NULL || !looks_are_known(m, SOURCE_HARDWARE) ||
        m->host->pci_problem[0] != '\0') {
        return lost; /* it may be there */
    }
    for (vec_each(&m->claims, claim)) {
        if (claim_holds(claim)) {
            add(m, &claim->assigned.gpu, claim->assigned.gpu_uuid, lost);
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
