/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nvidia driver's device nodes: /dev/nvidiaN for each GPU under the driver, and
 * /dev/nvidia-caps/nvidia-capN for each GPU and compute instance, which root alone may open. Kept
 * right by the engine's change hook, so that they are there when the call that makes them returns.
 * They have a real host's numbers, behind which no driver stands: what opens one gets ENXIO, unless
 * it asks for the path alone (O_PATH), as the simulated NVML does. On a machine whose kernel has
 * NVIDIA's driver they are plain files, so that none leads to a real GPU. (/dev/vfio comes from
 * FUSE.)
 */
#ifndef SIM_RUN_DEVNODE_H
#define SIM_RUN_DEVNODE_H

#include "sim/state/state.h"

#define CAP_FIRST 3
#define CAP_MAX (CAP_FIRST + SIM_MAX_GPUS * 135)

/* What is there. */
struct devnodes {
    bool plain;      /* files, no devices */
    uint32_t minors; /* bit N: /dev/nvidiaN */
    bool caps[CAP_MAX];
};

/* Makes the fixed nodes and sets the host's change hook; `nodes` must outlive the host. */
void devnodes_start(struct devnodes *nodes, struct sim_host *host);

#endif
