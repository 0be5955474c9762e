/* SPDX-License-Identifier: Apache-2.0 */
/* Between init and shutdown: what every function asks first. */
#ifndef SIM_NVML_SESSION_H
#define SIM_NVML_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/rpc/client.h"

/* NVML_SUCCESS between init and shutdown, else NVML_ERROR_UNINITIALIZED. */
int session_check(void);
/* Driver branch that the last init saw (580); 0 before. */
uint32_t session_branch(void);

/* One more user, of a driver of that branch; one less: was it the last? */
void session_begin(uint32_t branch);
bool session_end(void);

/* This thread begins a call of the function: armed faults name it, and count calls. */
void session_enter(const char *function);
struct rpc_caller *session_caller(void);

#endif
