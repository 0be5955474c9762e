/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The GPU driver's side of the hardware: MIG mode, GPU and compute instances, mixed-size mode.
 * Implemented by driver/nvml. All operations block, maybe for good when the driver hangs. Two
 * threads may use a port: one that looks (observe, watch, vgpu_state, compatible), and one that
 * changes (check, apply, pause_watch).
 */
#ifndef PORT_GPU_PORT_H
#define PORT_GPU_PORT_H

#include "base/error.h"
#include "model/host.h"
#include "model/plan.h"

struct gpu_port;

/* What the driver reports on its own. */
struct gpu_report {
    struct pci_addr gpu;
    enum gpu_report_kind {
        GPU_REPORT_XID,       /* `xid` has the number */
        GPU_REPORT_ECC,       /* an uncorrectable memory error */
        GPU_REPORT_UNREADABLE /* reports can't be read any more: look at the host; no `gpu` */
    } kind;
    uint32_t xid;
};
typedef void gpu_report_fn(const struct gpu_report *report, void *data);

/* A vGPU that a running VM has open. */
struct gpu_vgpu_query {
    struct pci_addr gpu;
    const char *vm_uuid;
    const char *mdev_uuid; /* "" not an mdev */
    uint32_t type_id;      /* NO_ID any */
};
struct gpu_vgpu_state {
    char metadata[4096]; /* the driver's, for `compatible` on another host; base64, "" none */
    bool framebuffer_used_known;
    uint64_t framebuffer_used_bytes;
};

/* All mandatory, but watch and pause_watch: both or neither; and vgpu_state and compatible:
 * likewise. */
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
    /* Calls `fn` for each report, on a thread of the port's own, until the port is freed or watch()
     * is called with NULL, which waits until no call is under way. A port watches only
     * while that keeps no one from a GPU: see driver/nvml/nvml_watch.h. */
    int (*watch)(struct gpu_port *port, gpu_report_fn *fn, void *data, struct error *err);
    /* on: lets go of all GPUs, and returns when that is done, so that they can be unbound or reset;
     * who looks waits until it is off again. On and off in pairs. */
    void (*pause_watch)(struct gpu_port *port, bool on);
    /* Read-only. What a migration needs to know of a vGPU; -NOT_FOUND when the driver shows none.
     */
    int (*vgpu_state)(struct gpu_port *port, const struct gpu_vgpu_query *query,
                      struct gpu_vgpu_state *ret_state, struct error *err);
    /* Read-only. May a vGPU of that metadata (another host's, not trusted) move to this GPU? The
     * driver's word: "live", "sleep", "hibernate", "cold" or "none". */
    int (*compatible)(struct gpu_port *port, const struct pci_addr *gpu, const char *metadata,
                      char ret_word[16], struct error *err);
    void (*free)(struct gpu_port *port);
};

/* Implementations embed this first. */
struct gpu_port {
    const struct gpu_port_ops *ops;
};

#endif
