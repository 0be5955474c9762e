/* SPDX-License-Identifier: Apache-2.0 */
/* The licences of the vGPUs that run, as NVML tells them. */
#ifndef DRIVER_NVML_NVML_LICENCE_H
#define DRIVER_NVML_NVML_LICENCE_H

#include "driver/nvml/nvml_gpu.h"
#include "model/vgpu_licence.h"

/* One vGPU's, by the newest of NVML's functions that this driver has: unknown where it has none,
 * where they fail, and where the answer contradicts itself. */
struct vgpu_licence nvml_licence_read(const struct nvml *nvml, uint32_t instance);
/* Adds to gpu->licensees the vGPUs whose licence is known. */
void nvml_licence_read_all(const struct nvml_gpu *handle, struct gpu *gpu);

#endif
