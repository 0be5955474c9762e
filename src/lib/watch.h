/* SPDX-License-Identifier: Apache-2.0 */
/* A wait for something to change on the host: by GET /v1/watch where cleaved serves it, else by the
 * clock. Not thread-safe. */
#ifndef LIB_WATCH_H
#define LIB_WATCH_H

#include "base/attr.h"

struct watch;

/* Over the Unix socket. `kinds`: what must have changed ("gpu,vm"); NULL: anything. Opens nothing
 * yet. */
struct watch *watch_new(const char *socket_path, const char *kinds);
/* NULL is fine. */
void watch_free(struct watch *watch);
DEFINE_FREEP(struct watch *, watch_free)

/* Returns when there is reason to ask again: something changed since the last call, or may have
 * (the stream begins, or it broke off), or a signal came, or `longest_ms` have passed; where there
 * is no stream, after `pause_ms`. */
void watch_wait(struct watch *watch, unsigned pause_ms, unsigned longest_ms);

#endif
