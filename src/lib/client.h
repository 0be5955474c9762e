/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client of cleaved's HTTP API: over its Unix socket, over TCP, or through a program that carries
 * the bytes (`ssh HOST cleave dial`). One request at a time; not thread-safe.
 */
#ifndef LIB_CLIENT_H
#define LIB_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

#define CLIENT_DEFAULT_SOCKET "/run/cleave/cleaved.sock"
#define CLIENT_MAX_REPLY ((size_t)64 * 1024 * 1024)
#define CLIENT_MAX_PEER_REPLY ((size_t)1024 * 1024)

#define CLIENT_TIMEOUT_S 600L /* for an answer, unless another is set */

struct client;

/* Opens nothing yet. */
struct client *client_new(const char *socket_path);
/* By address, of another host's cleaved: remote_read_peer() with root's rights. Its answers are
 * bounded by CLIENT_MAX_PEER_REPLY. */
int client_new_address(const char *address, struct client **ret_client, struct error *err);
void client_free(struct client *client);
/* How long to wait for an answer; ten minutes, unless this says otherwise. */
void client_set_timeout(struct client *client, long timeout_s);
/* `fn` is called about once a second while a request has no answer, after `after_ms`. It may ask
 * the daemon through another client. */
typedef void client_wait_fn(void *data);
void client_on_wait(struct client *client, unsigned after_ms, client_wait_fn *fn, void *data);
DEFINE_FREEP(struct client *, client_free)

/* After client_call() failed: no process serves the Unix socket, or there is none. False of a
 * cleaved that is too busy to take the connection, or that does not answer. */
bool client_found_none(const struct client *client);

/* Sends one request; `body` may be NULL. The caller owns *ret_json. An error that the API answers
 * comes back as it was there (reason, subject, rule, message, hint); a daemon that does not answer
 * is -UNAVAILABLE. */
int client_call(struct client *client, const char *method, const char *path, const json_t *body,
                json_t **ret_json, struct error *err);

/* collection + escaped name + rest, as in ("/v1/gpus/", "0000:41:00.0", "/mode"); caller frees. */
char *client_path(const char *collection, const char *name, const char *rest);

#endif
