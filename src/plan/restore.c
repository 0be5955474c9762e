/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/restore.h"

#include "base/str.h"

bool restore_wants(const struct claim *claim)
{
    return claim->state == CLAIM_BOUND && claim->assigned.set && claim->spec.hold == CLAIM_HELD;
}

const struct gpu *restore_gpu_of(const struct host *host, const struct claim *claim)
{
    const struct gpu *gpu = host_find_gpu_known(host, claim->assigned.gpu_uuid);
    return gpu != NULL ? gpu : claim_find_gpu(claim, host);
}

bool restore_may_choose_again(const struct host *host, const struct claim *claim)
{
    if (!claim->has_need || claim->state != CLAIM_BOUND || !claim->assigned.set ||
        claim->assigned.gpu_uuid[0] == '\0' || host->nvml_problem[0] != '\0' ||
        host->pci_problem[0] != '\0') {
        return false;
    }
    for (vec_each(&host->gpus, gpu)) {
        if (gpu_known_uuid(gpu)[0] == '\0') {
            return false;
        }
    }
    return restore_gpu_of(host, claim) == NULL;
}

void restore_set_params(struct step *step, const struct claim *claim)
{
    const struct assignment *got = &claim->assigned;
    step_set_claim(step, claim);
    STR_SET(step->type, claim->spec.type);
    STR_SET(step->mdev_uuid, got->mdev_uuid);
    step->device = got->device;
    step->placement_id = got->placement_id;
    step->params = claim_params(claim);
}

struct claim restore_open(const struct claim *claim)
{
    struct claim open = *claim;
    open.assigned = (struct assignment){
        .gi_id = NO_ID, .start = NO_ID, .size = NO_ID, .type_id = NO_ID, .placement_id = NO_ID};
    open.reserved = (struct claim_device){.set = false};
    open.state = CLAIM_PENDING;
    open.problem[0] = '\0';
    claim_reopen(&open);
    return open;
}

bool restore_concerns(const struct planner *planner, const struct gpu *gpu)
{
    for (vec_each(planner->claims, claim)) {
        if (restore_wants(claim) && restore_gpu_of(planner->host, claim) == gpu) {
            return true;
        }
    }
    const struct gpu_record *record = planner_record_of(planner, gpu);
    return record != NULL && ((record->mode_set && record->mode != GPU_IDLE) ||
                              record->scheduler.policy != SCHEDULER_UNKNOWN);
}

bool restore_error_passes(const struct error *why)
{
    return reason_passes(why->reason, PASSES_SOON);
}

bool restore_step_may_pass(const struct step *step)
{
    return reason_passes(step->reason, PASSES_UNCLEAR);
}

static uint32_t routing_id(const struct pci_addr *addr)
{
    return (uint32_t)addr->bus << 8 | (uint32_t)addr->device << 3 | addr->function;
}

void restore_move(struct assignment *got, const struct gpu *gpu)
{
    uint32_t distance = routing_id(&got->device) - routing_id(&got->gpu);
    uint32_t rid = routing_id(&gpu->addr) + distance;
    got->device = (struct pci_addr){.domain = gpu->addr.domain,
                                    .bus = (uint8_t)(rid >> 8),
                                    .device = (uint8_t)(rid >> 3 & 31),
                                    .function = (uint8_t)(rid & 7)};
    got->gpu = gpu->addr;
}

struct claim restore_place(const struct host *host, const struct claim *claim)
{
    struct claim moved = *claim;
    const struct gpu *gpu = restore_gpu_of(host, claim);
    moved.assigned.set = claim_holds(claim) && gpu != NULL;
    if (moved.assigned.set && pci_addr_cmp(&moved.assigned.gpu, &gpu->addr) != 0) {
        restore_move(&moved.assigned, gpu);
    }
    return moved;
}

void restoration_done(struct restoration *restoration)
{
    plan_free(restoration->plan);
    restoration->plan = NULL;
    vec_done(&restoration->claims);
}
