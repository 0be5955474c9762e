/* SPDX-License-Identifier: Apache-2.0 */
/* What a host file gives its GPUs from the start: virtual functions and instances. */
#ifndef SIM_STATE_HOST_START_H
#define SIM_STATE_HOST_START_H

#include "base/json.h"
#include "sim/state/state.h"

/* `r` reads the whole document, whose GPUs are in the host in the same order. What does not fit is
 * refused at its key. */
int host_start_gpus(struct reader *r, struct sim_host *host);

#endif
