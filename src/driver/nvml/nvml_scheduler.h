/* SPDX-License-Identifier: Apache-2.0 */
/* How a GPU's time-sliced vGPUs are scheduled, as NVML tells it. */
#ifndef DRIVER_NVML_NVML_SCHEDULER_H
#define DRIVER_NVML_NVML_SCHEDULER_H

#include "driver/nvml/nvml_gpu.h"

/* -UNSUPPORTED when the board or the driver has no scheduler to choose (or MIG mode is on). */
int nvml_scheduler_read(const struct nvml_gpu *gpu, struct gpu_scheduler *ret_scheduler,
                        struct error *err);

#endif
