/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What survives what (MIG User Guide, deployment considerations; NVIDIA/gpu-admin-tools#2):
 *
 *                       driver reload      reboot
 *   MIG mode, Ampere    kept               kept (in the board's InfoROM)
 *   MIG mode, later     lost               lost
 *   GPU instances       lost               lost
 *   VFs, vGPUs          lost               lost
 *   mixed sizes, policy lost               lost
 *   vGPU version range  lost               lost (nvmlSetVgpuVersion)
 *   a need for a reset  kept               lost
 *   driver_override     kept on PFs        lost
 *   ECC errors          volatile count lost, aggregate count kept, by both
 */
#include "sim/state/internal.h"

#include <errno.h>
#include <string.h>

#include "base/id.h"
#include "base/str.h"

void sim_reboot(struct sim_host *host)
{
    if (host->on_power_off != NULL) {
        host->on_power_off(host->on_power_off_data);
    }
    host->unloaded = false;
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        sim_gpu_power_on(&host->gpus[i]);
    }
    for (uint32_t i = 0; i < host->n_extras; i++) {
        STR_SET(host->extras[i].driver, host->extras[i].home_driver);
        host->extras[i].driver_override[0] = '\0';
        host->extras[i].removed = false;
        host->extras[i].opener = 0;
        host->extras[i].vm_uuid[0] = '\0';
    }
    id_uuid(host->boot_id);
    host->driver_loads++;
    host->n_ids = 0;
    host->no_autoprobe = false;
    host->vgpu_versions = (struct sim_version_range){0};
    host->next_vgpu_instance = 1;
    sim_changed(host);
}

/* rmmod refuses a module in use. */
static bool driver_in_use(struct sim_host *host)
{
    bool busy = sim_nvml_open(host, 0);
    for (uint32_t i = 0; i < host->n_gpus && !busy; i++) {
        struct sim_gpu *gpu = &host->gpus[i];
        bool ours = sim_bound_to(gpu->driver, "nvidia");
        busy = ours && (sim_any_opened(gpu) || gpu->holder[0] != '\0');
    }
    return busy;
}

int sim_driver_unload(struct sim_host *host)
{
    if (driver_in_use(host)) {
        return -EBUSY;
    }
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        struct sim_gpu *gpu = &host->gpus[i];
        if (sim_bound_to(gpu->driver, "nvidia")) {
            sim_gpu_driver_starts(gpu); /* as the next load will find it */
            gpu->driver[0] = '\0';
        }
    }
    host->unloaded = true;
    host->vgpu_versions = (struct sim_version_range){0};
    sim_changed(host);
    return 0;
}

void sim_driver_load(struct sim_host *host)
{
    host->driver_loads += host->unloaded;
    host->unloaded = false;
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        struct sim_gpu *gpu = &host->gpus[i];
        bool free = gpu->driver[0] == '\0' && !gpu->removed && !gpu->lost;
        bool wanted =
            gpu->driver_override[0] == '\0' || sim_bound_to(gpu->driver_override, "nvidia");
        if (free && wanted) {
            STR_SET(gpu->driver, "nvidia"); /* a driver that loads binds what is free */
            sim_gpu_driver_starts(gpu);
        }
    }
    host->next_vgpu_instance = 1;
    sim_changed(host);
}

int sim_driver_reload(struct sim_host *host)
{
    int result = sim_driver_unload(host);
    if (result == 0) {
        sim_driver_load(host);
    }
    return result;
}
