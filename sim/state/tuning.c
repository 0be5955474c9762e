/* SPDX-License-Identifier: Apache-2.0 */
/* What an administrator sets through NVML, MIG mode aside. */
#include "sim/state/internal.h"

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

int sim_set_scheduler(struct sim_host *host, struct sim_gpu *gpu, uint32_t policy)
{
    if (!sim_nvml_reaches(gpu)) {
        return SIM_NVML_GPU_IS_LOST;
    }
    if (policy < SIM_SCHED_BEST_EFFORT || policy > SIM_SCHED_FIXED_SHARE) {
        return SIM_NVML_INVALID_ARGUMENT;
    }
    /* nvml.h: not with MIG, not off a vGPU host, not while a vGPU is active. vGPU user guide 17:
     * fixed share and mixed sizes exclude each other. */
    if (gpu->mig_current || !host->vgpu_host || sim_count_vgpus(gpu) > 0) {
        return SIM_NVML_NOT_SUPPORTED;
    }
    if (gpu->heterogeneous && policy == SIM_SCHED_FIXED_SHARE) {
        return SIM_NVML_NOT_SUPPORTED;
    }
    gpu->scheduler_policy = policy;
    sim_changed(host);
    return SIM_NVML_OK;
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
        if (vgpu->gi_id == gi->id && vgpu->opener != 0) {
            return SIM_NVML_IN_USE; /* nvml.h: while a VM runs within the instance */
        }
    }
    gi->scheduler = *scheduler;
    sim_changed(host);
    return SIM_NVML_OK;
}

int sim_set_heterogeneous(struct sim_host *host, struct sim_gpu *gpu, bool on)
{
    if (!sim_nvml_reaches(gpu)) {
        return SIM_NVML_GPU_IS_LOST;
    }
    if (gpu->mig_current || !host->vgpu_host || gpu->model->mixed_size == CAT_NO) {
        return SIM_NVML_NOT_SUPPORTED;
    }
    if (sim_count_vgpus(gpu) > 0) {
        return SIM_NVML_IN_USE;
    }
    if (on && gpu->scheduler_policy == SIM_SCHED_FIXED_SHARE) {
        return SIM_NVML_NOT_SUPPORTED;
    }
    gpu->heterogeneous = on;
    sim_changed(host);
    return SIM_NVML_OK;
}
