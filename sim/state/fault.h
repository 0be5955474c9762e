/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults: what a host does wrong on purpose. A fault says where (an NVML function, a kernel file, a
 * tool), when (device, count, probability, duration) and what (a code, a delay, a hang, a lost GPU,
 * an Xid, an ECC error). As JSON, in host files (`faults`) and control requests alike:
 *
 *   at            "nvmlDeviceSetMigMode", "nvml*"; "nvidia/current_vgpu_type",
 * "drivers/nvidia/unbind" (the end of a path) or "/sys/…" (all of it); "sriov-manage", "reset",
 * "open".
 *                 `*` and `?` are wildcards. Left out: the fault strikes once, now.
 *   device        a GPU, and then its VFs too, or one VF; default: any
 *   access        "read", "write" or "any" (default), of a file
 *   nvml, errno   the NVML code (number or name) and the errno (name) that the call ends with
 *   delay_ms      the call takes longer
 *   hang          true: it does not come back until the fault is cleared or has run out
 *   lost          true: the GPU falls off the bus; "rescan": until it is removed and the bus
 * scanned wedged        true: the GPU does nothing more until it is reset xid           a number:
 * the driver reports this error ecc           "corrected" or "uncorrected": one memory error after,
 * count  skip the first N calls; strike N times at most probability   0 to 1; drawn from the host's
 * seed and the fault's id, so that a run repeats for_s         seconds until it runs out, from when
 * it was armed
 *
 * Faults are not hardware: the state file does not keep them.
 */
#ifndef SIM_STATE_FAULT_H
#define SIM_STATE_FAULT_H

#include "base/json.h"
#include "sim/state/state.h"

/* Tools, as faults call them. */
enum sim_tool { SIM_TOOL_OPEN, SIM_TOOL_RESET, SIM_TOOL_SRIOV, SIM_TOOLS, SIM_NO_TOOL = SIM_TOOLS };
extern const char *const sim_tools[SIM_TOOLS];

/* Calls of what kind a name belongs to. */
enum sim_call { SIM_CALL_NVML, SIM_CALL_READ, SIM_CALL_WRITE, SIM_CALL_TOOL };

/* What faults do to one call. */
struct sim_strike {
    int code; /* 0 none; else the NVML code, or -errno for other calls */
    uint64_t delay_us;
    uint32_t hang; /* 0, or the id of the fault that holds the call */
};

/* The faults that a call has met, by their bit: a call may ask the host several times, and counts
 * once. */
struct sim_met {
    uint64_t met, struck;
};

/* Arms a fault read from `r`; *ret_id names it (0: it struck at once). -EINVAL with the reader's
 * error, -ENOSPC, -ENODEV. */
int sim_fault_add(struct sim_host *host, struct reader *r, uint32_t *ret_id);
/* id 0: all of them. -ENOENT. */
int sim_fault_clear(struct sim_host *host, uint32_t id);
json_t *sim_fault_list(const struct sim_host *host);

/* Asked, under the lock, before each call; makes what happens to the GPU happen. device: NULL when
 * the call is about none. */
struct sim_strike sim_fault_strike(struct sim_host *host, enum sim_call kind, const char *call,
                                   const struct pci_addr *device);
/* The same of a call of NVML that asks again: what struck it once ends it however often it asks. */
struct sim_strike sim_fault_strike_again(struct sim_host *host, const char *call,
                                         const struct pci_addr *device, struct sim_met *met);
/* Lets the strike's time pass; without the lock. False when `gave_up` (NULL: never) said that the
 * caller does not wait any longer. */
bool sim_fault_wait(struct sim_host *host, const struct sim_strike *strike,
                    bool (*gave_up)(void *data), void *data);

#endif
