/* SPDX-License-Identifier: Apache-2.0 */
/* What a request names, in the engine's state. */
#ifndef SIM_RPC_LOOKUP_H
#define SIM_RPC_LOOKUP_H

#include "sim/state/state.h"

/* Of a type: as its source says, else as its name does ("L40S-3B" has 3 GiB). */
uint32_t rpc_framebuffer_mib(const struct cat_vgpu_type *type);

/* The board with that number, if it answers: NVML_ERROR_INVALID_ARGUMENT for a bad number,
 * NVML_ERROR_GPU_IS_LOST when it fell off the bus or left the driver. */
int rpc_gpu_of(struct sim_host *host, uint32_t number, struct sim_gpu **ret_gpu);

#endif
