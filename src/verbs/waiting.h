/* SPDX-License-Identifier: Apache-2.0 */
/* What cleaved waits for. Loop thread only. */
#ifndef VERBS_WAITING_H
#define VERBS_WAITING_H

#include <jansson.h>

#include "service/service.h"

/* Adds to the answer of who reads, and has waited so long, when that was seen, and what is late. */
void waiting_add_lateness(const struct manager *m, uint64_t patience_us, json_t *body);

/* Verbs (service/verbs.def). */
json_t *health_to_json(const struct manager *m);

verb_fn verb_get_health;

#endif
