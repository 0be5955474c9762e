/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checked reader of client configuration tokens. NVIDIA's license system hands such a token
 * out as a file "client_configuration_token_….tok" (NVIDIA License System user guide, "Generating a
 * Client Configuration Token"). It is a JSON Web Token (RFC 7519): three parts of base64url with
 * dots between, a header with the algorithm, claims, and a signature, which only the license
 * server's clients check. No message of this folder has any byte of a token in it.
 */
#ifndef TOKEN_CLIENT_TOKEN_H
#define TOKEN_CLIENT_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "token/secret.h"

#define CLIENT_TOKEN_MAX_BYTES (64 * 1024) /* they have a few thousand */

/* A time that a token does not tell is 0. */
struct client_token {
    struct secret text;     /* without blanks or a line's end around it */
    uint64_t not_before_us; /* realtime: "nbf" */
    uint64_t expires_us;    /* "exp" */
};

void client_token_done(struct client_token *token);
#define CLEANUP_CLIENT_TOKEN CLEANUP(client_token_done)

/* From text of that length. -INVALID: it is no token. `name` is what messages call it. */
int client_token_parse(const char *text, size_t len, const char *name,
                       struct client_token *ret_token, struct error *err);
/* From a file; "-" is standard input, unless that is a terminal, which would show what is typed. */
int client_token_read(const char *path, struct client_token *ret_token, struct error *err);
/* -INVALID: it expired before now. */
int client_token_check(const struct client_token *token, uint64_t now_us, const char *name,
                       struct error *err);

#endif
