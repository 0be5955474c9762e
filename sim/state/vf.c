/* SPDX-License-Identifier: Apache-2.0 */
/* The virtual functions of a GPU: all of them, or none. */
#include "sim/state/internal.h"

#include <string.h>

#include "base/str.h"

/* Routing ids: bus, device, function in 16 bits; the first VF comes sriov_offset after the PF. */
static struct pci_addr vf_addr(const struct sim_gpu *gpu, uint32_t index)
{
    uint32_t rid =
        (uint32_t)gpu->addr.bus << 8 | (uint32_t)gpu->addr.device << 3 | gpu->addr.function;
    rid += gpu->sriov_offset + index;
    return (struct pci_addr){.domain = gpu->addr.domain,
                             .bus = (uint8_t)(rid >> 8),
                             .device = (uint8_t)(rid >> 3 & 31),
                             .function = (uint8_t)(rid & 7)};
}

void sim_gpu_remove_vfs(struct sim_gpu *gpu)
{
    memset(gpu->vfs, 0, sizeof(gpu->vfs));
    gpu->n_vfs = 0;
}

void sim_gpu_add_vfs(struct sim_gpu *gpu)
{
    for (uint32_t i = 0; i < gpu->vfs_total; i++) {
        struct sim_vf *vf = &gpu->vfs[i];
        *vf = (struct sim_vf){.addr = vf_addr(gpu, i),
                              .iommu_group = gpu->vf_group_base + i,
                              .wanted_placement = SIM_NONE};
        sim_vgpu_clear(&vf->vgpu);
        if (!gpu->sriov_no_autoprobe) {
            STR_SET(vf->driver, "nvidia");
        }
    }
    gpu->n_vfs = gpu->vfs_total;
}
