/* SPDX-License-Identifier: Apache-2.0 */
/* A GPU as its power, or its driver, comes; life.c says what survives that. */
#include "sim/state/internal.h"

#include "base/str.h"

/* As the driver finds the board when it loads. */
void sim_gpu_driver_starts(struct sim_gpu *gpu)
{
    sim_gpu_forget_volatile(gpu);
    sim_gpu_remove_vfs(gpu);
    for (size_t i = 0; i < SIM_MAX_MDEVS; i++) {
        sim_vgpu_clear(&gpu->pf_vgpus[i]);
    }
    gpu->mig_current = gpu->model->mig_needs_reset && gpu->mig_pending;
    gpu->mig_pending = gpu->mig_current;
    gpu->corrected.volatile_count = 0;
    gpu->uncorrected.volatile_count = 0;
    gpu->last_xid = 0;
    gpu->meter.energy_uj = 0;
    gpu->meter.at_us = 0;
    sim_settings_start(gpu->settings);
    gpu->settings[SIM_SET_PERSISTENCE] = gpu->persistenced;
    gpu->unbind_lock = false;
}

void sim_gpu_power_on(struct sim_gpu *gpu)
{
    sim_gpu_driver_starts(gpu);
    STR_SET(gpu->driver, "nvidia");
    gpu->driver_override[0] = '\0';
    gpu->opener = 0;
    gpu->vm_uuid[0] = '\0';
    gpu->holder[0] = '\0';
    gpu->busy = 0;
    gpu->lost = false;
    gpu->returns = false;
    gpu->wedged = false;
    gpu->removed = false;
    gpu->sriov_no_autoprobe = false;
}
