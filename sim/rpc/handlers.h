/* SPDX-License-Identifier: Apache-2.0 */
/* What answers each call, in answer_*.c. */
#ifndef SIM_RPC_HANDLERS_H
#define SIM_RPC_HANDLERS_H

#include "sim/rpc/calls.h"
#include "sim/state/state.h"

/* Handlers, one per call of RPC_CALL_MAP: NVML code and, on success, a filled payload (zeroed
 * before). Called under the lock. */
#define RPC_HANDLER(sym, payload, changes, args)                                                   \
    int rpc_do_##sym(struct sim_host *host, const uint32_t a[RPC_MAX_ARGS], payload *out);
RPC_CALL_MAP(RPC_HANDLER)
#undef RPC_HANDLER

#endif
