/* SPDX-License-Identifier: Apache-2.0 */
/* How much of its GPU each running vGPU uses, as NVML tells it. */
#ifndef DRIVER_NVML_NVML_USE_H
#define DRIVER_NVML_NVML_USE_H

#include "driver/nvml/nvml_gpu.h"

/* Adds to gpu->uses what the driver says of the vGPUs that run; one that says nothing, as in MIG
 * mode, adds none. */
void nvml_use_read(const struct nvml_gpu *handle, struct gpu *gpu);

#endif
