/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How programs on the simulated host reach the daemon: one SEQPACKET Unix socket, binary NVML
 * requests (sim/rpc/calls.h) and JSON control requests. The socket's place is fixed inside the
 * private mount namespace, so that programs need no environment.
 */
#ifndef SIM_RPC_RPC_H
#define SIM_RPC_RPC_H

#include "sim/state/state.h"

#define SIM_RUN_DIR "/run/cleave-sim"
#define SIM_SOCKET SIM_RUN_DIR "/socket"
/* The kernel's /proc on a machine whose kernel has no /proc/modules (sim/fuse/proc_root.h). */
#define SIM_REAL_PROC SIM_RUN_DIR "/proc"
/* Below a whole /usr: the emulator looks for firmware and modules relative to its own place. */
#define SIM_REAL_EMULATOR SIM_RUN_DIR "/real/usr/bin/qemu-system-x86_64"

/* Serves until sim_rpc_stop(): own threads, one per connection. */
struct sim_rpc;
int sim_rpc_start(struct sim_host *host, const char *socket_path, struct sim_rpc **ret_rpc,
                  struct error *err);
void sim_rpc_stop(struct sim_rpc *rpc);
/* Connections that are being served: those of clients that died, too, until their last request has
 * been carried out. */
uint32_t sim_rpc_count(struct sim_rpc *rpc);

/* Client side: one control request over a fresh connection to `socket_path` (NULL: SIM_SOCKET).
 * Returns 0 and the reply's text (caller frees), or -errno. */
int sim_ctl_call(const char *socket_path, const char *request, char **ret_reply);

#endif
