/* SPDX-License-Identifier: Apache-2.0 */
/* Devices of claims: are they there? */
#include "watch/claim_device.h"

#include "base/str.h"
#include "state/state.h"
#include "watch/looks_inside.h"

bool claim_device_is_there(const struct manager *m, const struct claim *claim)
{
    const struct assignment *got = &claim->assigned;
    const struct gpu *gpu = claim_find_gpu(claim, m->host);
    if (gpu == NULL || gpu->problem[0] != '\0') {
        return gpu != NULL;
    }
    if (claim->spec.mode == CLAIM_PASSTHROUGH) {
        return gpu->mode == GPU_PASSTHROUGH;
    }
    if (claim->spec.mode == CLAIM_GPU_INSTANCE) {
        return gpu_find_gi_at(gpu, got->start, got->size) != NULL;
    }
    const struct vgpu *vgpu = claim_vgpu_at(claim, gpu);
    return vgpu != NULL && claim_is_vgpu(claim, vgpu);
}

bool claim_device_is_in_kernel(const struct manager *m, const struct claim *claim,
                               const struct gpu *gpu)
{
    const struct gpu *seen = m->looks->kernel_view == NULL
                                 ? NULL
                                 : host_find_gpu_addr(m->looks->kernel_view, &gpu->addr);
    if (seen == NULL || !str_eq(gpu->problem, m->looks->driver_problem) ||
        seen->problem[0] != '\0') {
        return false;
    }
    const struct vgpu *vgpu = claim_vgpu_at(claim, seen);
    const struct vgpu *before = claim_vgpu_at(claim, gpu); /* knows who made it */
    return vgpu != NULL && claim_is_vgpu(claim, vgpu) &&
           (before == NULL || claim_is_vgpu(claim, before));
}
