/* SPDX-License-Identifier: Apache-2.0 */
/* A host's changing part to JSON and back. Reading is strict and checks that the state belongs to
 * the host file that `host` was loaded from; on error `host` is half changed. */
#ifndef SIM_STATE_ENCODE_H
#define SIM_STATE_ENCODE_H

#include "base/json.h"
#include "sim/state/state.h"

json_t *sim_host_to_json(const struct sim_host *host); /* caller's reference */
int sim_host_from_json(struct sim_host *host, const json_t *json, const char *origin,
                       struct error *err);

#endif
