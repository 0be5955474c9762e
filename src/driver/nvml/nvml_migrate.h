/* SPDX-License-Identifier: Apache-2.0 */
/* What NVML knows of a vGPU that is to move, and of the GPU that it would move to. */
#ifndef DRIVER_NVML_NVML_MIGRATE_H
#define DRIVER_NVML_NVML_MIGRATE_H

#include "driver/nvml/nvml_gpu.h"
#include "port/gpu_port.h"

/* Both need an open library; see gpu_port.h. */
int nvml_vgpu_state(const struct nvml_gpu *gpu, const struct gpu_vgpu_query *query,
                    struct gpu_vgpu_state *ret_state, struct error *err);
int nvml_compatible(const struct nvml_gpu *gpu, const char *metadata, char ret_word[16],
                    struct error *err);

#endif
