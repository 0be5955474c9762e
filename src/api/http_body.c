/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http_body.h"

#include <string.h>

#include "api/http_status.h"
#include "base/parse.h"

#define MAX_SIZE_DIGITS 8

struct http_body http_body_of(const struct http_head *head)
{
    struct http_body body = {.state = HTTP_BODY_WHOLE};
    if (head->framing == HTTP_BODY_CHUNKED) {
        body.chunked = true;
        body.state = HTTP_BODY_SIZE;
    } else if (head->framing == HTTP_BODY_LENGTH && head->length > 0) {
        body.left = head->length;
        body.state = HTTP_BODY_DATA;
    }
    return body;
}

static int bad(struct error *err, const char *what)
{
    error_set(err, REASON_INVALID, "request body", "%s", what);
    return HTTP_BAD_REQUEST;
}

static int take_data(struct http_body *body, const char *bytes, size_t len, struct strbuf *out,
                     size_t *used, struct error *err)
{
    size_t n = body->left < len - *used ? (size_t)body->left : len - *used;
    if (out->len + n > HTTP_BODY_MAX_BYTES) {
        error_set(err, REASON_INVALID, "request body", "the body is larger than %d bytes",
                  HTTP_BODY_MAX_BYTES);
        return HTTP_CONTENT_TOO_LARGE;
    }
    strbuf_addn(out, bytes + *used, n);
    *used += n;
    body->left -= n;
    if (body->left == 0) {
        body->state = body->chunked ? HTTP_BODY_DATA_CR : HTTP_BODY_WHOLE;
    }
    return 0;
}

static int take_size(struct http_body *body, char c, struct error *err)
{
    int digit = parse_hex_digit(c);
    if (digit >= 0) {
        if (body->digits == MAX_SIZE_DIGITS) {
            return bad(err, "a chunk of the body has an impossible size");
        }
        body->digits++;
        body->left = body->left * 16 + (unsigned)digit;
        return 0;
    }
    if (body->digits == 0 || (c != '\r' && c != ';')) {
        return bad(err, "a chunk of the body does not begin with its size");
    }
    body->state = c == '\r' ? HTTP_BODY_SIZE_LF : HTTP_BODY_EXTENSION;
    return 0;
}

/* Extensions and trailer fields: nothing here uses them, so they are only kept short and clean. */
static int take_extra(struct http_body *body, char c, enum http_body_state next, struct error *err)
{
    if (c == '\r') {
        body->state = next;
        return 0;
    }
    if (++body->extra > HTTP_BODY_MAX_EXTRA) {
        return bad(err, "the chunk extensions or trailers of the body are too long");
    }
    if (c == 0x7f || ((unsigned char)c < ' ' && c != '\t')) {
        return bad(err, "a chunk or trailer of the body contains a control character");
    }
    return 0;
}

static int take_trailer_start(struct http_body *body, char c, struct error *err)
{
    if (c == '\r') {
        body->state = HTTP_BODY_END_LF;
        return 0;
    }
    if (c == ' ' || c == '\t' || c == ':') {
        return bad(err, "the trailer of the body is not a list of fields");
    }
    body->state = HTTP_BODY_TRAILER_LINE;
    return take_extra(body, c, HTTP_BODY_TRAILER_LF, err);
}

/* States in which one byte may come and no other. */
static const struct {
    enum http_body_state state;
    char byte;
    enum http_body_state next;
} only[] = {
    {HTTP_BODY_SIZE_LF, '\n', HTTP_BODY_DATA}, {HTTP_BODY_DATA_CR, '\r', HTTP_BODY_DATA_LF},
    {HTTP_BODY_DATA_LF, '\n', HTTP_BODY_SIZE}, {HTTP_BODY_TRAILER_LF, '\n', HTTP_BODY_TRAILER},
    {HTTP_BODY_END_LF, '\n', HTTP_BODY_WHOLE},
};

static int take_only(struct http_body *body, size_t row, char c, struct error *err)
{
    if (c != only[row].byte) {
        return bad(err, "a chunk of the body does not end after its stated size");
    }
    bool last = body->state == HTTP_BODY_SIZE_LF && body->left == 0;
    body->state = last ? HTTP_BODY_TRAILER : only[row].next;
    body->digits = 0;
    return 0;
}

/* One byte of what surrounds the data of chunks. */
static int take_byte(struct http_body *body, char c, struct error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(only); i++) {
        if (only[i].state == body->state) {
            return take_only(body, i, c, err);
        }
    }
    if (body->state == HTTP_BODY_SIZE) {
        return take_size(body, c, err);
    }
    if (body->state == HTTP_BODY_EXTENSION) {
        return take_extra(body, c, HTTP_BODY_SIZE_LF, err);
    }
    if (body->state == HTTP_BODY_TRAILER) {
        return take_trailer_start(body, c, err);
    }
    return take_extra(body, c, HTTP_BODY_TRAILER_LF, err);
}

int http_body_take(struct http_body *body, const char *bytes, size_t len, struct strbuf *out,
                   size_t *ret_used, struct error *err)
{
    size_t used = 0;
    int status = 0;
    while (used < len && body->state != HTTP_BODY_WHOLE && status == 0) {
        if (body->state == HTTP_BODY_DATA) {
            status = take_data(body, bytes, len, out, &used, err);
        } else {
            status = take_byte(body, bytes[used++], err);
        }
    }
    *ret_used = used;
    return status;
}
