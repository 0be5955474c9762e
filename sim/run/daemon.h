/* SPDX-License-Identifier: Apache-2.0 */
/* The process that is the silicon, the driver and the kernel's files. */
#ifndef SIM_RUN_DAEMON_H
#define SIM_RUN_DAEMON_H

#include <sys/types.h>

#include "sim/run/options.h"

struct daemon {
    pid_t pid;
    int stop_fd; /* closing it ends the daemon */
};

/* Forks it and waits until socket and FUSE trees answer. The state is kept in state_dir, or below
 * SIM_RUN_DIR when that is NULL. */
int daemon_start(struct sim_host *host, const char *state_dir, struct daemon *ret_daemon,
                 struct error *err);
/* Ends it and waits a moment; what still lives is killed. */
void daemon_stop(struct daemon *daemon);

#endif
