/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The GPU driver's side of the hardware: MIG mode, GPU and compute instances, mixed-size mode.
 * Implemented by driver/nvml. All operations block and run on a worker thread, one at a time.
 */
#ifndef PORT_GPU_PORT_H
#define PORT_GPU_PORT_H

#include "base/error.h"
#include "model/host.h"
#include "model/plan.h"

struct gpu_port;

/* All mandatory. */
struct gpu_port_ops {
    /* Read-only. Adds to `host` the driver and NVML versions and, per GPU that the driver owns
     * (found by PCI address or appended): uuid, name, index, memory, MIG fields, GIs,
     * heterogeneous, time-slicing. A missing driver is no error: host->nvml_problem says it in one
     * sentence. */
    int (*observe)(struct gpu_port *port, struct host *host, struct error *err);
    /* Read-only. 0 = apply can only fail for a run-time reason. */
    int (*check)(struct gpu_port *port, const struct step *step, struct error *err);
    /* Idempotent: a step whose result is already there succeeds. Reads back and compares; a
     * mismatch is an error. Fills step->got_*. */
    int (*apply)(struct gpu_port *port, struct step *step, struct error *err);
    void (*free)(struct gpu_port *port);
};

/* Implementations embed this first. */
struct gpu_port {
    const struct gpu_port_ops *ops;
};

#endif
