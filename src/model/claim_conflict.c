/* SPDX-License-Identifier: Apache-2.0 */
#include "model/claim_conflict.h"

static bool is_mode(const struct claim *claim, enum claim_mode mode)
{
    return claim->spec.mode == mode;
}

/* A mode of vGPUs, said by the claim itself. */
static bool has_vgpu_mode(const struct claim *claim)
{
    return is_mode(claim, CLAIM_TIME_SLICED) || is_mode(claim, CLAIM_MIG_BACKED) ||
           is_mode(claim, CLAIM_TIME_SLICED_MIG_BACKED);
}

/* A profile alone is a bare GPU instance. */
static bool is_bare(const struct claim *claim)
{
    return is_mode(claim, CLAIM_GPU_INSTANCE) ||
           (is_mode(claim, CLAIM_MODE_AUTO) && claim->spec.profile[0] != '\0' &&
            claim->spec.type[0] == '\0');
}

static bool is_for_host(const struct claim *claim)
{
    return claim->need.consumer == CONSUMER_HOST;
}

static bool wants_hardware(const struct claim *claim)
{
    return claim->need.isolation == ISOLATION_HARDWARE;
}

#define CONFLICT(name, condition)                                                                  \
    static bool name(const struct claim *claim)                                                    \
    {                                                                                              \
        return condition;                                                                          \
    }
CONFLICT(host_and_vm, is_for_host(claim) && claim->vm[0] != '\0')
CONFLICT(host_and_vgpu, is_for_host(claim) && has_vgpu_mode(claim))
CONFLICT(host_and_whole, is_for_host(claim) && is_mode(claim, CLAIM_PASSTHROUGH))
CONFLICT(host_and_type, is_for_host(claim) && claim->spec.type[0] != '\0')
CONFLICT(bare_and_vm, is_mode(claim, CLAIM_GPU_INSTANCE) && !is_for_host(claim))
CONFLICT(profile_and_vm, is_bare(claim) && !is_for_host(claim))
CONFLICT(whole_and_type, is_mode(claim, CLAIM_PASSTHROUGH) && claim->spec.type[0] != '\0')
CONFLICT(whole_and_profile, is_mode(claim, CLAIM_PASSTHROUGH) && claim->spec.profile[0] != '\0')
CONFLICT(whole_and_start, is_mode(claim, CLAIM_PASSTHROUGH) && claim->spec.start != NO_ID)
CONFLICT(whole_and_migration, is_mode(claim, CLAIM_PASSTHROUGH) && claim->need.live_migration)
CONFLICT(whole_and_mixed, is_mode(claim, CLAIM_PASSTHROUGH) && claim->need.mixed)
CONFLICT(whole_and_scheduler,
         is_mode(claim, CLAIM_PASSTHROUGH) && claim->need.scheduler != SCHEDULER_UNKNOWN)
CONFLICT(whole_and_params,
         is_mode(claim, CLAIM_PASSTHROUGH) && vgpu_params_any(&claim->need.params))
CONFLICT(slices_and_hardware, is_mode(claim, CLAIM_TIME_SLICED) && wants_hardware(claim))
CONFLICT(slices_and_profile, is_mode(claim, CLAIM_TIME_SLICED) && claim->spec.profile[0] != '\0')
CONFLICT(slices_and_start, is_mode(claim, CLAIM_TIME_SLICED) && claim->spec.start != NO_ID)
CONFLICT(shared_and_hardware, is_mode(claim, CLAIM_TIME_SLICED_MIG_BACKED) &&
                                  wants_hardware(claim) && claim->need.boundary == BOUNDARY_VM)
CONFLICT(alone_and_scheduler,
         is_mode(claim, CLAIM_MIG_BACKED) && claim->need.scheduler != SCHEDULER_UNKNOWN)
CONFLICT(alone_and_group,
         is_mode(claim, CLAIM_GPU_INSTANCE) && claim->need.boundary == BOUNDARY_GROUP)
CONFLICT(bare_and_type, is_mode(claim, CLAIM_GPU_INSTANCE) && claim->spec.type[0] != '\0')

static const struct claim_conflict conflicts[] = {
    {"need.consumer", "vm", "a process on the host has no VM", host_and_vm},
    {"need.consumer", "mode", "a vGPU is a VM's, and a process on the host has a GPU instance",
     host_and_vgpu},
    {"need.consumer", "mode", "a GPU is passed through to a VM, not to a process on the host",
     host_and_whole},
    {"need.consumer", "type", "a vGPU is a VM's, and a process on the host has a GPU instance",
     host_and_type},
    {"mode", "type", "a bare GPU instance has a profile, and no vGPU type", bare_and_type},
    {"mode", "need.boundary", "groups are of VMs", alone_and_group},
    {"mode", "need.consumer", "a bare GPU instance serves a process on the host: say consumer host",
     bare_and_vm},
    {"profile", "need.consumer",
     "a profile alone is a bare GPU instance, which serves a process on the host: say consumer "
     "host, or for a VM mode mig-backed",
     profile_and_vm},
    {"mode", "type", "a GPU that is passed through is no vGPU", whole_and_type},
    {"mode", "profile", "a GPU that is passed through has no GPU instance", whole_and_profile},
    {"mode", "start", "a GPU that is passed through has no GPU instance", whole_and_start},
    {"mode", "need.liveMigration", "a GPU that is passed through does not move while its VM runs",
     whole_and_migration},
    {"mode", "need.mixed", "the sizes are of vGPUs", whole_and_mixed},
    {"mode", "need.scheduler", "the policies are of vGPUs", whole_and_scheduler},
    {"mode", "need.params", "the parameters are of vGPUs", whole_and_params},
    {"mode", "need.isolation", "time-sliced vGPUs share the compute engines", slices_and_hardware},
    {"mode", "profile", "a time-sliced vGPU has no GPU instance", slices_and_profile},
    {"mode", "start", "a time-sliced vGPU has no GPU instance", slices_and_start},
    {"mode", "need.isolation",
     "vGPUs that share a GPU instance share its compute engines, unless the boundary is a group's",
     shared_and_hardware},
    {"mode", "need.scheduler", "a MIG-backed vGPU shares its GPU instance with none",
     alone_and_scheduler},
};

const struct claim_conflict *claim_find_conflict(const struct claim *claim)
{
    for (size_t i = 0; claim->has_need && i < ARRAY_SIZE(conflicts); i++) {
        if (conflicts[i].holds(claim)) {
            return &conflicts[i];
        }
    }
    return NULL;
}
