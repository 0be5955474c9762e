/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an HTTP/1.1 request, read strictly (RFC 9112 and 9110): what two readers could
 * understand differently is refused, never guessed. Pure.
 */
#ifndef API_HTTP_HEAD_H
#define API_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define HTTP_HEAD_MAX_BYTES (16 * 1024)
#define HTTP_HEAD_MAX_FIELDS 100
#define HTTP_HEAD_MAX_METHOD 32

struct http_field {
    const char *name;
    const char *value; /* without blanks around it */
};

enum http_framing { HTTP_NO_BODY, HTTP_BODY_LENGTH, HTTP_BODY_CHUNKED };

struct http_head {
    const char *method;
    const char *target; /* starts with a slash, or is what the request line has: "*" */
    bool keep_alive;
    bool expects_continue;
    enum http_framing framing;
    uint64_t length; /* for HTTP_BODY_LENGTH */
    struct http_field fields[HTTP_HEAD_MAX_FIELDS];
    size_t n_fields;
};

/* Looks for the end of the head in what has come so far. `scanned` is 0 at first and kept by the
 * caller. Sets *ret_len to the head's length with its empty line, or to 0 while it is not whole.
 * Returns 0, or the HTTP status to refuse with, as soon as that is certain. */
int http_head_find(const char *bytes, size_t len, size_t *scanned, size_t *ret_len,
                   struct error *err);

/* Takes apart a whole head of `len` bytes, in place: *ret_head points into `text`. Returns 0 or the
 * HTTP status to refuse with. */
int http_head_parse(char *text, size_t len, struct http_head *ret_head, struct error *err);

/* The field's value, its name's case ignored; NULL if there is none. */
const char *http_head_field(const struct http_head *head, const char *name);

#endif
