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

#include "sim/run/options.h"

/* Returns COMMAND's exit status (128 + signal), or -reason when the machine could not be made. */
int sim_run(const struct sim_run_options *options, struct error *err);

#endif
