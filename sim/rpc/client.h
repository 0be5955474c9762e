/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calling end: one connection per process, made on first use, usable from any thread, and made
 * again after fork() (a child never speaks on its parent's connection). Depends on libc only, so
 * that it can live inside the simulated NVML library.
 */
#ifndef SIM_RPC_CLIENT_H
#define SIM_RPC_CLIENT_H

#include <stddef.h>

#include "sim/rpc/calls.h"

/* Returns the NVML code of the answer, NVML_ERROR_DRIVER_NOT_LOADED when no one answers at the
 * socket, or NVML_ERROR_UNKNOWN when the connection broke before an answer came. On NVML_SUCCESS
 * the payload is in `ret_payload` (its size must match exactly). */
int rpc_call(enum rpc_call call, const uint32_t args[RPC_MAX_ARGS], void *ret_payload,
             size_t payload_size);

/* A call of an exported function, which may take several requests. */
struct rpc_caller {
    const char *function;
    struct sim_met met;
};

/* The call that this thread is in, asked before each request; NULL: the request stands for itself.
 * Set once, before the first request. */
extern struct rpc_caller *(*rpc_caller)(void);

/* Closes this process's connection, if there is one. */
void rpc_disconnect(void);

#endif
