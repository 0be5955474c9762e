/* SPDX-License-Identifier: Apache-2.0 */
/* What a simulated host is made of, and the fixed places inside it. */
#ifndef SIM_RUN_OPTIONS_H
#define SIM_RUN_OPTIONS_H

#include "sim/rpc/rpc.h"
#include "sim/state/state.h"

/* Fixed places inside the machine. */
#define SIM_FUSE_DIR SIM_RUN_DIR "/fuse"
#define SIM_PROC_ROOT SIM_RUN_DIR "/proc-root" /* see sim/fuse/proc_root.h */
#define SIM_BIN_DIR SIM_RUN_DIR "/bin"         /* cleave-sim, for scripts inside */
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

#endif
