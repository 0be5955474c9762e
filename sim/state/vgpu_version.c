/* SPDX-License-Identifier: Apache-2.0 */
/* Versions of the protocol between a vGPU manager and the drivers in guests. */
#include "base/mem.h"
#include "sim/state/internal.h"

/* Newest version of each branch, major << 16 | minor; the oldest is the same for all. From the
 * history of vgpu_version.h in NVIDIA/open-gpu-kernel-modules, NV_VGPU_*_GRIDSW_VERSION_EXTERNAL_*.
 */
#define OLDEST 0x00070001u

static const struct {
    uint32_t branch, newest;
} versions[] = {
    {460, 0x00090002}, {470, 0x000b0002}, {535, 0x00120001}, {550, 0x00140001},
    {560, 0x00160001}, {570, 0x00180001}, {580, 0x00190001},
};

/* "580.105.08" → 580. */
uint32_t sim_driver_branch(const struct sim_host *host)
{
    uint32_t branch = 0;
    for (const char *p = host->driver_version; *p >= '0' && *p <= '9' && branch < 10000; p++) {
        branch = branch * 10 + (uint32_t)(*p - '0');
    }
    return branch;
}

/* A branch between two, or after the last, speaks what the one before it did. */
struct sim_version_range sim_vgpu_versions_preset(const struct sim_host *host)
{
    struct sim_version_range range = {OLDEST, versions[0].newest};
    for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
        if (versions[i].branch <= sim_driver_branch(host)) {
            range.newest = versions[i].newest;
        }
    }
    return range;
}

struct sim_version_range sim_vgpu_versions(const struct sim_host *host)
{
    return host->vgpu_versions.newest != 0 ? host->vgpu_versions : sim_vgpu_versions_preset(host);
}

int sim_set_vgpu_versions(struct sim_host *host, struct sim_version_range range)
{
    struct sim_version_range preset = sim_vgpu_versions_preset(host);
    if (!host->vgpu_host) {
        return SIM_NVML_NOT_SUPPORTED;
    }
    if (range.oldest < preset.oldest || range.newest > preset.newest ||
        range.oldest > range.newest) {
        return SIM_NVML_INVALID_ARGUMENT;
    }
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        if (sim_any_opened(&host->gpus[i])) {
            return SIM_NVML_IN_USE;
        }
    }
    host->vgpu_versions = range;
    sim_changed(host);
    return SIM_NVML_OK;
}
