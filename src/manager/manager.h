/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner of all state: observes the host, admits claims, plans, runs, records events. Every API
 * call is a request to it. Lives on the loop thread; answers either at once or by callback.
 */
#ifndef MANAGER_MANAGER_H
#define MANAGER_MANAGER_H

#include "base/error.h"
#include "service/service.h"
#include "state/config.h"

struct manager;

/* Loads the store, resumes unfinished plans, starts observing. Takes nothing; all is borrowed. */
int manager_new(const struct manager_config *config, struct manager **ret_manager,
                struct error *err);
/* Once the loop has ended: answers who still waits, a VM's hook above all: a worker may be
 * starting that very VM, and would never come back. Those answers must go out before
 * manager_free(). */
void manager_stop(struct manager *manager);
/* Once the loop has ended: waits until `until_us` (monotonic) for what hangs in a driver or in
 * libvirt. False: it still does, and the threads are left to themselves; then the process has to
 * end without freeing what they use, the manager first of all. The journal has all that they did.
 */
bool manager_finish(struct manager *manager, uint64_t until_us);
/* Once the loop has ended: journals the step that is being applied, refuses what still waits. */
void manager_free(struct manager *manager);
DEFINE_FREEP(struct manager *, manager_free)

/* From now on these rules are asked, and those of before no longer; borrowed. */
void manager_use_rules(struct manager *manager, const struct rules *rules);
/* A site's own rules have changed, and can't be used: those of before stay. */
void manager_refuse_rules(struct manager *manager, const struct error *problem);

/* The door to all that can be asked of it; the manager's own. */
const struct service *manager_service(struct manager *manager);

#endif
