/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control requests to the simulated host, as JSON:
 *   {"op": "status"}                                     the whole state
 *   {"op": "reboot"}, {"op": "driver-reload"}
 *   {"op": "reset", "gpu": BDF}                          nvidia-smi -r
 *   {"op": "sriov", "gpu": BDF|"ALL", "enable": bool}    what sriov-manage does
 *   {"op": "set", "gpu": BDF, "key": K, "value": V}      sim_set(): "lost", "no_reset", "holder", …
 *   {"op": "fault-add", …}                               see fault.h; answers {"id": N}
 *   {"op": "fault-list"}, {"op": "fault-clear", "id": N} no id: all of them
 *   {"op": "describe", "device": BDF|UUID}               what a guest is given with that device
 *   {"op": "open", "device": BDF|UUID, "pid": N, "vm_uuid": U}    answers as "describe" does
 *   {"op": "close", "device": BDF|UUID, "pid": N}
 * → {"ok": true, …} or {"ok": false, "errno": N, "message": …}; NVML failures have "nvml": N.
 *
 * "describe": {"device", "kind": "companion", "pci_device", "opener"} for what shares a GPU's IOMMU
 * group, else {"device", "kind": "vgpu"|"passthrough", "gpu_uuid", "gpu_name", "pci_device",
 * "pci_subsystem", "framebuffer_mib", "opener" (pid, while a VM has it), and for a vGPU "type",
 * "type_id", "vgpu_uuid", "instance", "gi", "placement", "gi_profile" (the last three where they
 * apply)}.
 */
#ifndef SIM_STATE_CTL_H
#define SIM_STATE_CTL_H

#include "sim/state/state.h"

/* Takes the host's lock itself. `root`: the caller may change things. Returns the reply text;
 * caller frees. Any thread. */
char *sim_ctl_handle(struct sim_host *host, const char *request, bool root);

#endif
