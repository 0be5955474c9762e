/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sim/state/internal.h"

static const struct {
    const char *name;
    uint32_t start;
    bool kept;
} settings[SIM_SETTING_COUNT] = {
#define X(sym, text, value, stays)                                                                 \
    [SIM_SET_##sym] = {.name = (text), .start = (value), .kept = (stays)},
    SIM_SETTING_MAP(X)
#undef X
};

const char *sim_setting_name(enum sim_setting setting)
{
    return settings[setting].name;
}

void sim_settings_ecc(struct sim_gpu *gpu)
{
    gpu->settings[SIM_SET_ECC_OFF] = gpu->settings[SIM_SET_ECC_OFF_PENDING];
}

void sim_settings_start(struct sim_gpu *gpu)
{
    for (size_t i = 0; i < SIM_SETTING_COUNT; i++) {
        gpu->settings[i] = settings[i].kept ? gpu->settings[i] : settings[i].start;
    }
    sim_settings_ecc(gpu);
}

int sim_set_setting(struct sim_host *host, struct sim_gpu *gpu, enum sim_setting setting,
                    uint32_t value)
{
    if (!sim_nvml_reaches(gpu)) {
        return SIM_NVML_GPU_IS_LOST;
    }
    gpu->settings[setting] = value;
    sim_changed(host);
    return SIM_NVML_OK;
}

void sim_clear_ecc(struct sim_host *host, struct sim_gpu *gpu, bool aggregate)
{
    if (aggregate) {
        gpu->corrected.aggregate_count = 0;
        gpu->uncorrected.aggregate_count = 0;
    } else {
        gpu->corrected.volatile_count = 0;
        gpu->uncorrected.volatile_count = 0;
    }
    sim_changed(host);
}

int sim_gi_set_scheduler(struct sim_host *host, struct sim_gpu *gpu, struct sim_gi *gi,
                         const struct sim_gi_scheduler *scheduler)
{
    if (!host->vgpu_host) {
        return SIM_NVML_NOT_SUPPORTED;
    }
    if (scheduler->policy < SIM_SCHED_BEST_EFFORT || scheduler->policy > SIM_SCHED_FIXED_SHARE) {
        return SIM_NVML_INVALID_ARGUMENT;
    }
    uint32_t cursor = 0;
    for (struct sim_vgpu *vgpu = sim_next_vgpu(gpu, &cursor, NULL); vgpu != NULL;
         vgpu = sim_next_vgpu(gpu, &cursor, NULL)) {
        if (vgpu->gi_id == gi->id) {
            return SIM_NVML_IN_USE; /* nvml.h: while a vGPU is active in the instance */
        }
    }
    gi->scheduler = *scheduler;
    sim_changed(host);
    return SIM_NVML_OK;
}
