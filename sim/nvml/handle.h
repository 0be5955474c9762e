/* SPDX-License-Identifier: Apache-2.0 */
/* Handles: what clients pass for a board, a MIG device, a GPU instance or a compute instance. */
#ifndef SIM_NVML_HANDLE_H
#define SIM_NVML_HANDLE_H

#include "sim/nvml/library.h"

/* What a handle stands for. RPC_NONE where it says nothing: a board has neither gi nor ci. */
struct ref {
    uint32_t gpu, gi, ci;
};

/* Addresses inside static arrays, never dereferenced. */
struct nvml_device *handle_device(struct ref ref);
struct nvml_gpu_instance *handle_gi(struct ref ref);
struct nvml_compute_instance *handle_ci(struct ref ref);
bool handle_is_device(const struct nvml_device *handle, struct ref *ret_ref);
bool handle_is_gi(const struct nvml_gpu_instance *handle, struct ref *ret_ref);
bool handle_is_ci(const struct nvml_compute_instance *handle, struct ref *ret_ref);

#endif
