/* SPDX-License-Identifier: Apache-2.0 */
/* How much of its GPU each running vGPU uses, as NVML tells it. */
#ifndef DRIVER_NVML_NVML_USE_H
#define DRIVER_NVML_NVML_USE_H

#include "driver/nvml/nvml_gpu.h"

/* The owner of a vGPU. */
struct nvml_vgpu_name {
    char vm_uuid[40];
    char mdev_uuid[40]; /* "" none */
    uint32_t type_id;   /* NO_ID unknown */
};

/* False: the driver doesn't say its VM. */
bool nvml_use_name(const struct nvml *nvml, uint32_t instance, struct nvml_vgpu_name *ret_name);
/* Adds to gpu->uses what the driver says of the vGPUs that run; one that says nothing, as in MIG
 * mode, adds none. */
void nvml_use_read(const struct nvml_gpu *handle, struct gpu *gpu);

#endif
