/* SPDX-License-Identifier: Apache-2.0 */
/* From the engine's state to the loads of load.h. Under the lock. */
#ifndef SIM_RPC_TELEMETRY_H
#define SIM_RPC_TELEMETRY_H

#include "sim/rpc/calls.h"
#include "sim/state/state.h"

/* What a running vGPU uses now, of the board and of its own framebuffer. */
void telemetry_of_vgpu(struct sim_host *host, struct sim_gpu *gpu, const struct sim_vgpu *vgpu,
                       struct rpc_usage *ret_usage, uint64_t *ret_used_mib);

#endif
