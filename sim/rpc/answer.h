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

#endif
