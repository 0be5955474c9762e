/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about the emptying of this host. Private to src/manager; loop thread only. */
#ifndef MANAGER_DRAIN_H
#define MANAGER_DRAIN_H

#include "service/service.h"

/* Reads the store. */
int drains_open(struct manager *m, struct error *err);
/* When nothing comes back any more. */
void drains_free(struct manager *m);

/* Verbs (service/verbs.def). */
verb_fn manager_get_drain, manager_drain_host, manager_undrain_host, manager_cancel_drain;

#endif
