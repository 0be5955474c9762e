/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every name of NVML, exported, and what is common to all of them before the simulated function
 * gets its turn. A driver of an older branch has no such function: as a program that found the
 * name by another way would be answered, FUNCTION_NOT_FOUND. What is not simulated is
 * NOT_SUPPORTED, as on a board without the feature. Requests carry the function's name, because
 * faults are armed by it.
 */
#include <stddef.h>

#include "nvml/abi.h"
#include "sim/nvml/session.h"
#include "sim/rpc/client.h"

#define EXPORT __attribute__((visibility("default")))

__attribute__((constructor)) static void name_functions(void)
{
    rpc_caller = session_caller;
}

/* Asks the host, too, although it has nothing to say: an armed fault may. */
static int32_t not_simulated(void)
{
    struct rpc_host host;
    int r = session_check();
    if (r == NVML_SUCCESS) {
        r = rpc_call(RPC_HOST, (const uint32_t[RPC_MAX_ARGS]){0}, &host, sizeof(host));
    }
    return r == NVML_SUCCESS ? NVML_ERROR_NOT_SUPPORTED : r;
}

/* NVML_SUCCESS: go on. Before the first init it is unknown which driver there is. */
static int32_t enter(const char *function, uint32_t since)
{
    session_enter(function);
    uint32_t branch = session_branch();
    return branch != 0 && since > branch ? NVML_ERROR_FUNCTION_NOT_FOUND : NVML_SUCCESS;
}

/* A definition that is nowhere is NULL. */
#define X(name, since, params, args)                                                               \
    extern __attribute__((weak, visibility("hidden"))) __typeof__(name) simulated_##name;          \
    EXPORT int32_t name params                                                                     \
    {                                                                                              \
        int32_t r = enter(#name, since);                                                           \
        if (r != NVML_SUCCESS) {                                                                   \
            return r;                                                                              \
        }                                                                                          \
        return simulated_##name != NULL ? simulated_##name args : not_simulated();                 \
    }
#include "nvml/functions.def"
#undef X
