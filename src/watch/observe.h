/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at the host. docs/internals/lifecycle.md says who may wait for whom. Loop thread only. */
#ifndef WATCH_OBSERVE_H
#define WATCH_OBSERVE_H

#include <stdint.h>

#include "watch/source.h"

/* Calls `fn` after a look, at all or at the hardware alone, that starts after this call. Requests
 * made while one is under way share the next. The hardware's never waits for libvirt. `fn` NULL:
 * only the look matters. */
void observe_all(struct manager *m, observed_fn *fn, void *data);
void observe_hardware(struct manager *m, observed_fn *fn, void *data);
/* A look at the guests alone, that starts after this call. */
void observe_guests(struct manager *m);
/* For who only reads: all, or after `patience_us` what was seen last (waiting_add_lateness()). */
void observe_soon(struct manager *m, uint64_t patience_us, observed_fn *fn, void *data);
void observe_on_timeout(void *data); /* a timer's function */

#endif
