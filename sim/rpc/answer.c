/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/rpc/answer.h"

#include <string.h>

#include "base/str.h"
#include "nvml/abi_base.h"
#include "sim/rpc/handlers.h"
#include "sim/state/fault.h"

struct row {
    int (*handler)(struct sim_host *host, const uint32_t *args, void *out);
    uint32_t size;
    bool changes;
    bool about_gpu; /* the first argument is a board */
};

/* A thin caller per handler, so that each keeps its own payload type. */
#define RPC_THUNK(sym, payload, changes, args)                                                     \
    static int thunk_##sym(struct sim_host *host, const uint32_t *a, void *out)                    \
    {                                                                                              \
        return rpc_do_##sym(host, a, out);                                                         \
    }
RPC_CALL_MAP(RPC_THUNK)
#undef RPC_THUNK

static const struct row rows[RPC_CALL_COUNT] = {
#define RPC_ROW(sym, payload, change, args)                                                        \
    [RPC_##sym] = {.handler = thunk_##sym,                                                         \
                   .size = sizeof(payload),                                                        \
                   .changes = change,                                                              \
                   .about_gpu = (args)[0] == 'g' && (args)[1] == 'p'},
    RPC_CALL_MAP(RPC_ROW)
#undef RPC_ROW
};

/* What armed faults make of the call: its time passes here, its code is returned. */
static int suffer_faults(struct sim_host *host, const struct rpc_request *request,
                         const struct row *row, struct sim_met *met)
{
    char function[RPC_MAX_FUNCTION] = "";
    memcpy(function, request->function, sizeof(function) - 1);
    uint32_t number = request->args[0];
    sim_lock(host);
    const struct pci_addr *device =
        row->about_gpu && number < host->n_gpus ? &host->gpus[number].addr : NULL;
    struct sim_strike strike = sim_fault_strike_again(host, function, device, met);
    sim_unlock(host);
    sim_fault_wait(host, &strike, NULL, NULL);
    return strike.code;
}

void rpc_answer(struct sim_host *host, const struct rpc_request *request, bool root,
                struct rpc_answer *ret_answer)
{
    struct rpc_reply *reply = &ret_answer->reply;
    *reply = (struct rpc_reply){.code = NVML_ERROR_UNKNOWN, .met = request->met};
    if (request->magic != RPC_MAGIC) {
        reply->code = NVML_ERROR_LIB_RM_VERSION_MISMATCH;
        return;
    }
    if (request->call >= RPC_CALL_COUNT) {
        return;
    }
    const struct row *row = &rows[request->call];
    if (row->changes && !root) {
        reply->code = NVML_ERROR_NO_PERMISSION;
        return;
    }
    sim_lock(host);
    bool unloaded = host->unloaded;
    sim_unlock(host);
    reply->code =
        unloaded ? NVML_ERROR_DRIVER_NOT_LOADED : suffer_faults(host, request, row, &reply->met);
    if (reply->code != NVML_SUCCESS) {
        return;
    }
    memset(ret_answer->payload, 0, row->size);
    sim_lock(host);
    if (row->changes && host->process_lives != NULL) {
        sim_forget_dead(host, host->process_lives);
    }
    reply->code = row->handler(host, request->args, ret_answer->payload);
    sim_unlock(host);
    reply->size = reply->code == NVML_SUCCESS ? row->size : 0;
}
