/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's file system, put together in the calling process's own mount namespace. Two steps,
 * for the daemon starts in between: it needs /run and /dev, and brings the FUSE trees.
 */
#ifndef SIM_RUN_MACHINE_H
#define SIM_RUN_MACHINE_H

#include "sim/run/options.h"

/* Private propagation, /proc, /run with SIM_RUN_DIR, /dev. */
int machine_begin(struct error *err);
/* /sys, /proc and /dev/vfio from SIM_FUSE_DIR, /usr with driver files and emulator laid over,
 * libvirt's directories. */
int machine_finish(struct error *err);

#endif
