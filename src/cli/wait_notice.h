/* SPDX-License-Identifier: Apache-2.0 */
/* Says on standard error what a request waits for that has no answer yet. */
#ifndef CLI_WAIT_NOTICE_H
#define CLI_WAIT_NOTICE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/client.h"

struct wait_notice;

/* For requests of `client`; the daemon at `socket` is asked what they wait for. Nothing is asked or
 * said before a second has passed. */
struct wait_notice *wait_notice_new(const char *socket, struct client *client);
void wait_notice_free(struct wait_notice *wait_notice);

/* The request begins; it has its answer. `own`: what it waits for on its own, or NULL; borrowed. */
void wait_notice_begin(struct wait_notice *wait_notice, const char *own);
void wait_notice_end(struct wait_notice *wait_notice);

/* "waiting for plan c9925f1a (…)" from the body of GET /v1/health; false: it names nothing. */
bool wait_notice_describe(const json_t *health, char *out, size_t size);

#endif
