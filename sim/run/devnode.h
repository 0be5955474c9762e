/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nvidia driver's device nodes, as plain files: /dev/nvidiaN for each GPU under the driver.
 * Kept right by the engine's change hook, so that they are there when the write that makes them
 * returns.
 * (/dev/vfio comes from FUSE.)
 */
#ifndef SIM_RUN_DEVNODE_H
#define SIM_RUN_DEVNODE_H

#include "sim/state/state.h"

/* Makes the fixed nodes and sets the host's change hook; *minors (bit N: /dev/nvidiaN is there)
 * must outlive the host. */
void devnodes_start(uint32_t *minors, struct sim_host *host);

#endif
