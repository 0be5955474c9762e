/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at the host. docs/internals/lifecycle.md says who may wait for whom. Loop thread only. */
#ifndef WATCH_OBSERVE_H
#define WATCH_OBSERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "state/state.h"

/* After so long without an answer from libvirt those who ask go on without: VMs as last seen, and
 * host->libvirt_problem says so. */
#define GUESTS_PATIENCE_US 10000000
/* The same for NVML and sysfs. A driver that was not in use needs a second or two per GPU. */
#define HARDWARE_PATIENCE_US 30000000
/* A reader is answered by then, from what was seen last, with its age. */
#define READ_PATIENCE_US 2000000

/* Calls `fn` after a look, at all or at the hardware alone, that starts after this call. Requests
 * made while one is under way share the next. The hardware's never waits for libvirt. `fn` NULL:
 * only the look matters. */
void manager_observe(struct manager *m, observed_fn *fn, void *data);
void manager_observe_hardware(struct manager *m, observed_fn *fn, void *data);
/* For who only reads: all, or after a moment what was seen last (see manager_add_lateness()). */
void manager_observe_soon(struct manager *m, observed_fn *fn, void *data);
bool manager_is_looking(const struct manager *m);
uint64_t manager_patience_us(const struct manager *m, enum observation_source source);
void manager_on_guest_timeout(void *data); /* a timer's function */

#endif
