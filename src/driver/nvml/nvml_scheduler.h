/* SPDX-License-Identifier: Apache-2.0 */
/* How a GPU's time-sliced vGPUs are scheduled, as NVML tells it. */
#ifndef DRIVER_NVML_NVML_SCHEDULER_H
#define DRIVER_NVML_NVML_SCHEDULER_H

#include "driver/nvml/nvml_gpu.h"

/* -UNSUPPORTED when the board or the driver has no scheduler to choose (or MIG mode is on). */
int nvml_scheduler_read(const struct nvml_gpu *gpu, struct gpu_scheduler *ret_scheduler,
                        struct error *err);

/* The scheduler of a GPU instance; unknown where the driver has none, or does not say it. */
void nvml_scheduler_read_gi(const struct nvml_gpu *gpu, const struct nvml_gi *gi,
                            struct gpu_scheduler *ret_scheduler);
/* Sets it, unless it is so already, and reads it back. No VM may run on the instance. */
int nvml_scheduler_set_gi(const struct nvml_gpu *gpu, const struct nvml_gi *gi,
                          const struct gpu_scheduler *wanted, struct error *err);
/* Set of 1 << policy that the driver has for the board; 0: it doesn't say. */
uint32_t nvml_scheduler_set_of(const struct nvml_gpu *gpu);

#endif
