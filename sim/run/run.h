/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `cleave-sim run`: one command inside a private machine. Processes:
 *
 *   runner            outside; checks the input, forwards signals, returns the exit status
 *   └ init            process 1 of new PID, mount, IPC and UTS namespaces: assembles the machine
 *     ├ daemon        engine, socket, FUSE
 *     ├ libvirt       optional
 *     └ COMMAND
 *
 * All of the machine lives in the namespaces: mounts, /run, processes. When init ends, or the
 * runner is killed (init dies with it), the kernel takes everything away; nothing is left on the
 * disk.
 */
#ifndef SIM_RUN_RUN_H
#define SIM_RUN_RUN_H

#include "sim/rpc/rpc.h"
#include "sim/state/state.h"

/* Fixed places inside the machine. */
#define SIM_FUSE_DIR SIM_RUN_DIR "/fuse"
#define SIM_BIN_DIR SIM_RUN_DIR "/bin" /* cleave-sim, for scripts inside */
#define SIM_REAL_USR                                                                               \
    SIM_RUN_DIR "/real/usr" /* /usr without what is laid over it; the emulator                     \
                               behind the wrapper is in its bin/ */

struct sim_run_options {
    struct sim_host *host; /* loaded; not attached to a state file */
    const char *state_dir; /* NULL: forget the state at the end */
    const char *share_dir; /* libvirt's sockets go there, for others to reach; NULL: private */
    const char *hook;      /* a qemu hook that libvirtd finds when it starts; NULL: none */
    bool libvirt;          /* start libvirtd first */
    char *const *argv;     /* COMMAND and its arguments, NULL at the end */
};

/* Returns COMMAND's exit status (128 + signal), or -reason when the machine could not be made. */
int sim_run(const struct sim_run_options *options, struct error *err);

#endif
