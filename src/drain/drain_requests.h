/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about the emptying of this host. Loop thread only. */
#ifndef DRAIN_DRAIN_REQUESTS_H
#define DRAIN_DRAIN_REQUESTS_H

#include "operation/operation.h"
#include "service/service.h"

extern const struct operation_kind drain_kind;

/* When nothing comes back any more. */
void drains_free(struct manager *m);

/* Verbs (service/verbs.def). */
verb_fn verb_get_drain, verb_drain_host, verb_undrain_host, verb_cancel_drain;

#endif
