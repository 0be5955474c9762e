/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boards of which the catalog knows only a part. A real driver has an answer to everything, so the
 * simulated one needs one, too: what no source gives is inferred here, and is nowhere else. cleave
 * gets it from the driver, as it would from a real one.
 */
#ifndef SIM_STATE_COMPLETE_H
#define SIM_STATE_COMPLETE_H

#include "sim/state/state.h"

/* The model with nothing left unknown that a driver would say; the host keeps it. Values that were
 * inferred have the confidence "inferred" and say so in their source. */
const struct gpu_model *sim_complete(struct sim_host *host, const struct gpu_model *model);
void sim_completed_free(struct sim_host *host);

#endif
