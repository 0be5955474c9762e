/* SPDX-License-Identifier: Apache-2.0 */
/* The answering end: each binary request against the engine's state. */
#ifndef SIM_RPC_ANSWER_H
#define SIM_RPC_ANSWER_H

#include <stdbool.h>

#include "sim/rpc/calls.h"
#include "sim/state/state.h"

/* A whole reply message, ready to be sent: sizeof(struct rpc_reply) + reply.size bytes. */
struct rpc_answer {
    struct rpc_reply reply;
    _Alignas(8) char payload[RPC_MAX_PAYLOAD];
};

/* Answers any request but RPC_CONTROL; whatever the request holds, the answer is well-formed. Takes
 * the host's lock. `root`: the caller may change things. */
void rpc_answer(struct sim_host *host, const struct rpc_request *request, bool root,
                struct rpc_answer *ret_answer);

/* Handlers, one per call of RPC_CALL_MAP: NVML code and, on success, a filled payload (zeroed
 * before). Called under the lock. */
#define RPC_HANDLER(sym, payload, changes, args)                                                   \
    int rpc_do_##sym(struct sim_host *host, const uint32_t a[RPC_MAX_ARGS], payload *out);
RPC_CALL_MAP(RPC_HANDLER)
#undef RPC_HANDLER

/* Of a type: as its source says, else as its name does ("L40S-3B" has 3 GiB). */
uint32_t rpc_framebuffer_mib(const struct cat_vgpu_type *type);

/* The board with that number, if it answers: NVML_ERROR_INVALID_ARGUMENT for a bad number,
 * NVML_ERROR_GPU_IS_LOST when it fell off the bus or left the driver. */
int rpc_gpu_of(struct sim_host *host, uint32_t number, struct sim_gpu **ret_gpu);

#endif
