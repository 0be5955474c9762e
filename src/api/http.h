/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 on the event loop: takes connections, reads whole requests within limits, hands each to
 * one handler in its user's turn and sends its answer, now or later. Knows nothing of cleave. Never
 * waits for a client: a connection has a slot only as long as it is worth one, see http_slots.h.
 * Loop thread only.
 */
#ifndef API_HTTP_H
#define API_HTTP_H

#include <stddef.h>

#include "api/http_body.h"
#include "api/http_slots.h"
#include "api/target.h"
#include "base/error.h"
#include "base/evloop.h"

#define HTTP_MAX_BODY HTTP_BODY_MAX_BYTES
#define HTTP_MAX_OPEN_BODIES (16 * HTTP_MAX_BODY) /* all that were not handed over, together */
/* A thousand clients that wait fit, and as many more; each costs a descriptor and, while its
 * request is not whole, up to HTTP_HEAD_MAX_BYTES. */
#define HTTP_MAX_CONNECTIONS 2048
#define HTTP_KEPT_FOR_ROOT 256
#define HTTP_MAX_PER_USER 1024
#define HTTP_IDLE_S 30    /* default: a connection that sends nothing for so long is closed */
#define HTTP_HEAD_S 10    /* for a request's head to be whole, from its first byte */
#define HTTP_BODY_S 60    /* and its body */
#define HTTP_SENDING_S 60 /* for a client to take its answer, from the last byte that it took */
#define HTTP_SENT_S 120   /* and the whole of it */
#define HTTP_ALIVE_S 15   /* a stream with nothing to send says so, to find out who has left */
#define HTTP_MAX_UNSENT (64 * 1024 * 1024) /* bytes of answers that clients have not taken */

struct conn;
struct http;
struct http_exchange; /* a request and its answer */

struct http_request {
    const char *method;
    struct target target;
    const char *content_type; /* NULL if none; until the handler returns */
    const char *body;         /* "" if none; NUL-terminated; until the handler returns */
    size_t body_len;
    const char *author; /* who is connected, see users_name() and socket_peer(); until the handler
                         * returns */
    bool tcp;           /* not over a Unix socket */
    bool root;          /* by the kernel's word, so only over a Unix socket */
};

struct http_response {
    int status;
    const char *content_type; /* static text */
    char *body;               /* taken; freed with free() */
    const char *allow;        /* static text for the Allow header, or NULL */
};

/* An answer whose body goes on until its client leaves, as server-sent events do. */
struct http_stream {
    const char *content_type; /* static text */
    /* Appends the next piece of the body. None: http_stream_wake() says when there is one. */
    void (*more)(struct strbuf *out, void *data);
    void (*left)(void *data); /* once: the connection is over */
    void *data;
};

/* Gets every request that is whole; must call http_answer() or http_answer_stream() exactly once,
 * now or later. */
typedef void http_handle_fn(struct http_exchange *exchange, void *data);
/* Whether a request goes before others of its user, and, when root's, before all: what is answered
 * at once and asked to find out whether all is well, and what a VM waits for. */
typedef bool http_urgent_fn(const struct http_request *request, void *data);
/* Says in the server's own error format why a request was refused before it was whole. */
typedef struct http_response http_refuse_fn(int status, const struct error *err);

struct http_config {
    struct evloop *loop;
    unsigned idle_s;           /* 0: HTTP_IDLE_S; shorter: the other deadlines are no longer */
    struct http_limits limits; /* .connections 0: the defaults above, or what descriptors allow */
    http_handle_fn *handle;
    http_refuse_fn *refuse;
    http_urgent_fn *urgent; /* NULL: none is */
    void *data;
};

struct http *http_new(const struct http_config *config);
/* Serves a listening socket, which is taken (also on failure). */
int http_serve(struct http *http, int listen_fd, struct error *err);
/* Serves one connected stream socket, which is taken, or turns it away. */
void http_serve_connection(struct http *http, int fd);
/* Requests that the handler owes an answer, those whose client has left included. */
size_t http_waiting(const struct http *http);
size_t http_connections(const struct http *http);
/* Once the loop has ended: sends what was answered, as far as clients take it now. */
void http_flush(struct http *http);
/* Once the loop has ended, and before evloop_free(). Requests that wait for an answer are dropped;
 * http_answer() must not be called any more. */
void http_free(struct http *http);
DEFINE_FREEP(struct http *, http_free)

/* Valid until http_answer(), also when the client has gone. */
const struct http_request *http_exchange_request(const struct http_exchange *exchange);
/* A header field by its name (case ignored), NULL if there is none. Valid until the handler
 * returns.
 */
const char *http_exchange_header(const struct http_exchange *exchange, const char *name);
/* Hangs the handler's own data on the exchange; `done` frees it with the exchange. */
void http_exchange_attach(struct http_exchange *exchange, void *data, void (*done)(void *data));
void http_answer(struct http_exchange *exchange, struct http_response response);
/* What http_stream_wake() takes, until `left` is called; both come from the loop's own
 * turn. NULL: the client has gone, and neither will be called. */
struct conn *http_answer_stream(struct http_exchange *exchange, const struct http_stream *stream);
/* There is something to send. Not from within `more`. May call `left`. */
void http_stream_wake(struct conn *conn);

#endif
