/* SPDX-License-Identifier: Apache-2.0 */
/* Devices of claims: are they there? Loop thread only. */
#ifndef WATCH_CLAIM_DEVICE_H
#define WATCH_CLAIM_DEVICE_H

#include <stdbool.h>

struct claim;
struct gpu;
struct manager;

/* Is what a bound claim was given still there? A reboot takes vGPUs and GPU instances away. True of
 * a GPU that doesn't answer now: it may come back. */
bool claim_device_is_there(const struct manager *m, const struct claim *claim);
/* While NVML is late: does the kernel show the claim's device on that GPU? It is all that a VM
 * needs to start. */
bool claim_device_is_in_kernel(const struct manager *m, const struct claim *claim,
                               const struct gpu *gpu);

#endif
