/* SPDX-License-Identifier: Apache-2.0 */
/* Says on standard error what a request waits for that has no answer yet. */
#ifndef CLI_WAITING_H
#define CLI_WAITING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/client.h"

struct waiting;

/* For requests of `client`; the daemon at `socket` is asked what they wait for. Nothing is asked or
 * said before a second has passed. */
struct waiting *waiting_new(const char *socket, struct client *client);
void waiting_free(struct waiting *waiting);

/* The request begins; it has its answer. `own`: what it waits for on its own, or NULL; borrowed. */
void waiting_begin(struct waiting *waiting, const char *own);
void waiting_end(struct waiting *waiting);

/* "waiting for plan c9925f1a (…)" from the body of GET /v1/health; false: it names nothing. */
bool waiting_describe(const json_t *health, char *out, size_t size);

#endif
