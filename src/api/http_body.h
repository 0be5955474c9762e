/* SPDX-License-Identifier: Apache-2.0 */
/* The body of an HTTP/1.1 request as it comes in, in pieces: of a stated length, or chunked (RFC
 * 9112, 6 and 7). Strict and bounded. Pure. */
#ifndef API_HTTP_BODY_H
#define API_HTTP_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/http_head.h"
#include "base/error.h"
#include "base/str.h"

#define HTTP_BODY_MAX_BYTES (1024 * 1024)
#define HTTP_BODY_MAX_EXTRA 1024 /* chunk extensions and trailer fields, which are thrown away */

enum http_body_state {
    HTTP_BODY_SIZE, /* of a chunk */
    HTTP_BODY_EXTENSION,
    HTTP_BODY_SIZE_LF,
    HTTP_BODY_DATA,
    HTTP_BODY_DATA_CR,
    HTTP_BODY_DATA_LF,
    HTTP_BODY_TRAILER, /* at the beginning of a line of it */
    HTTP_BODY_TRAILER_LINE,
    HTTP_BODY_TRAILER_LF,
    HTTP_BODY_END_LF,
    HTTP_BODY_WHOLE,
};

struct http_body {
    enum http_body_state state;
    bool chunked;
    uint64_t left; /* of the chunk, or of the body */
    unsigned digits;
    size_t extra;
};

struct http_body http_body_of(const struct http_head *head);

/* Takes what belongs to the body from the front of `bytes`, appends its data to `out`, and sets
 * *ret_used. Whole when body->state is HTTP_BODY_WHOLE; no byte behind it is taken. Returns 0 or
 * the HTTP status to refuse with. */
int http_body_take(struct http_body *body, const char *bytes, size_t len, struct strbuf *out,
                   size_t *ret_used, struct error *err);

#endif
