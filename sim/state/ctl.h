/* SPDX-License-Identifier: Apache-2.0 */
/* Control requests to the simulated host, as JSON: {"op": "status"|"reboot"|"driver-reload"|
 * "sriov"|"open"|"close"|"set"|…, …} → {"ok": true, …} or {"ok": false, "errno": N, "message": …}. */
#ifndef SIM_STATE_CTL_H
#define SIM_STATE_CTL_H

#include "sim/state/state.h"

/* Takes the host's lock itself. Returns the reply text; caller frees. Any thread. */
char *sim_ctl_handle(struct sim_host *host, const char *request);

#endif
